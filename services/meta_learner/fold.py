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
            case DriftCleared():
                if (model := state.models.get(data.model)) is not None:
                    model.drift, model.evidence = None, []
            case ProfileUpdated():
                return state, self._profile(state, event, data)
            case CandidateEvaluated():
                return state, self._learn(state, data)
            case OutcomeMeasured():
                self._close(state, data.action)
            case VerdictGiven():
                self._verdict(state, data)
            case TaskRecorded():
                return state, self._task(state, event)
            case WeightsPublished():
                state.weights, state.tasks.open_action = data.artifact, ""
                return state, self._trained(event, data.action)
            case WeightsRejected():
                state.tasks.open_action = ""
                return state, self._trained(event, data.action)
            case RulesSet():
                state.price_per_second = data.price_per_training_second
            case SourceDistrusted():
                if data.source not in state.distrusted:
                    state.distrusted.append(data.source)
            case _:
                pass  # episodes and incidents: learned from by later versions
        return state, ()

    def _model(self, state: State, event: Event, data: ModelRegistered) -> Emits:
        assert data.model is not None  # intake sets it
        model = state.models.setdefault(data.model, Model(data.champion, data.tier))
        model.tier = data.tier
        if model.has_band or model.open_band:
            return ()
        model.open_band = event.emit_identity(0)
        proposal = proposals.threshold(data, data.model, event.subject, self.settings)
        return (Emit(GOVERNANCE, proposal, event.subject.partition("/")[0]),)

    def _profile(self, state: State, event: Event, data: ProfileUpdated) -> Emits:
        model, family = state.models.get(data.model), state.family
        if model is None or family is None or data.window is None:
            return ()
        if model.drift != event.story or model.open_action or data.labels_since_onset < family.wait_labels:
            return ()
        if model.decided == event.story and data.labels_since_onset < 2 * model.decided_labels:
            return ()  # once more only with twice the labels
        self._prepare(state, family, data)
        proposal, context = proposals.retrain(state, family, model, data, event, self.settings)
        action = event.emit_identity(0)
        state.decisions[action] = Decision(data.model, context.tolist(), proposal.chosen)
        model.open_action, model.decided = action, event.story
        model.decided_labels = data.labels_since_onset
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
        named = dict(zip(["intercept", *state.features], decision.context, strict=True))
        beside = float(belief.beside.predict_one(named))  # type: ignore[no-untyped-call]  # river has no types here
        half = self.settings.interval_z * float(np.sqrt(variance + self.settings.noise_sd**2))
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

    def _close(self, state: State, action: str) -> None:
        decision = state.decisions.pop(action, None)
        if decision is not None and (model := state.models.get(decision.model)) is not None:
            model.open_action = ""

    def _verdict(self, state: State, data: VerdictGiven) -> None:
        model = state.models.get(data.model or "")
        if data.verdict in ("denied", "expired"):
            self._close(state, data.action)
            if data.action == state.tasks.open_action:
                state.tasks.open_action = ""
        if model is not None and data.action == model.open_band and data.verdict != "held":
            model.open_band, model.has_band = "", data.verdict == "approved"

    def _task(self, state: State, event: Event) -> Emits:
        """Count a task; the arrays lie on the tasks log, as the first emit of the same input."""
        tasks, place = state.tasks, f"{event.id.partition('.')[0]}.0"
        if not tasks.first:
            tasks.source, tasks.first, tasks.since = event.source, place, event.time
        if event.source != tasks.source:
            return ()  # another partition's intake: a range lies in one
        tasks.last, tasks.n, tasks.n_total = place, tasks.n + 1, tasks.n_total + 1
        if tasks.n < self.settings.tasks_per_training or tasks.open_action:
            return ()
        proposal = proposals.meta_training(state, event, self.settings)
        tasks.n, tasks.open_action = 0, event.emit_identity(0)
        return (Emit(GOVERNANCE, proposal, event.subject.partition("/")[0]),)

    def _trained(self, event: Event, action: str) -> Emits:
        settled = ActionSettled(action=action, kind="meta_training", state="done")
        return (Emit(GOVERNANCE, settled, event.subject.partition("/")[0]),)
