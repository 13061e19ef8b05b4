"""What a family has learned."""

from dataclasses import dataclass, field

from river.linear_model import LinearRegression

from homeostat.core import Identity
from homeostat.events import FamilyRegistered
from homeostat.events.base import Tier
from homeostat.stats.linear import BayesianLinear


@dataclass(slots=True)
class Belief:
    """What is believed of one arm.

    Args:
        regression: Payoff by meta-features; decides.
        beside: river's regression on the same data; a baseline, never decides.
        n: Payoffs seen.
        error: Sum of absolute errors of predictions made before the payoff was seen, in payoff units.
        error_beside: The same for `beside`.
        covered: How often the 90 % interval held the payoff.
        seconds: Mean training time.
    """

    regression: BayesianLinear
    beside: LinearRegression
    n: int = 0
    error: float = 0.0
    error_beside: float = 0.0
    covered: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Decision:
    """A proposal whose payoffs are awaited.

    Args:
        model: The model.
        context: Meta-features in the order of `State.features`, with the intercept.
        chosen: Arm that was drawn.
    """

    model: str
    context: list[float]
    chosen: str


@dataclass(slots=True)
class Model:
    """A member of the family.

    Args:
        champion: Version that serves, as last heard.
        tier: Risk.
        drift: Story of the open drift.
        evidence: Identities of what was noticed in it.
        decided: Story that a retrain was proposed in, last with `decided_labels` labels since its onset.
        open_action: The retrain in flight.
        band: The threshold action in flight or applied; empty without one.
    """

    champion: str
    tier: Tier = "low"
    drift: Identity | None = None
    evidence: list[str] = field(default_factory=list)
    decided: Identity | None = None
    decided_labels: int = 0
    open_action: str = ""
    band: str = ""


@dataclass(slots=True)
class Tasks:
    """Few-shot tasks since the last meta-training; `source`, `first`, `last` and `since` name their range."""

    n: int = 0
    n_total: int = 0
    source: str = ""
    first: str = ""
    last: str = ""
    since: int = 0
    open_action: str = ""


@dataclass(slots=True)
class State:
    """Of one family.

    Args:
        family: Its catalogue of arms.
        features: Names of the meta-features, in the order of every context.
        beliefs: By arm.
        models: By `scope/model`.
        decisions: By action, the oldest first; those whose payoffs may still come.
        tasks: For the next meta-training.
        weights: Published initial weights.
        weights_sources: Sources of the tasks they were trained on.
        price_per_second: Of training, from the rules.
        distrusted: Sources.
    """

    family: FamilyRegistered | None = None
    features: list[str] = field(default_factory=list)
    beliefs: dict[str, Belief] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    tasks: Tasks = field(default_factory=Tasks)
    weights: str | None = None
    weights_sources: list[str] = field(default_factory=list)
    price_per_second: float = 0.01
    distrusted: list[str] = field(default_factory=list)
