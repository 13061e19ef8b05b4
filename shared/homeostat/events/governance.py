"""What is wanted and what came of it: proposals, judgements, settlements."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from homeostat.events.base import ActionKind, Arm, Band, Data, Digest, Name, Range, Ratio, Subject, Text, Tier, Value
from homeostat.events.bounds import (
    LARGEST_INTEGER,
    LEAST,
    MOST_ARMS,
    Amount,
    Count,
    Identifier,
    Millis,
    MillisLong,
    Positive,
    Seconds,
    Size,
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


class FamilyObserved(Data):
    """A family of a scope has been heard of for the first time: it is told what was set before it came.

    Args:
        family: `scope/family`.
    """

    TYPE: ClassVar[str] = "homeostat.family.observed.v1"
    family: Subject


class ActionProposed(Data):
    """What the learner wants, with its alternatives. Its identity is the action's id.

    Args:
        kind: What to do.
        family: `scope/family`.
        model: `scope/model`; None for a meta-training.
        champion: Version that serves now and is the reference of every payoff.
        chosen: Arm that was drawn; `skip` does nothing.
        baseline: Arm that the rule would have taken.
        arms: All alternatives.
        shadows: Arms trained and scored without traffic.
        window: Data to train on.
        candidates: For a rollout: versions that were trained elsewhere; the chosen one becomes the canary.
        plan: How.
        band: For a threshold.
        meta_training: For initial weights.
        money: Asked of the budget.
        slots: Training slots asked for.
        tier: Risk.
        ttl_ms: After this it expires, if the rules do not say sooner; None: as the rules say.
        evidence: Identities of the events behind it.
        sources: Whose telemetry and traces it rests on, `ce_source` each; with a distrusted one it is denied.
        reason: One sentence for people.
    """

    TYPE: ClassVar[str] = "homeostat.action.proposed.v1"
    kind: ActionKind
    family: Subject
    model: Subject | None = None
    champion: Name | None = None
    chosen: Name
    baseline: Name | None = None
    arms: tuple[Arm, ...] = Field(default=(), max_length=MOST_ARMS + 1)
    shadows: tuple[Name, ...] = ()
    window: Range | None = None
    candidates: tuple[Candidate, ...] = Field(default=(), max_length=MOST_ARMS)
    plan: Plan = Plan()
    band: Band | None = None
    meta_training: MetaTraining | None = None
    money: Size = 0.0
    slots: Count = 0
    tier: Tier = "low"
    ttl_ms: MillisLong | None = None
    evidence: tuple[Identifier, ...] = ()
    sources: tuple[Identifier, ...] = ()
    reason: Text = ""

    @property
    def trained_arms(self) -> list[str]:
        """Names of the arms that a retrain trains: the chosen one and the shadows, but nothing to skip it."""
        asked = {self.chosen, *self.shadows} - {"skip"}
        return [arm.name for arm in self.arms if arm.name in asked]

    @property
    def is_idle(self) -> bool:
        """Whether it is a retrain of which no arm is trained, not even for comparison: its verdict is its end."""
        return self.kind == "retrain" and not self.trained_arms


class ActionRequested(ActionProposed):
    """What a person wants; the same form, signed.

    Args:
        valid_until: As of every request: the signature counts once, until then.
    """

    TYPE: ClassVar[str] = "homeostat.action.requested.v1"
    valid_until: Millis | None = None

    def plain(self) -> ActionProposed:
        """The same as a proposal."""
        return ActionProposed.model_validate(self.model_dump(exclude={"valid_until"}))


class RequestHeld(Data):
    """A request that one person may not make alone waits for a second one, who signs the same.

    Args:
        request: Identity of the request.
        principal: Who asked first.
        needs: Who may be the second.
        expires_at: Until then, ms.
    """

    TYPE: ClassVar[str] = "homeostat.request.held.v1"
    request: Identifier
    principal: Name
    needs: Text
    expires_at: Millis


class CanaryJudged(Data):
    """What the sequential test says of a canary; emitted when it changes.

    Args:
        action: The action.
        model: The model.
        version: The canary.
        step: Index of the step it speaks of.
        judgement: abort, promote, continue (the step's soak has passed) or inconclusive.
        log2_e_worse: Base-2 logarithm of the e-value for "worse".
        log2_e_better: The same for "better".
        n_labels: Labelled rows answered by both.
        n_discordant: Rows on which their errors differ.
        canary_error: Mean error of the canary: of a classifier the share of wrong answers, of a regressor its
            distance in units of a scale of the model's own.
        champion_error: Mean error of the champion on the same rows.
        exposed: Requests the canary answered.
        alpha: Level of the test.
    """

    TYPE: ClassVar[str] = "homeostat.canary.judged.v1"
    action: str
    model: Subject
    version: Name
    step: int = Field(ge=0)
    judgement: Literal["abort", "promote", "continue", "inconclusive"]
    log2_e_worse: float
    log2_e_better: float
    n_labels: int = Field(ge=0)
    n_discordant: int = Field(ge=0)
    canary_error: Ratio
    champion_error: Ratio
    exposed: int = Field(ge=0)
    alpha: Ratio


class ActionSettled(Data):
    """The end of an action: its tokens are committed or refunded.

    Said again when a late bill changes the cost, and when the outcome is final.

    Args:
        action: The action.
        kind: Its kind.
        model: The model, if any.
        state: How it ended.
        cost: Money that it cost; None leaves it to the governor's own books.
        gain: What it brought.
        is_final: Nothing will be revised but the cost; until then the old champion is held back.
    """

    TYPE: ClassVar[str] = "homeostat.action.settled.v1"
    action: str
    kind: ActionKind
    model: Subject | None = None
    state: Literal["promoted", "aborted", "skipped", "failed", "expired", "done"]
    cost: float | None = Field(default=None, ge=0.0)
    gain: float = 0.0
    is_final: bool = True


class BurnReported(Data):
    """Error budget burnt in a window.

    Args:
        window_seconds: Length.
        burn: Multiple of the sustainable rate.
    """

    TYPE: ClassVar[str] = "homeostat.burn.reported.v1"
    window_seconds: float = Field(gt=0.0)
    burn: float = Field(ge=0.0)


PASSING_RULES: Final = frozenset(
    {"freeze", "one_at_a_time", "concurrency", "rate", "cooldown", "money", "slots", "blast_radius"}
)
"""Rules that deny for the time being: what only they deny is proposed again."""
