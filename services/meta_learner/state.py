"""What a family has learned."""

from dataclasses import dataclass, field
from typing import Literal

from homeostat.core import Identity
from homeostat.events import FamilyRegistered, PriorContributed, RulesSet
from homeostat.events.base import Tier
from meta_learner.advice import Advice
from meta_learner.gate import Ledger
from meta_learner.knowledge import Knowledge
from meta_learner.rates import Thresholds

Rung = Literal["catalogue", "scheduler", "closed_loop"]


@dataclass(slots=True)
class Decision:
    """A proposal whose payoffs are awaited.

    Args:
        model: The model.
        context: Meta-features in the order of `Knowledge.features`, with the intercept.
        chosen: Arm that was drawn.
        baseline: What the rule would have done: its arm, or `skip` where that is not to be had.
        prices: By arm, in payoff units.
        level: Accuracy if nothing is done.
        low: Lower bound of its value, as booked in the ledger.
        expected_baseline: Value of the rule's arm, as booked.
        is_held_out: Scored, never learned from.
        is_booked: The ledger counts on it.
        sources: By arm, whose rows its payoff rests on.
        payoffs: By arm, as they come.
    """

    model: str
    context: list[float]
    chosen: str
    baseline: str
    prices: dict[str, float]
    level: float
    low: float
    expected_baseline: float
    is_held_out: bool
    is_booked: bool = True
    sources: dict[str, list[str]] = field(default_factory=dict)
    payoffs: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Model:
    """A member of the family.

    Args:
        champion: Version that serves, as last heard.
        tier: Risk.
        hourly_value: Worth of one point of accuracy for an hour.
        drift: Story of the open drift.
        log2_e: Base-2 logarithm of the e-value for a change; None from a detector that has none.
        is_discovery: Whether e-BH over the family selects it.
        evidence: Identities of what was noticed in it.
        decided: Story that a retrain was proposed in, last with `decided_labels` labels since its onset.
        open_action: The retrain in flight.
        band: The threshold action in flight or applied; empty without one.
        band_rate: Alarm rate that it states.
    """

    champion: str
    tier: Tier = "low"
    hourly_value: float = 0.0
    drift: Identity | None = None
    log2_e: float | None = 0.0
    is_discovery: bool = False
    evidence: list[str] = field(default_factory=list)
    decided: Identity | None = None
    decided_labels: int = 0
    open_action: str = ""
    band: str = ""
    band_rate: float = 0.0


@dataclass(slots=True)
class Tasks:
    """Few-shot tasks since the last meta-training; `source`, `first`, `last` and `since` name their range.

    `seconds` is what the last meta-training took, `current` what the open one continues from.
    """

    n: int = 0
    n_total: int = 0
    source: str = ""
    first: str = ""
    last: str = ""
    since: int = 0
    seconds: float = 0.0
    open_action: str = ""
    current: str | None = None


@dataclass(slots=True)
class Weights:
    """Initial weights that have passed their gate.

    Args:
        artifact: Digest.
        sources: Whose tasks they were trained on.
    """

    artifact: str
    sources: list[str]


@dataclass(slots=True)
class HeldOut:
    """Decisions that are scored and never learned from: how the learner does on what it has not seen.

    Args:
        n: Decisions with the payoffs of both arms known.
        gain: Sum of what was chosen minus the rule's arm, net of price, in payoff units.
    """

    n: int = 0
    gain: float = 0.0


@dataclass(slots=True)
class State:
    """Of one family.

    Args:
        family: Its catalogue of arms.
        rung: How much is left to the learner: the rule's arm always; whether to retrain; everything.
        knowledge: What payoffs have taught.
        ledger: Of the conservative gate.
        held_out: Score on decisions that are not learned from.
        models: By `scope/model`.
        decisions: By action, the oldest first; those whose payoffs may still come.
        tasks: For the next meta-training.
        weights: Published initial weights, the newest last; older ones are there for the case that one is distrusted.
        rules: Those in force: price list and reward weights.
        distrusted: Sources.
        children: Shares in the prior, by family: of a family that is a parent.
        advice: What episodes of training jobs have taught.
        thresholds: What incidents have taught of alarm rates.
    """

    family: FamilyRegistered | None = None
    rung: Rung = "closed_loop"
    knowledge: Knowledge = field(default_factory=Knowledge)
    ledger: Ledger = field(default_factory=Ledger)
    held_out: HeldOut = field(default_factory=HeldOut)
    models: dict[str, Model] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    tasks: Tasks = field(default_factory=Tasks)
    weights: list[Weights] = field(default_factory=list)
    rules: RulesSet = field(default_factory=RulesSet)
    distrusted: list[str] = field(default_factory=list)
    children: dict[str, PriorContributed] = field(default_factory=dict)
    advice: Advice = field(default_factory=Advice)
    thresholds: Thresholds = field(default_factory=Thresholds)
