"""Learns, family by family, which adaptation pays, and proposes it."""

from typing import assert_never

from homeostat.core import Emit, Event
from homeostat.events import (
    CandidateEvaluated,
    ClockTicked,
    DeploymentObserved,
    DriftCleared,
    DriftDetected,
    EvidenceUpdated,
    FamilyRegistered,
    KeyRegistered,
    KeyRevoked,
    ModelRegistered,
    OutcomeMeasured,
    OutcomeRevised,
    PriorContributed,
    PriorPublished,
    ProfileUpdated,
    RulesSet,
    ScopeConfigured,
    SourceDistrusted,
    SourceTrusted,
    TaskRecorded,
    ThresholdGraded,
    VerdictGiven,
    WeightsPublished,
    WeightsRejected,
)
from homeostat.events.logs import EXPERIENCE
from homeostat.services.meta_learner import false_discovery, payoff_updates, retraining
from homeostat.services.meta_learner.postponed import Postponed
from homeostat.services.meta_learner.retraining import Look, Model
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.state import AutonomyLevel, State

Emits = tuple[Emit, ...]
Input = (
    CandidateEvaluated
    | ClockTicked
    | DeploymentObserved
    | DriftCleared
    | DriftDetected
    | EvidenceUpdated
    | FamilyRegistered
    | KeyRegistered
    | KeyRevoked
    | ModelRegistered
    | OutcomeMeasured
    | OutcomeRevised
    | PriorContributed
    | PriorPublished
    | ProfileUpdated
    | RulesSet
    | ScopeConfigured
    | SourceDistrusted
    | SourceTrusted
    | TaskRecorded
    | ThresholdGraded
    | VerdictGiven
    | WeightsPublished
    | WeightsRejected
)
"""Payloads of experience that it reads; others pass by: incidents are for people, runs for the training advisor."""


