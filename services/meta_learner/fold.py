"""Learns, family by family, which adaptation pays, and proposes it."""

from typing import Any

import numpy as np
from river.linear_model import LinearRegression

from homeostat.core import Emit, Event
from homeostat.events import (
    ActionSettled,
    CandidateEvaluated,
    DriftCleared,
    DriftDetected,
    FamilyRegistered,
    IndicatorComputed,
    ModelRegistered,
    OutcomeMeasured,
    ProfileUpdated,
    RulesSet,
    SourceDistrusted,
    TaskRecorded,
    VerdictGiven,
    WeightsPublished,
    WeightsRejected,
)
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, INDICATORS
from homeostat.stats.linear import BayesianLinear
from meta_learner import proposals
from meta_learner.choice import SKIP
from meta_learner.settings import LearnerSettings
from meta_learner.state import Belief, Decision, Model, State

Emits = tuple[Emit, ...]


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
            case FamilyRegistered():
                state.family = data
            case ModelRegistered():
                return state, self._model(state, event, data)
            case DriftDetected():
                if (model := state.models.get(data.model)) is not None:
                    model.drift, model.evidence = event.story, [event.identity]
                    model.champion = data.version
                    return state, self._band(model, event, data.model)
            case DriftCleared():
                if (model := state.models.get(data.model)) is not None:
                    model.drift, model.evidence = None, []
            case ProfileUpdated():
                return state, self._profile(state, event, data)
            case CandidateEvaluated():
                return state, self._learn(state, data)
            case OutcomeMeasured():
                self._free(state, data.action)
                state.decisions.pop(data.action, None)
            case VerdictGiven():
                self._verdict(state, data)
            case TaskRecorded():
                return state, self._task(state, event, data)
            case WeightsPublished():
                if not set(data.sources) & set(state.distrusted):
                    state.weights, state.weights_sources = data.artifact, list(data.sources)
                return state, self._trained(state, event, data.action)
            case WeightsRejected():
                return state, self._trained(state, event, data.action)
            case RulesSet():
                state.price_per_second = data.price_per_training_second
            case SourceDistrusted():
                if data.source not in state.distrusted:
                    state.distrusted.append(data.source)
                if data.source in state.weights_sources:
                    state.weights, state.weights_sources = None, []
            case _:
                pass  # episodes and incidents: learned from by later versions
        return state, ()

    def _model(self, state: State, event: Event, data: ModelRegistered) -> Emits:
        assert data.model is not None  # intake sets it
        model = state.models.setdefault(data.model, Model(data.champion, data.tier))
        model.tier = data.tier
        return self._band(model, event, data.model)

    def _band(self, model: Model, event: Event, subject: str, ordinal: int = 0) -> Emits:
        """Propose a tracked threshold, unless there is one or the question is open."""
        if model.band:
            return ()
        model.band = event.emit_identity(ordinal)
        proposal = proposals.threshold(model, subject, event.subject, self.settings)
        return (Emit(GOVERNANCE, proposal, event.subject.partition("/")[0]),)

    def _profile(self, state: State, event: Event, data: ProfileUpdated) -> Emits:
        model = state.models.get(data.model)
        if model is None:
            return ()
        model.champion = data.version
        emits = self._retrain(state, model, event, data)
        return (*emits, *self._band(model, event, data.model, len(emits)))

    def _retrain(self, state: State, model: Model, event: Event, data: ProfileUpdated) -> Emits:
        family = state.family
        if family is None or data.window is None:
            return ()
        if model.drift != event.story or model.open_action or data.labels_since_onset < family.wait_labels:
            return ()
        if model.decided == event.story and data.labels_since_onset < 2 * model.decided_labels:
            return ()  # once more only with twice the labels
        self._prepare(state, family, data)
        proposal, context = proposals.retrain(state, family, model, data, event, self.settings)
        model.decided, model.decided_labels = event.story, data.labels_since_onset
        if proposal.chosen != SKIP or proposal.shadows:  # a skip without shadows is over with its verdict
            action = event.emit_identity(0)
            model.open_action = action
            state.decisions[action] = Decision(data.model, context.tolist(), proposal.chosen)
            if len(state.decisions) > self.settings.n_decisions:
                del state.decisions[next(iter(state.decisions))]
        return (Emit(GOVERNANCE, proposal, event.subject.partition("/")[0]),)

    def _prepare(self, state: State, family: FamilyRegistered, data: ProfileUpdated) -> None:
        """Give every arm a belief: the catalogue's expectation, and wide."""
        if not state.features:
            state.features = sorted(data.meta_features)
        for arm in family.arms:
            if arm.name != SKIP and arm.name not in state.beliefs:
                mean = np.zeros(len(state.features) + 1)
                mean[0] = arm.predicted_gain / self.settings.unit
                prior = BayesianLinear.prior(mean, sd=self.settings.prior_sd, noise_sd=self.settings.noise_sd)
                state.beliefs[arm.name] = Belief(prior, LinearRegression())

    def _learn(self, state: State, data: CandidateEvaluated) -> Emits:
        """Predict, then look, then learn: the order makes the errors honest."""
        decision, belief = state.decisions.get(data.action), state.beliefs.get(data.arm)
        if decision is None or belief is None:
            return ()
        context, unit = np.array(decision.context), self.settings.unit
        mean, variance = belief.regression.predict(context)
        # "bias": a name that is also an attribute of river's model would be pickled in another way after a restore.
        named = dict(zip(["bias", *state.features], decision.context, strict=True))
        beside = float(belief.beside.predict_one(named))  # type: ignore[no-untyped-call]  # river has no types here
        half = self.settings.interval_z * float(np.sqrt(variance + self.settings.noise_sd * self.settings.noise_sd))
        observed = data.payoff / unit
        belief.n += 1
        belief.error += abs(mean - observed) * unit
        belief.error_beside += abs(beside - observed) * unit
        belief.covered += abs(mean - observed) <= half
        belief.seconds += (data.seconds - belief.seconds) / belief.n
        belief.regression.observe(context, observed)
        belief.beside.learn_one(named, observed)
        return (
            self._indicator(data.model, "payoff_error", belief.error / belief.n, belief.n),
            self._indicator(data.model, "payoff_error_river", belief.error_beside / belief.n, belief.n),
            self._indicator(data.model, "interval_coverage_ratio", belief.covered / belief.n, belief.n),
        )

    @staticmethod
    def _indicator(model: str, name: str, value: float, n: int) -> Emit:
        return Emit(INDICATORS, IndicatorComputed(model=model, name=name, value=value, n=n), model)

    def _free(self, state: State, action: str) -> None:
        """Let the model have its next action."""
        decision = state.decisions.get(action)
        model = state.models.get(decision.model) if decision is not None else None
        if model is not None and model.open_action == action:
            model.open_action = ""

    def _verdict(self, state: State, data: VerdictGiven) -> None:
        """Take note of what will not be, or has ended early; payoffs of what expired may still come."""
        if data.verdict not in ("denied", "expired"):
            return
        self._free(state, data.action)
        if data.verdict == "denied":
            state.decisions.pop(data.action, None)
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
        if tasks.n < self.settings.tasks_per_training or tasks.open_action:
            return ()
        proposal = proposals.meta_training(state, event, self.settings)
        tasks.n, tasks.open_action = 0, event.emit_identity(0)
        return (Emit(GOVERNANCE, proposal, event.subject.partition("/")[0]),)

    def _trained(self, state: State, event: Event, action: str) -> Emits:
        if state.tasks.open_action == action:
            state.tasks.open_action = ""
        settled = ActionSettled(action=action, kind="meta_training", state="done")
        return (Emit(GOVERNANCE, settled, event.subject.partition("/")[0]),)
