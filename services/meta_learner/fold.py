"""Learns, family by family, which adaptation pays, and proposes it."""

from typing import Any, Final

from homeostat.core import Emit, Event
from homeostat.events import (
    ActionSettled,
    AdviceRequested,
    CandidateEvaluated,
    DriftCleared,
    DriftDetected,
    EpisodeRecorded,
    EvidenceUpdated,
    FamilyRegistered,
    ModelRegistered,
    OutcomeMeasured,
    OutcomeRevised,
    PriorContributed,
    PriorPublished,
    ProfileUpdated,
    RulesSet,
    ScopeConfigured,
    SourceDistrusted,
    TaskRecorded,
    ThresholdGraded,
    VerdictGiven,
    WeightsPublished,
    WeightsRejected,
)
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, INDICATORS
from meta_learner import advice, knowledge, learning, priors, proposals, retraining, screening, thresholds
from meta_learner.choice import SKIP
from meta_learner.settings import LearnerSettings
from meta_learner.state import Model, Rung, State, Weights

Emits = tuple[Emit, ...]
_N_WEIGHTS: Final = 4
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
        """Never: it waits for labels, not for time."""
        return None

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
            case EpisodeRecorded():
                if not _is_distrusted(state, data):
                    return state, advice.learn(state.advice, event, data)
            case AdviceRequested():
                return state, (Emit(INDICATORS, advice.answer(state.advice, event, data, state.rules)),)
            case DriftDetected():
                return state, self._drift(state, event, data)
            case EvidenceUpdated():
                return state, screening.update(state, data.model, data.log2_e, self.settings)
            case DriftCleared():
                if (model := state.models.get(data.model)) is not None:
                    model.drift, model.evidence = None, []
                    return state, screening.screen(state, data.model, 0.0, self.settings)
            case ThresholdGraded():
                return state, self._graded(state, event, data)
            case OutcomeRevised():
                pass  # the books were closed with the first word; what is said now is for people and the budget
            case OutcomeMeasured():
                _free(state, data.model, data.action)
                said = learning.close(state, data, self.settings)
                if data.state == "promoted" and data.model in state.models:
                    said += screening.screen(state, data.model, 0.0, self.settings)
                return state, said
            case VerdictGiven():
                self._verdict(state, data)
            case TaskRecorded():
                return state, self._task(state, event, data)
            case WeightsPublished():
                sources = {*data.sources, *_sources_of(state, state.tasks.current)}
                if not sources & set(state.distrusted):
                    state.weights = [*state.weights[1 - _N_WEIGHTS :], Weights(data.artifact, sorted(sources))]
                return state, self._trained(state, event, data)
            case WeightsRejected():
                if data.reason == _DOES_NOT_FIT:  # the tasks are others now: the next training begins without
                    state.weights = []
                return state, self._trained(state, event, data)
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
            case RulesSet():
                state.rules = data
            case ScopeConfigured():
                state.rung = _rung(data.settings.get("learning"), state.rung)
            case SourceDistrusted():
                self._distrust(state, data.source)
                return state, priors.contribute(state, event, self.settings)
            case PriorContributed():
                return state, priors.publish(state, event, data, self.settings)
            case PriorPublished():
                priors.adopt(state, data, self.settings)
            case _:
                pass  # incidents are for people; a tick changes nothing
        return state, ()

    def _model(self, state: State, event: Event, data: ModelRegistered) -> Emits:
        assert data.model is not None  # intake sets it
        model = state.models.setdefault(data.model, Model(data.champion, data.tier))
        model.tier, model.hourly_value = data.tier, data.hourly_value
        return self._band(state, model, event, data.model)

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
        model.champion = data.version
        band = self._band(state, model, event, data.model)
        return (*band, *screening.screen(state, data.model, data.log2_e, self.settings))

    def _profile(self, state: State, event: Event, data: ProfileUpdated) -> Emits:
        model = state.models.get(data.model)
        if model is None:
            return ()
        model.champion = data.version
        emits = retraining.consider(state, model, event, data, self.settings)
        return (*emits, *self._band(state, model, event, data.model, len(emits)))

    def _distrust(self, state: State, source: str) -> None:
        """Take back what a source taught, and the weights that were trained on its tasks."""
        if source not in state.distrusted:
            state.distrusted.append(source)
        learning.forget(state, source)
        advice.forget(state.advice, source)
        state.weights = [weights for weights in state.weights if source not in weights.sources]

    def _verdict(self, state: State, data: VerdictGiven) -> None:
        """Take note of what will not be, or has ended early; payoffs of what expired may still come."""
        if data.verdict not in ("denied", "expired"):
            return
        _free(state, data.model, data.action)
        learning.abandon(state, data.action, is_awaited=data.verdict == "expired")
        if data.action == state.tasks.open_action:
            state.tasks.open_action = ""
        model = state.models.get(data.model or "")
        if model is not None and data.action == model.band:
            model.band = ""

    def _task(self, state: State, event: Event, data: TaskRecorded) -> Emits:
        """Count a task; the arrays lie on the tasks log, as the first emit of the same input."""
        offset, _, ordinal = event.id.partition(".")
        is_distrusted = data.provenance is not None and data.provenance.source in state.distrusted
        if ordinal != "1" or is_distrusted:
            return ()  # without arrays it is the only emit, and there is nothing to train on
        tasks, place = state.tasks, f"{offset}.0"
        if event.source != tasks.source:  # the log was made again: a range lies in one source
            tasks.source, tasks.first, tasks.since, tasks.n, tasks.n_total = event.source, place, event.time, 0, 0
        tasks.last, tasks.n, tasks.n_total = place, tasks.n + 1, tasks.n_total + 1
        if tasks.n < self.settings.tasks_per_training or tasks.open_action or state.rung != "closed_loop":
            return ()
        proposal = proposals.meta_training(state, event, self.settings)
        tasks.n, tasks.open_action = 0, event.emit_identity(0)
        tasks.current = state.weights[-1].artifact if state.weights else None
        return (Emit(GOVERNANCE, proposal, event.subject.partition("/")[0]),)

    def _trained(self, state: State, event: Event, data: WeightsPublished | WeightsRejected) -> Emits:
        """A meta-training is over, and has cost its time; the next one is expected to take as long."""
        if state.tasks.open_action == data.action:
            state.tasks.open_action = ""
        state.tasks.seconds = data.seconds
        cost = data.seconds * state.rules.price_per_training_second
        settled = ActionSettled(action=data.action, kind="meta_training", state="done", cost=cost)
        return (Emit(GOVERNANCE, settled, event.subject.partition("/")[0]),)


def _free(state: State, subject: str | None, action: str) -> None:
    """Let the model have its next action."""
    model = state.models.get(subject or "")
    if model is not None and model.open_action == action:
        model.open_action = ""


def _sources_of(state: State, artifact: str | None) -> list[str]:
    """Whose tasks weights rest on; what they were continued from counts too."""
    return next((weights.sources for weights in state.weights if weights.artifact == artifact), [])


def _rung(wanted: object, present: Rung) -> Rung:
    """What the learner may do in its scope; anything else than the name of a rung changes nothing."""
    rungs: tuple[Rung, ...] = ("catalogue", "scheduler", "closed_loop")
    return next((rung for rung in rungs if rung == wanted), present)


def _is_distrusted(state: State, data: EpisodeRecorded) -> bool:
    return data.provenance is not None and data.provenance.source in state.distrusted
