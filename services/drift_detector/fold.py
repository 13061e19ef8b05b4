"""The detector of one model: what is champion, what is normal, what moved."""

from typing import Final, assert_never

import numpy as np

from homeostat.core import Emit, Event
from homeostat.events import (
    ActionApplied,
    ActionReverted,
    DeploymentObserved,
    Labels,
    ModelRegistered,
    Samples,
)
from homeostat.events.columns import f8
from homeostat.events.history import is_history
from homeostat.events.logs import TIMELINE
from homeostat.events.series import UNCERTAINTY
from homeostat.services.drift_detector.drift.decision import Findings, decide
from homeostat.services.drift_detector.drift.shadow_rates import RateCandidates
from homeostat.services.drift_detector.errors.label_pace import plausible
from homeostat.services.drift_detector.errors.labelled_rows import LabelledRows, LabelLocation, known_rows
from homeostat.services.drift_detector.indicators.indicators import indicators
from homeostat.services.drift_detector.input.watched_rows import feature_columns, watched_rows
from homeostat.services.drift_detector.monitor.bucket_shifts import shift_of_bucket
from homeostat.services.drift_detector.monitor.label_shifts import shift_of_labels
from homeostat.services.drift_detector.monitor.shifts import shift_of_samples
from homeostat.services.drift_detector.overrides import Overrides, applied, overrides_of
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State
from homeostat.stats.error import error_of

_NO_LAGS: Final = np.zeros(0)
"""Of labels that come with their rows."""

_MOST_OVERRIDES: Final = 1024
"""Different settings kept at a time."""


OfMonitors = Samples | Labels | DeploymentObserved | ActionReverted | ActionApplied
"""What concerns the model's monitors: they are laid out when the first of it comes."""

Input = ModelRegistered | OfMonitors
"""What it reads of the timeline."""


