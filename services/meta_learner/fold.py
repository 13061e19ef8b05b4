"""Learns, family by family, which adaptation pays, and proposes it."""

from typing import Any, Final

from homeostat.core import Emit, Event
from homeostat.core.identity import scope_of
from homeostat.events import (
    ActionSettled,
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
from homeostat.events.logs import EXPERIENCE, GOVERNANCE
from homeostat.services.meta_learner import (
    knowledge,
    learning,
    postponing,
    priors,
    proposals,
    registering,
    retraining,
    screening,
    thresholds,
    trust,
    weights,
)
from homeostat.services.meta_learner.choice import SKIP
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.state import Look, Model, Rung, State

Emits = tuple[Emit, ...]
_DOES_NOT_FIT: Final = "current_does_not_fit"


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
        """When a proposal is made again that a rule has put off."""
        waits = (postponing.next_at(state), registering.next_at(state))
        return min((at for at in waits if at is not None), default=None)

    def step(self, state: State, event: Event) -> tuple[State, Emits]:
        """Fold one event of experience in."""
        data: Any = event.data
        match data:
            case CandidateEvaluated():
                said = learning.learn(state, data, self.settings)
                if priors.is_due(state.knowledge, self.settings):
                    said += priors.contribute(state, event, self.settings)
                return state, said
            case ProfileUpdated():
                return state, self._profile(state, event, data)
            case DriftDetected():
                return state, self._drift(state, event, data)
            case EvidenceUpdated():
                return state, screening.update(state, data.model, data.log2_e, self.settings)
            case ClockTicked():
                return state, self._again(state, event)
            case DriftCleared():
                state.postponed.pop(data.model, None)
                if (model := state.models.get(data.model)) is not None:
                    model.drift, model.evidence = None, []
                    return state, screening.screen(state, data.model, 0.0, self.settings)
            case ThresholdGraded():
                return state, self._graded(state, event, data)
            case OutcomeRevised():
                pass  # the books were closed with the first word; what is said now is for people and the budget
            case OutcomeMeasured():
                _free(state, data.model, data.action, is_in_vain=data.state == "aborted")
                said = learning.close(state, data, self.settings)
                if data.state == "promoted" and data.model in state.models:
                    said += screening.screen(state, data.model, 0.0, self.settings)
                return state, said
            case VerdictGiven():
                self._verdict(state, event, data)
            case TaskRecorded():
                return state, self._task(state, event, data)
            case WeightsPublished():
                said = weights.publish(state, data)
                return state, self._trained(state, event, data) + said
            case WeightsRejected():
                said = ()
                if data.reason == _DOES_NOT_FIT:  # the tasks are others now: the next training begins without
                    said = weights.discard(state, event.subject, data.reason)
                return state, self._trained(state, event, data) + said
            case FamilyRegistered():
                left = priors.leave(state, event, data.parent)
                state.family = data
                arms = tuple(arm for arm in data.arms if arm.name != SKIP)
                knowledge.admit(state.knowledge, arms, [])
                in_use = {arm for decision in state.decisions.values() for arm in decision.prices}
                knowledge.retire(state.knowledge, in_use | {arm.name for arm in arms})
                return state, (*left, *priors.contribute(state, event, self.settings))
            case ModelRegistered():
                return state, self._model(state, event, data)
            case DeploymentObserved():
                return state, self._deployed(state, data)
            case RulesSet():
                state.rules = data
                postponing.release(state, event.time)
            case ScopeConfigured():
                state.rung = _rung(data.settings.get("learning"), state.rung)
            case SourceDistrusted():
                said = trust.distrust(state, event.subject, data.source, self.settings)
                return state, priors.contribute(state, event, self.settings) + said
            case SourceTrusted():
                trust.trust(state, data.source)
                return state, priors.contribute(state, event, self.settings)
            case KeyRegistered():
                state.seats.add(data)
            case KeyRevoked():
                trust.revoke(state, data.key, self.settings)
            case PriorContributed():
                return state, priors.publish(state, event, data, self.settings)
            case PriorPublished():
                priors.adopt(state, data, self.settings)
            case _:
                pass  # incidents are for people
        return state, ()

    def _model(self, state: State, event: Event, data: ModelRegistered) -> Emits:
        assert data.model is not None  # intake sets it
        model = state.models.setdefault(data.model, Model(data.champion, data.tier))
        model.tier, model.hourly_value = data.tier, data.hourly_value
        if model.band or not registering.is_due(state, data.model, event.time):
            return ()
        return self._band(state, model, event, data.model)

    def _deployed(self, state: State, data: DeploymentObserved) -> Emits:
        """Somebody else has changed the champion: what drifted does not serve any more."""
        model = state.models.get(data.model or "")
        if model is None or data.version == model.champion:
            return ()
        model.champion, model.drift, model.evidence, model.look = data.version, None, [], None
        state.postponed.pop(data.model or "", None)
        return screening.screen(state, data.model or "", 0.0, self.settings)

    def _band(self, state: State, model: Model, event: Event, subject: str, ordinal: int = 0) -> Emits:
        """Propose a tracked threshold, unless there is one, the question is open or the rung leaves it to people."""
        if model.band or state.rung != "closed_loop":
            return ()
        return (thresholds.propose(state.thresholds, model, subject, event, ordinal, self.settings),)

    def _graded(self, state: State, event: Event, data: ThresholdGraded) -> Emits:
        """Learn what each alarm rate would have said; ask for another where a threshold does not keep the best."""
        thresholds.learn(state.thresholds, data, self.settings)
        model = state.models.get(data.model)
        if model is None or state.rung != "closed_loop" or not model.band:
            return ()
        if model.band_rate == thresholds.stated(state.thresholds, self.settings):
            return ()
        return (thresholds.propose(state.thresholds, model, data.model, event, 0, self.settings),)

    def _drift(self, state: State, event: Event, data: DriftDetected) -> Emits:
        """Remember what was noticed; synthetic drifts are for people who test the path."""
        model = state.models.get(data.model)
        if model is None or data.is_synthetic:
            return ()
        model.drift, model.evidence = event.story, [event.identity]
        state.postponed.pop(data.model, None)
        model.champion = data.version
        band = self._band(state, model, event, data.model)
        return (*band, *screening.screen(state, data.model, data.log2_e, self.settings))

    def _profile(self, state: State, event: Event, data: ProfileUpdated) -> Emits:
        model = state.models.get(data.model)
        if model is None:
            return ()
        model.champion = data.version
        look = Look(data, event.identity, event.story)
        if (postponed := state.postponed.get(data.model)) is not None and postponed.cooled_at > event.time:
            postponed.look = look
            return self._band(state, model, event, data.model)
        state.postponed.pop(data.model, None)
        emits = retraining.consider(state, model, event, look, self.settings)
        return (*emits, *self._band(state, model, event, data.model, len(emits)))

    def _verdict(self, state: State, event: Event, data: VerdictGiven) -> None:
        """Take note of what will not be, or has ended early; payoffs of what expired may still come."""
        model = state.models.get(data.model or "")
        if data.verdict == "approved" and model is not None and data.action == model.asked:
            model.look, model.n_denied = None, 0
        if data.verdict not in ("denied", "expired"):
            return
        _free(state, data.model, data.action)
        learning.abandon(state, data.action, is_awaited=data.verdict == "expired")
        postponing.denied_training(state, event, data)
        if data.verdict == "denied":
            postponing.denied(state, event, data)
        if model is not None and data.action == model.band:
            model.band = ""

    def _again(self, state: State, event: Event) -> Emits:
        """Time has passed: ask what was postponed until now."""
        emits = retraining.again(state, event, self.settings)
        for subject in registering.due(state, event.time):
            emits += self._band(state, state.models[subject], event, subject, len(emits))
        tasks = state.tasks
        if tasks.again_at is not None and tasks.again_at <= event.time:
            tasks.again_at = None
            emits += self._training(state, event, len(emits))
        return emits

    def _task(self, state: State, event: Event, data: TaskRecorded) -> Emits:
        """Count a task; the arrays lie on the tasks log, as the first emit of the same input."""
        offset, _, ordinal = event.id.partition(".")
        source = "" if data.provenance is None else data.provenance.source
        if ordinal != "1" or source in state.distrusted:
            return ()  # without arrays it is the only emit, and there is nothing to train on
        state.tasks.take(event, f"{offset}.0", source, self.settings.n_sources)
        return self._training(state, event, 0) if state.tasks.again_at is None else ()

    def _training(self, state: State, event: Event, ordinal: int) -> Emits:
        """Propose a meta-training, if there are tasks enough and none is in flight."""
        tasks = state.tasks
        n_new = tasks.count(tasks.new, state.distrusted)
        if n_new < self.settings.tasks_per_training or tasks.open_action or state.rung != "closed_loop":
            return ()
        proposal = proposals.meta_training(state, event, self.settings)
        tasks.asked, tasks.new, tasks.open_action = tasks.new, {}, event.emit_identity(ordinal)
        tasks.current = state.weights[-1].artifact if state.weights else None
        return (Emit(GOVERNANCE, proposal, scope_of(event.subject)),)

    def _trained(self, state: State, event: Event, data: WeightsPublished | WeightsRejected) -> Emits:
        """A meta-training is over, and has cost its time; the next one is expected to take as long."""
        if state.tasks.open_action == data.action:
            state.tasks.open_action, state.tasks.n_denied = "", 0
        state.tasks.seconds = data.seconds
        cost = data.seconds * state.rules.price_per_training_second
        settled = ActionSettled(action=data.action, kind="meta_training", state="done", cost=cost)
        return (Emit(GOVERNANCE, settled, scope_of(event.subject)),)


def _free(state: State, subject: str | None, action: str, *, is_in_vain: bool = False) -> None:
    """Let the model have its next action; what brought no better model is tried again with four times the labels."""
    model = state.models.get(subject or "")
    if model is not None and model.open_action == action:
        model.open_action = ""
        if is_in_vain:
            model.decided_labels *= 2


def _rung(wanted: object, present: Rung) -> Rung:
    """What the learner may do in its scope; anything else than the name of a rung changes nothing."""
    rungs: tuple[Rung, ...] = ("catalogue", "scheduler", "closed_loop")
    return next((rung for rung in rungs if rung == wanted), present)
