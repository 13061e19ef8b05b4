"""How an adaptation is carried out: the plan of a retrain, what a meta-training does, what a training has left."""

from typing import Final, Literal

from pydantic import Field

from homeostat.events.base import Digest, Name, Range, Ratio, Value
from homeostat.events.bounds import (
    LARGEST_INTEGER,
    LEAST,
    MOST_ARMS,
    Amount,
    Count,
    Identifier,
    Positive,
    Seconds,
)

InnerRule = Literal["auto", "maml", "fomaml", "anil", "reptile", "meta_sgd", "bayesian_last_layer"]
"""How initial weights adapt. `auto`: the closed form for numbers and for drawn classes, MAML for fixed labels."""


MOST_RATE: Final = 1e6
"""Of a learning rate."""


class Episodes(Value):
    """How episodes are made of recorded tasks.

    Args:
        ways: Classes of an episode, drawn from those of all tasks and numbered anew; 0: an episode is one task.
        shots: Support rows per class (in all for numbers); one of these per outer step.
        queries: Query rows per class (in all for numbers); 0: all there are.
        per_step: Episodes of an outer step.
        turned: Images turned by 90, 180 and 270 degrees are classes of their own, where classes are drawn.
    """

    ways: Count = 0
    shots: tuple[Positive, ...] = Field(default=(1, 5, 10), min_length=1)
    queries: Count = 0
    per_step: Positive = 8
    turned: bool = False


class MetaTraining(Value):
    """What a meta-training shall do.

    Args:
        window: Range of tasks.
        algorithm: Inner rule.
        n_steps: Outer steps.
        seed: Of the run.
        current: Weights it must beat; None for random ones.
        excluded_sources: Tasks of these are left out.
        seats: Who counts as a source of its own, by the public key that its tasks are signed with. All others together
            count as one.
        episodes: What an outer step sees.
        inner_steps: Gradient steps of an adaptation, in training and at the gate.
        inner_rate: Their first size; learned from there. None: the trainer's.
        image: Channels, height and width if a row is an image: then the network is convolutional.
    """

    window: Range
    algorithm: InnerRule = "auto"
    n_steps: Positive = 500
    seed: Count = 0
    current: Digest | None = None
    excluded_sources: tuple[Identifier, ...] = ()
    seats: dict[Digest, Name] = Field(default_factory=dict)
    episodes: Episodes = Episodes()
    inner_steps: Positive = 5
    inner_rate: float | None = Field(default=None, ge=LEAST, le=MOST_RATE)
    image: tuple[Positive, Positive, Positive] | None = None


class Plan(Value):
    """How a retrain is trained, rolled out and measured; copied from the family into the proposal.

    Args:
        recipe: Name of the training recipe.
        steps: Weights of the canary.
        soak_labels: Labelled rows a step lasts at least.
        soak_seconds: Time it lasts at least.
        horizon_labels: Labelled rows over which payoffs are measured.
        label_limit: Labelled rows after which a canary without judgement is inconclusive.
        price: Declared price of the retrain, in units of the metric.
        holdback_labels: Labelled rows after the settlement of a promotion for which the old champion stays as a shadow
            and the outcome is revised; 0 makes the first measurement final.
    """

    recipe: Name = "default"
    steps: tuple[Ratio, ...] = Field(default=(0.1, 0.5), max_length=MOST_ARMS)
    soak_labels: Positive = 40
    soak_seconds: Seconds = 0.0
    horizon_labels: int = Field(default=200, ge=10, le=LARGEST_INTEGER)
    label_limit: Positive = 400
    price: Amount = 0.0
    holdback_labels: Count = 200


class Candidate(Value):
    """A version that an action has trained.

    Args:
        arm: Which arm.
        version: Its name.
        artifact: Its weights.
        seconds: Training time.
    """

    arm: Name
    version: Name
    artifact: Digest
    seconds: Seconds = 0.0