class DriftDetector:
    """Fold over the timeline; one state per model.

    Only rows that the champion answered count. One drift is open at a time: a newer one takes its place,
    except that moved inputs do not displace risen errors.

    ADWIN's bound takes a logarithm of the platform's library; its last bit could matter only in a comparison
    that is equal to 16 digits. All else is portable arithmetic.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._overridden: dict[Overrides, Settings] = {}

    @property
    def name(self) -> str:
        """`drift_detector`."""
        return "drift_detector"

    @property
    def log(self) -> str:
        """The timeline."""
        return TIMELINE

    @property
    def settings(self) -> Settings:
        """Parameters of the detectors."""
        return self._settings

    @property
    def is_door(self) -> bool:
        """It reads an internal log."""
        return False

    def unit(self, subject: str) -> str:
        """Each model has its own state."""
        return subject

    def initial(self, subject: str) -> State:  # the interface's
        """Return the state of a model that is not registered yet."""
        return State()

    def wake_at(self, state: State) -> None:  # the interface's
        """Time alone changes nothing here."""
        return

    def state_type(self) -> type[State]:
        """`State`."""
        return State

    def blindness(self, state: State) -> str:
        """Return why nobody watches the features of a model as they should be; empty while somebody does."""
        return state.blindness.cause

    def step(self, state: State, event: Event) -> tuple[State, tuple[Emit, ...]]:
        """Fold one event in; nothing is refused, as intake has checked it all."""
        data, emits = event.data, list[Emit]()
        if not isinstance(data, Input):
            return state, ()
        settings = self._settings if state.overrides is None else self._overriding(state.overrides)
        if not state.is_laid_out and isinstance(data, OfMonitors):
            state.lay_out(settings)
        is_past = is_history(data)
        if is_past and isinstance(data, Samples | Labels) and not state.takes(data):
            return state, ()
        match data:
            case Samples():
                emits = self._samples(state, event, data, settings)
            case Labels():
                emits = self._labels(state, event, data, settings)
            case ModelRegistered():
                self._register(state, data)
            case DeploymentObserved():
                if data.version != state.champion.version:  # pods announce themselves again and again
                    emits = state.graded(event, state.drift)
                    state.reset(data.version, settings)
            case ActionReverted():
                emits = state.graded(event, state.drift)
                state.reset(data.rollout.champion, settings)
            case ActionApplied():
                emits = self._applied(state, event, data, settings)
            case _:
                assert_never(data)
        return state, () if is_past else tuple(emits)

    def _register(self, state: State, data: ModelRegistered) -> None:
        """Take the contract."""
        features, overrides = [feature.name for feature in data.features], overrides_of(data.detector)
        is_new = not state.family
        if not state.register(data.family, features, overrides, is_classifier=data.kind == "classifier"):
            return
        if is_new:
            state.champion.version = data.champion
        if state.is_laid_out:
            state.reset(state.champion.version, self._settings if overrides is None else self._overriding(overrides))

    @staticmethod
    def _applied(state: State, event: Event, data: ActionApplied, settings: Settings) -> list[Emit]:
        """Follow what a hand has done: another champion, or an alarm rate to grade or to leave."""
        emits: list[Emit] = []
        if data.rollout is not None and data.rollout_verb in ("promote", "revert"):
            emits = state.graded(event, state.drift)
            begin = state.promote if data.rollout_verb == "promote" else state.reset
            begin(data.rollout.champion, settings)
        if data.kind == "threshold" and data.band is not None:
            if data.band.signal == UNCERTAINTY and data.band.operating_point == "rate" and state.shadow_rates is None:
                state.shadow_rates = RateCandidates.initial(data.band, settings)
        elif data.kind == "threshold":
            state.shadow_rates = None
        return emits

    def _samples(self, state: State, event: Event, samples: Samples, settings: Settings) -> list[Emit]:
        """Fold served rows in, with the labels that come with them."""
        unit = state.error_scale.update(*samples.champion_rows()) if samples.label and not state.is_classifier else None
        if samples.role != "champion" or not state.family:
            return []
        champion = state.champion
        if samples.version == champion.version:
            champion.n_unannounced = 0
        elif champion.adopts(samples, event.time, settings):
            state.reset(samples.version, settings)
            champion.adopted_at = event.time
        else:
            return []
        emits = list[Emit]() if champion.adopted_at is None else champion.notice(event, settings)
        if event.source != state.source:
            state.follow(event.source, settings)
        is_past = is_history(samples)
        if state.is_history and not is_past:
            state.begin_live(settings)
        state.is_synthetic, state.is_history = samples.is_synthetic, is_past
        buckets, history = state.buckets, state.errors.history
        rows, n_before = watched_rows(state.features, samples, settings), history.n
        buckets.open(samples, event, n_before, history.errors, settings)
        served = buckets.update(samples, rows, state.clocks.found, settings)
        labelled = list[LabelledRows]()
        if samples.label:
            errors = error_of(f8(samples.prediction), f8(samples.label), unit)
            at = LabelLocation(event.id, event.time, buckets.history[-1].index)
            slices = feature_columns(samples, settings.slices) if settings.slices else None
            labelled = known_rows(at, errors, f8(samples.score), f8(samples.label), slices)
        changed = ""
        if labelled:
            changed = state.errors.update(labelled, state.drift, settings, is_classifier=state.is_classifier)
        shift = shift_of_samples(state, event, samples, rows, settings)
        if served.closed is not None:
            shift = shift_of_bucket(state, served.closed, shift, settings)
        state.pace.update(buckets.history[-1].until, samples.n_rows, _NO_LAGS if labelled else None)
        if served.closed is not None or labelled or shift is not None:
            are_overdue = state.pace.are_overdue(settings)
            emits += decide(state, event, settings, Findings(history.n - n_before, changed, shift, are_overdue))
        state.window.update_rows(samples.n_rows, served, state.features)
        if labelled:
            state.window.update_labels(labelled, is_classifier=state.is_classifier)
        if served.closed is not None:
            if state.shadow_rates is not None:
                value, window = 1.0 - float(served.closed.means[-1]), buckets.history[-1].index
                state.shadow_rates.update(value, window, is_open=state.drift is not None)
            emits += indicators(state, event, settings)
        return emits

    def _labels(self, state: State, event: Event, labels: Labels, settings: Settings) -> list[Emit]:
        """Fold labels in that come after their rows."""
        unit = None if state.is_classifier else state.error_scale.update(*labels.champion_rows())
        version = state.champion.version
        answer = next((a for a in labels.answers if a.role == "champion" and a.version == version), None)
        if answer is None or not state.buckets.history:
            return []
        if event.source != state.source:
            state.follow(event.source, settings)
            if not state.buckets.history:
                return []
        prediction, lag, known_at = f8(answer.prediction), f8(labels.lag_seconds), f8(labels.time)
        predicted_at = known_at - lag if lag.size else known_at
        is_answered = (prediction == prediction) & (predicted_at == predicted_at)
        if not is_answered.any():
            return []
        label, score = f8(labels.label), f8(answer.score)
        errors = error_of(prediction, label, unit)
        if not is_answered.all():
            errors, predicted_at, label, score = (
                column[is_answered] for column in (errors, predicted_at, label, score)
            )
        located = state.buckets.locate(predicted_at, state.drift.bucket if state.drift is not None else 0, settings)
        labelled = list[LabelledRows]()
        for at, rows in located:
            labelled += known_rows(at, errors[rows], score[rows], label[rows])
        history = state.errors.history
        n_before = history.n
        changed = state.errors.update(labelled, state.drift, settings, is_classifier=state.is_classifier)
        shift = shift_of_labels(state, label, predicted_at, settings)
        lags = plausible(lag[is_answered] if lag.size else lag)
        state.window.update_lags(lags)
        state.window.update_labels(labelled, is_classifier=state.is_classifier)
        state.pace.update_labels(lags)
        if not labelled and shift is None:
            return []
        are_overdue = state.pace.are_overdue(settings)
        return decide(state, event, settings, Findings(history.n - n_before, changed, shift, are_overdue))

    def _overriding(self, overrides: Overrides) -> Settings:
        """Return the settings of a model that has its own; made from the state alone, so they may be lost any time."""
        if overrides not in self._overridden:
            if len(self._overridden) >= _MOST_OVERRIDES:
                self._overridden.clear()
            self._overridden[overrides] = applied(overrides, self._settings)
        return self._overridden[overrides]