class MetaLearner:
    """From drift and payoffs to proposals."""

    name = "meta_learner"
    log: str = EXPERIENCE
    is_door = False

    def __init__(self, settings: LearnerSettings | None = None) -> None:
        self.settings = settings or LearnerSettings()

    def unit(self, subject: str) -> str:
        """One state per family."""
        return subject

    def initial(self, subject: str) -> State:
        """Nothing learned."""
        return State()

    def state_type(self) -> type[State]:
        """State."""
        return State

    def wake_at(self, state: State) -> int | None:
        """When a proposal is made again that a rule has put off, or a threshold's turn is."""
        waits = (state.postponed.next_at, state.tasks.again_at, state.threshold_queue.next_at)
        return min((at for at in waits if at is not None), default=None)

    def step(self, state: State, event: Event) -> tuple[State, Emits]:
        """Fold one event of experience in."""
        return state, self._emits(state, event)

    def _emits(self, state: State, event: Event) -> Emits:
        data = event.data
        if not isinstance(data, Input):
            return ()
        match data:
            case DriftDetected():
                return self._drift(state, event, data)
            case EvidenceUpdated():
                return self._evidence(state, data)
            case DriftCleared():
                return self._cleared(state, data)
            case ProfileUpdated():
                return self._profile(state, event, data)
            case VerdictGiven():
                self._verdict(state, event, data)
            case CandidateEvaluated():
                return self._payoff(state, event, data)
            case OutcomeRevised():
                pass  # the decision was closed with the first word; what is said now is for people and the budget
            case OutcomeMeasured():
                return self._outcome(state, data)
            case ClockTicked():
                return self._tick(state, event)
            case ThresholdGraded():
                return self._graded(state, event, data)
            case TaskRecorded():
                return self._task(state, event, data)
            case WeightsPublished():
                return state.update_weights(event.subject, data)
            case WeightsRejected():
                return state.reject_weights(event.subject, data)
            case FamilyRegistered():
                return state.register(event.subject, data, self.settings)
            case ModelRegistered():
                return self._model(state, event, data)
            case DeploymentObserved():
                return self._deployed(state, data)
            case RulesSet():
                self._rules(state, event, data)
            case ScopeConfigured():
                state.autonomy = _autonomy(data.settings.get("learning"), state.autonomy)
            case SourceDistrusted():
                return state.distrust(event.subject, data.source, self.settings)
            case SourceTrusted():
                return state.trust(event.subject, data.source, self.settings)
            case KeyRegistered():
                state.seats.update(data)
            case KeyRevoked():
                state.revoke(data.key, self.settings)
            case PriorContributed():
                return state.children.update(event, data, self.settings)
            case PriorPublished():
                state.posterior.adopt(data, self.settings)
            case _:
                assert_never(data)
        return ()

    def _drift(self, state: State, event: Event, data: DriftDetected) -> Emits:
        """Remember what was noticed; what is synthetic, or of the machine that serves, is for people."""
        model = state.models.get(data.model)
        if model is None or data.is_synthetic or data.is_operational:
            return ()
        model.open_drift(event, data.version)
        state.postponed.discard(data.model)
        return self._threshold(state, model, event, data.model) + self._screen(state, data.model, data.log2_e)

    def _evidence(self, state: State, data: EvidenceUpdated) -> Emits:
        model = state.models.get(data.model)
        if model is None:
            return ()
        rate, is_open = self.settings.false_discovery_rate, model.drift is not None
        return false_discovery.update(state.changes, data.model, data.log2_e, rate, is_open=is_open)

    def _cleared(self, state: State, data: DriftCleared) -> Emits:
        state.postponed.discard(data.model)
        model = state.models.get(data.model)
        if model is None:
            return ()
        model.reset()
        return self._screen(state, data.model, 0.0)

    def _screen(self, state: State, subject: str, log2_e: float | None) -> Emits:
        """Look anew at which drifts of the family are real."""
        return false_discovery.screen(state.changes, subject, log2_e, self.settings.false_discovery_rate)

    def _profile(self, state: State, event: Event, data: ProfileUpdated) -> Emits:
        """Propose a retrain, if the profile is of a drift that wants one."""
        model = state.models.get(data.model)
        if model is None:
            return ()
        model.champion = data.version
        look = Look(data, event.identity, event.story)
        emits: Emits = ()
        if data.model not in state.postponed.by_model or not state.postponed.update(data.model, look, event.time):
            emits = retraining.consider(state, model, event, look, self.settings)
        return emits + self._threshold(state, model, event, data.model, len(emits))

    def _verdict(self, state: State, event: Event, data: VerdictGiven) -> None:
        """Take note of what will not be, or has ended early; payoffs of what expired may still come."""
        model = state.models.get(data.model or "")
        if data.verdict == "approved" and model is not None:
            model.approve(data.action)
        if data.verdict not in ("denied", "expired"):
            return
        state.decisions.abandon(data.action, is_awaited=data.verdict == "expired")
        state.tasks.deny(data, event.time)
        if model is None:
            return
        if data.verdict == "expired":
            model.end(data.action)
        elif (denied := model.deny(data)) is not None:
            look, denial = denied
            if denial.wait_ms is not None:
                postponed = Postponed(look, event.time + denial.wait_ms, event.time + denial.cooling_ms)
                state.postponed.add(data.model or "", postponed)
        if data.action == model.threshold.action:
            model.threshold.action = ""

    def _payoff(self, state: State, event: Event, data: CandidateEvaluated) -> Emits:
        """Learn a payoff, and share what was learned with the parent once it is enough."""
        emits = payoff_updates.update(state, data, self.settings)
        if state.posterior.n_unshared >= self.settings.contribute_every:
            emits += state.contribute(event.subject, self.settings)
        return emits

    def _outcome(self, state: State, data: OutcomeMeasured) -> Emits:
        """Close the decision; the drift that a promotion was decided for is none any more."""
        model = state.models.get(data.model)
        if model is not None:
            model.end(data.action, is_in_vain=data.state == "aborted")
        emits = state.decisions.close(data, state.posterior, state.distrusted, self.settings)
        if data.state == "promoted" and model is not None and not model.has_later_drift:
            emits += self._screen(state, data.model, 0.0)
        return emits

    def _tick(self, state: State, event: Event) -> Emits:
        """Ask what was postponed until now, each with the newest look at its model."""
        emits: Emits = ()
        for name, look in state.postponed.due(event.time):
            model = state.models[name]
            if look.profile.version == model.champion:  # else it has settled itself
                emits += retraining.consider(state, model, event, look, self.settings, len(emits))
        for name in state.threshold_queue.due(event.time):
            emits += self._threshold(state, state.models[name], event, name, len(emits))
        if state.tasks.is_due(event.time):
            emits += state.propose_training(event, len(emits), self.settings)
        return emits

    def _graded(self, state: State, event: Event, data: ThresholdGraded) -> Emits:
        """Learn what each alarm rate would have said; ask for another where a threshold does not keep the best."""
        rate = state.alarm_rates.update(data, self.settings)
        model = state.models.get(data.model)
        if model is None or state.autonomy != "closed_loop" or not model.threshold.action:
            return ()
        if model.threshold.rate == rate:
            return ()
        return self._new_threshold(state, model, event, data.model, 0)

    def _threshold(self, state: State, model: Model, event: Event, name: str, ordinal: int = 0) -> Emits:
        """Propose a tracked threshold, unless there is one, the question is open or people have that to say."""
        if model.threshold.action or state.autonomy != "closed_loop":
            return ()
        return self._new_threshold(state, model, event, name, ordinal)

    def _new_threshold(self, state: State, model: Model, event: Event, name: str, ordinal: int) -> Emits:
        rates, settings = state.alarm_rates, self.settings
        model.threshold, emit = rates.propose(name, model.champion, model.tier, event, ordinal, settings)
        return (emit,)

    def _task(self, state: State, event: Event, data: TaskRecorded) -> Emits:
        is_counted = state.tasks.update(event, data, state.distrusted, self.settings.n_sources)
        return state.propose_training(event, 0, self.settings) if is_counted and state.tasks.again_at is None else ()

    def _model(self, state: State, event: Event, data: ModelRegistered) -> Emits:
        assert data.model is not None  # intake sets it
        model = state.models.setdefault(data.model, Model(data.champion, data.tier))
        model.tier, model.hourly_value = data.tier, data.hourly_value
        if model.threshold.action or not state.threshold_queue.update(data.model, event.time):
            return ()
        return self._threshold(state, model, event, data.model)

    def _deployed(self, state: State, data: DeploymentObserved) -> Emits:
        """Somebody else has changed the champion: what drifted does not serve any more."""
        name = data.model or ""
        model = state.models.get(name)
        if model is None or not model.deploy(data.version):
            return ()
        state.postponed.discard(name)
        return self._screen(state, name, 0.0)

    def _rules(self, state: State, event: Event, data: RulesSet) -> None:
        """Take the rules in; what they have denied is asked again at once."""
        state.rules = data
        state.postponed.release(event.time)
        state.tasks.release(event.time)


def _autonomy(wanted: object, present: AutonomyLevel) -> AutonomyLevel:
    """What the learner may do in its scope; anything else than the name of a level changes nothing."""
    levels: tuple[AutonomyLevel, ...] = ("catalogue", "scheduler", "closed_loop")
    return next((level for level in levels if level == wanted), present)
