"""What a family has learned."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, Literal

from homeostat.core import Identity
from homeostat.core.rate import Rate
from homeostat.events import FamilyRegistered, PriorContributed, ProfileUpdated, RulesSet
from homeostat.events.base import Tier
from homeostat.events.sources import rests_on
from homeostat.services.meta_learner.gate import Ledger
from homeostat.services.meta_learner.knowledge import Knowledge
from homeostat.services.meta_learner.rates import Thresholds
from homeostat.services.meta_learner.seats import Seats
from homeostat.services.meta_learner.tasks import Tasks

Rung = Literal["catalogue", "scheduler", "closed_loop"]

_MOST_TOLD: Final = 8
"""Payoffs of one arm of a decision; usually there is one."""


@dataclass(slots=True)
class Told:
    """A payoff, and whose rows it rests on."""

    payoff: float
    sources: list[str]


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
        told: Payoffs by arm, as they come, the newest last: one by the word of each set of sources.
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
    told: dict[str, list[Told]] = field(default_factory=dict)

    def tell(self, arm: str, told: Told) -> None:
        """Take note of a payoff, in place of what the same sources said of it before."""
        others = [one for one in self.told.get(arm, []) if one.sources != told.sources]
        self.told[arm] = [*others, told][-_MOST_TOLD:]

    def believed(self, arm: str, distrusted: Collection[str]) -> Told | None:
        """Return the newest payoff of an arm that rests on nobody who is distrusted; None without any."""
        known = self.told.get(arm, [])
        return next((one for one in reversed(known) if not rests_on(one.sources, distrusted)), None)


@dataclass(frozen=True, slots=True)
class Look:
    """What a proposal rests on.

    Args:
        profile: Of the model under drift.
        identity: Of its event.
        story: Of the drift.
    """

    profile: ProfileUpdated
    identity: str
    story: Identity


@dataclass(slots=True)
class Postponed:
    """A question that is asked again.

    Args:
        look: The newest one of its drift.
        until: When, ms.
        cooled_at: When a profile that comes before may be asked about, ms.
    """

    look: Look
    until: int
    cooled_at: int


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
        decided: Story that a retrain was proposed in, last with `decided_labels` labels since its onset; doubled if it
            was in vain.
        decided_before: Labels at the proposal before that one, in the same story.
        asked: The last retrain that was proposed.
        look: What it rests on, until there is a verdict.
        n_denied: How often it was denied since the last one that was approved, in the same story.
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
    decided_before: int = 0
    asked: str = ""
    look: Look | None = None
    n_denied: int = 0
    open_action: str = ""
    band: str = ""
    band_rate: float = 0.0


@dataclass(slots=True)
class Weights:
    """Initial weights that have passed their gate.

    Args:
        artifact: Digest.
        sources: Whose tasks they were trained on.
        number: In the order in which they were published.
    """

    artifact: str
    sources: list[str]
    number: int = 0


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
        bands: When thresholds were proposed for models that were just registered.
        unbanded: Registered models that wait for theirs, the first come first; the values say nothing.
        rung: How much is left to the learner: the rule's arm always; whether to retrain; everything.
        knowledge: What payoffs have taught.
        ledger: Of the conservative gate.
        held_out: Score on decisions that are not learned from.
        models: By `scope/model`.
        postponed: Questions that are asked again, by model.
        decisions: By action, the oldest first; those whose payoffs may still come.
        tasks: For the next meta-training.
        weights: Published initial weights, the newest last; older ones are there for the case that one is distrusted.
        withdrawn: The same of sources that are distrusted.
        rules: Those in force: price list and reward weights.
        distrusted: Sources.
        seats: Who signs with a key that the scope knows.
        children: Shares in the prior, by family: of a family that is a parent.
        thresholds: What incidents have taught of alarm rates.
    """

    family: FamilyRegistered | None = None
    bands: Rate = field(default_factory=Rate)
    unbanded: dict[str, bool] = field(default_factory=dict)
    rung: Rung = "closed_loop"
    knowledge: Knowledge = field(default_factory=Knowledge)
    ledger: Ledger = field(default_factory=Ledger)
    held_out: HeldOut = field(default_factory=HeldOut)
    models: dict[str, Model] = field(default_factory=dict)
    postponed: dict[str, Postponed] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    tasks: Tasks = field(default_factory=Tasks)
    weights: list[Weights] = field(default_factory=list)
    withdrawn: list[Weights] = field(default_factory=list)
    rules: RulesSet = field(default_factory=RulesSet)
    distrusted: list[str] = field(default_factory=list)
    seats: Seats = field(default_factory=Seats)
    children: dict[str, PriorContributed] = field(default_factory=dict)
    thresholds: Thresholds = field(default_factory=Thresholds)
