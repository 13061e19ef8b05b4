"""State of the meta-learner: what a family has learned, one component per matter."""

from dataclasses import dataclass, field
from typing import Final, Literal

from homeostat.core import Emit, Event
from homeostat.events import FamilyRegistered, RulesSet, WeightsPublished, WeightsRejected
from homeostat.services.meta_learner.alarm_rates import AlarmRates
from homeostat.services.meta_learner.false_discovery import DriftEvidence
from homeostat.services.meta_learner.federated_prior import ChildShares, contribution
from homeostat.services.meta_learner.gate import Decisions
from homeostat.services.meta_learner.initial_weights import InitialWeights
from homeostat.services.meta_learner.meta_training import TrainingTasks
from homeostat.services.meta_learner.posterior import ArmPosterior
from homeostat.services.meta_learner.postponed import PostponedRetrains
from homeostat.services.meta_learner.retraining import Model
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.source_keys import Seats
from homeostat.services.meta_learner.thompson_sampling import SKIP
from homeostat.services.meta_learner.threshold_queue import ThresholdQueue

_DOES_NOT_FIT: Final = "current_does_not_fit"

AutonomyLevel = Literal["catalogue", "scheduler", "closed_loop"]
"""How much is left to the learner: the rule's arm always; whether to retrain; everything."""


@dataclass(slots=True)
class State:
    """Of one family.

    Args:
        family: Its catalogue of arms.
        autonomy: How much is left to the learner.
        rules: Those in force: price list and reward weights.
        distrusted: Sources.
        seats: Who signs with a key that the scope knows.
        models: By `scope/model`.
        posterior: What payoffs have taught.
        decisions: Those whose payoffs may still come, and the gate.
        postponed: Retrains that are proposed again.
        tasks: For the next meta-training.
        initial_weights: Published ones.
        children: Shares in the prior, of a family that is a parent.
        alarm_rates: What incidents have taught.
        threshold_queue: Models that wait for their first threshold.
    """

    family: FamilyRegistered | None = None
    autonomy: AutonomyLevel = "closed_loop"
    rules: RulesSet = field(default_factory=RulesSet)
    distrusted: list[str] = field(default_factory=list)
    seats: Seats = field(default_factory=Seats)
    models: dict[str, Model] = field(default_factory=dict)
    posterior: ArmPosterior = field(default_factory=ArmPosterior)
    decisions: Decisions = field(default_factory=Decisions)
    postponed: PostponedRetrains = field(default_factory=PostponedRetrains)
    tasks: TrainingTasks = field(default_factory=TrainingTasks)
    initial_weights: InitialWeights = field(default_factory=InitialWeights)
    children: ChildShares = field(default_factory=ChildShares)
    alarm_rates: AlarmRates = field(default_factory=AlarmRates)
    threshold_queue: ThresholdQueue = field(default_factory=ThresholdQueue)

    @property
    def changes(self) -> dict[str, DriftEvidence]:
        """How sure the changes of all models are, by model."""
        return {name: model.change for name, model in self.models.items()}

    def register(self, name: str, data: FamilyRegistered, settings: LearnerSettings) -> tuple[Emit, ...]:
        """Take a catalogue in; a family that changes its parent takes its share back from the one before.

        Args:
            name: `scope/family`.
            data: The catalogue.
            settings: Of the learner.
        """
        left: tuple[Emit, ...] = ()
        before = self.family.parent if self.family is not None else None
        if before is not None and before != data.parent:
            self.posterior.parent.reset()
            left = (contribution(name, before),)
        self.family = data
        arms = [arm for arm in data.arms if arm.name != SKIP]
        self.posterior.admit(arms)
        in_use = {arm for decision in self.decisions.pending.values() for arm in decision.prices}
        self.posterior.retire(in_use | {arm.name for arm in arms})
        return left + self.contribute(name, settings)

    def contribute(self, name: str, settings: LearnerSettings) -> tuple[Emit, ...]:
        """Tell the parent what this family has learned; nothing without a parent.

        Args:
            name: `scope/family`.
            settings: Of the learner.
        """
        if self.family is None or self.family.parent is None:
            return ()
        statistics = self.posterior.shared(settings)
        return (contribution(name, self.family.parent, tuple(self.posterior.features), statistics),)

    def distrust(self, name: str, source: str, settings: LearnerSettings) -> tuple[Emit, ...]:
        """Set aside what a source taught, the values that rest on it, and the weights trained on its tasks.

        Args:
            name: `scope/family`.
            source: Distrusted from now on.
            settings: Of the learner.
        """
        withdrawn: tuple[Emit, ...] = ()
        if source not in self.distrusted:
            self.distrusted.append(source)
            self.posterior.withdraw(source, settings)
            self.decisions.gate.withdraw(source, settings.n_sources)
            withdrawn = self.initial_weights.withdraw(name, source, self.distrusted)
        return self.contribute(name, settings) + withdrawn

    def trust(self, name: str, source: str, settings: LearnerSettings) -> tuple[Emit, ...]:
        """Take back in what a source taught before it was distrusted; decisions closed without it stay so.

        Args:
            name: `scope/family`.
            source: Trusted from now on.
            settings: Of the learner.
        """
        if source in self.distrusted:
            self.distrusted.remove(source)
            self.posterior.restore(self.distrusted)
            self.decisions.gate.restore(self.distrusted)
            self.initial_weights.restore(self.distrusted)
        return self.contribute(name, settings)

    def revoke(self, key: str, settings: LearnerSettings) -> None:
        """Let what was signed with a key count as unsigned, if its holder has no other."""
        if (principal := self.seats.remove(key)) is not None:
            self.posterior.sources.unseat(principal, settings.n_sources)

    def propose_training(self, event: Event, ordinal: int, settings: LearnerSettings) -> tuple[Emit, ...]:
        """Propose a meta-training, if that is left to the learner and there are tasks enough.

        Args:
            event: That led to it.
            ordinal: Of the emit.
            settings: Of the learner.
        """
        if self.autonomy != "closed_loop":
            return ()
        price, principals = self.rules.price_per_training_second, self.seats.principals
        current = self.initial_weights.newest
        return self.tasks.propose(event, ordinal, current, self.distrusted, principals, price, settings)

    def update_weights(self, name: str, data: WeightsPublished) -> tuple[Emit, ...]:
        """Take published weights of the family `name` in: their training is over."""
        withdrawn = self.initial_weights.update(data, self.tasks.current, self.distrusted)
        return (self._trained(name, data), *withdrawn)

    def reject_weights(self, name: str, data: WeightsRejected) -> tuple[Emit, ...]:
        """Take a training of the family `name` in that brought no weights."""
        given_up: tuple[Emit, ...] = ()
        if data.reason == _DOES_NOT_FIT:  # the tasks are others now: the next training begins without
            given_up = self.initial_weights.reset(name, data.reason)
        return (self._trained(name, data), *given_up)

    def _trained(self, name: str, data: WeightsPublished | WeightsRejected) -> Emit:
        return self.tasks.end(data.action, name, data.seconds, self.rules.price_per_training_second)
