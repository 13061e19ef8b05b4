"""The detector of one model: what is champion, what is normal, what moved."""

from typing import Final

import numpy as np

from homeostat.core import Emit, Event
from homeostat.events import (
    ActionApplied,
    ActionReverted,
    DeploymentObserved,
    Labels,
    ModelRegistered,
    Samples,
    SignalObserved,
    SliObserved,
)
from homeostat.events.columns import f8
from homeostat.events.logs import TIMELINE
from homeostat.events.series import Series, series_of
from homeostat.services.drift_detector.buckets import absorb
from homeostat.services.drift_detector.incidents import graded
from homeostat.services.drift_detector.indicators import blindness, indicators
from homeostat.services.drift_detector.judging import judge
from homeostat.services.drift_detector.labels import Place, grade, places_of
from homeostat.services.drift_detector.noticing import is_champion, notice
from homeostat.services.drift_detector.reference import Floats
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.shifts import shift_of_hours, shift_of_labels, shift_of_rows
from homeostat.services.drift_detector.signals import UNCERTAINTY, Placed, approve, climb, observe, start_ladder
from homeostat.services.drift_detector.state import State, promote, reset
from homeostat.services.drift_detector.wishes import Wishes, applied, wishes_of
from homeostat.stats.error import ErrorScale, error_of

_OWN: Final = Series(UNCERTAINTY)
_NO_LAGS: Final = np.zeros(0)
"""Of labels that come with their rows."""

_MOST_WISHES: Final = 1024
"""Different settings kept at a time."""


_LOOKED_AT: Final = (Samples, Labels, SignalObserved, SliObserved, DeploymentObserved, ActionReverted, ActionApplied)
"""What concerns the model's monitors: they are laid out when the first of it comes."""


class DriftDetector:
    """Fold over the timeline; one state per model.

    Only rows that the champion answered count. One drift is open at a time: a newer one takes its place,
    except that moved inputs do not displace risen errors.

    ADWIN's bound takes a logarithm of the platform's library; its last bit could matter only in a comparison
    that is equal to 16 digits. All else is portable arithmetic.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._of_wishes: dict[Wishes, Settings] = {}

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
        settings = self._settings if state.wishes is None else self._wished(state.wishes)
        if isinstance(data, _LOOKED_AT):
            self._lay_out(state, settings)
        if isinstance(data, Samples):
            return state, self._samples(state, event, data, settings)
        if isinstance(data, Labels):
            return state, self._labels(state, event, data, settings)
        if isinstance(data, SignalObserved | SliObserved):
            series = series_of(data.name, data.layer, data.attributes if isinstance(data, SignalObserved) else None)
            return state, tuple(observe(state.trackers, state.placed, event, series, data.value, settings.signals))
        if isinstance(data, ModelRegistered):
            self._register(state, data)
        elif isinstance(data, DeploymentObserved):
            if data.version != state.version:  # pods announce themselves again and again
                emits = graded(state, event, state.drift)
                reset(state, data.version, settings)
        elif isinstance(data, ActionReverted):
            emits = graded(state, event, state.drift)
            reset(state, data.rollout.champion, settings)
        elif isinstance(data, ActionApplied):
            emits = self._applied(state, event, data, settings)
        return state, tuple(emits)

    def _applied(self, state: State, event: Event, data: ActionApplied, settings: Settings) -> list[Emit]:
        """Follow what a hand has done: another champion, or a threshold to track or to leave."""
        emits: list[Emit] = []
        if data.rollout is not None and data.rollout_verb in ("promote", "revert"):
            emits = graded(state, event, state.drift)
            begin = promote if data.rollout_verb == "promote" else reset
            begin(state, data.rollout.champion, settings)
        if data.kind == "threshold" and data.band is not None:
            approve(state.trackers, data.band, settings.signals)
            if data.band.signal == UNCERTAINTY and data.band.operating_point == "rate" and state.ladder is None:
                state.ladder = start_ladder(data.band, settings.signals)
        elif data.kind == "threshold":
            state.trackers, state.placed, state.ladder = {}, Placed(), None
        return emits

    def _register(self, state: State, data: ModelRegistered) -> None:
        """Take the contract; a repetition changes nothing, so that a client may register at each start."""
        features, wishes = [feature.name for feature in data.features], wishes_of(data.detector)
        is_new, is_classifier = not state.family, data.kind == "classifier"
        state.family = data.family
        if is_new or (features, is_classifier, wishes) != (state.features, state.is_classifier, state.wishes):
            if is_classifier != state.is_classifier:
                state.error_scale = ErrorScale()
            state.features, state.is_classifier, state.wishes = features, is_classifier, wishes
            state.season = state.label_season = None  # of other columns
            state.is_clock = np.zeros(0, np.bool_)
            if is_new:
                state.version = data.champion
            if state.is_laid_out:
                reset(state, state.version, self._settings if wishes is None else self._wished(wishes))

    @staticmethod
    def _lay_out(state: State, settings: Settings) -> None:
        """Make what a model is watched with, at the first event behind its contract: names alone cost little."""
        if state.family and not state.is_laid_out:
            reset(state, state.version, settings)
            state.is_laid_out = True

    def _wished(self, wishes: Wishes) -> Settings:
        """Return the settings of a model that has its own; made from the state alone, so they may be lost any time."""
        if wishes not in self._of_wishes:
            if len(self._of_wishes) >= _MOST_WISHES:
                self._of_wishes.clear()
            self._of_wishes[wishes] = applied(wishes, self._settings)
        return self._of_wishes[wishes]

    def _samples(self, state: State, event: Event, samples: Samples, settings: Settings) -> tuple[Emit, ...]:
        unit = state.unit_of(samples) if samples.label else None
        if not is_champion(state, samples, event.time, settings):
            return ()
        noticed = notice(state, event, settings)
        self._follow_source(state, event, settings)
        state.is_synthetic = samples.is_synthetic
        means, is_hour = absorb(state, samples, event, settings)
        state.pace.serve(state.batches[-1].until, samples.n_rows)
        n_graded, changed, shift = 0, "", None
        if samples.label:
            place = Place(event.id, event.time, state.batches[-1].index)
            label = f8(samples.label)
            errors = error_of(f8(samples.prediction), label, unit)
            slices = {name: _column(samples, name) for name in settings.slices if name in samples.features}
            n_graded, changed = grade(state, errors, f8(samples.score), label, place, settings, slices)
            shift = shift_of_labels(state, label, f8(samples.time), settings)
            if n_graded:
                state.pace.label(_NO_LAGS)
        if is_hour:
            shift = shift_of_hours(state, settings) or shift
        emits: list[Emit] = [*noticed]
        if means is None and not n_graded and shift is None:
            return noticed
        if means is not None:
            state.recent.append(state.means)
            if len(state.recent) > settings.n_reference:
                del state.recent[0]
            shift = shift_of_rows(state, means, settings) or shift
            is_settled = state.drift is None or state.drift.n_carried > 0
            is_normal = shift is None and not state.quality.noisy_rows
            if is_normal and is_settled and state.reference.n < settings.n_reference:
                state.reference.learn(state.means)
            if is_normal and state.since.n < settings.n_reference:
                state.since.learn(state.means)
        emits += judge(state, event, settings, n_graded, changed, shift)
        if means is not None:
            if np.isfinite(means[-1]):
                uncertainty = 1.0 - float(means[-1])
                emits += observe(state.trackers, state.placed, event, _OWN, uncertainty, settings.signals)
                if state.ladder is not None:
                    climb(state.ladder, uncertainty, state.batches[-1].index, is_open=state.drift is not None)
            emits += blindness(state, event, settings)
            emits += indicators(state, event, settings)
        return tuple(emits)

    def _labels(self, state: State, event: Event, labels: Labels, settings: Settings) -> tuple[Emit, ...]:
        unit = state.unit_of(labels)
        answer = next((a for a in labels.answers if a.role == "champion" and a.version == state.version), None)
        if answer is None or not state.batches:
            return ()
        self._follow_source(state, event, settings)
        if not state.batches:
            return ()
        prediction, lag, known_at = f8(answer.prediction), f8(labels.lag_seconds), f8(labels.time)
        predicted_at = known_at - lag if lag.size else known_at
        is_answered = (prediction == prediction) & (predicted_at == predicted_at)
        if not is_answered.any():
            return ()
        label, score = f8(labels.label), f8(answer.score)
        errors = error_of(prediction, label, unit)
        if not is_answered.all():
            errors, predicted_at, label, score = (
                column[is_answered] for column in (errors, predicted_at, label, score)
            )
        lags = lag[is_answered] if lag.size else lag
        state.tally.delay(lags)
        state.pace.label(lags)
        n_graded, changed, drift = 0, "", state.drift
        for place, rows in places_of(state, predicted_at, settings):
            n_before, errors_before = state.n_labels, state.sum_errors
            n, found = grade(state, errors[rows], score[rows], label[rows], place, settings)
            n_graded, changed = n_graded + n, changed or found
            if drift is not None and drift.kind == "data" and place.batch < drift.batch:
                # Labels that come after the onset but speak of rows before it.
                drift.n_labels += state.n_labels - n_before
                drift.errors += state.sum_errors - errors_before
        shift = shift_of_labels(state, label, predicted_at, settings)
        return tuple(judge(state, event, settings, n_graded, changed, shift)) if n_graded or shift is not None else ()

    def _follow_source(self, state: State, event: Event, settings: Settings) -> None:
        """Forget the identities of another source: a range names records of one source."""
        if state.source != event.source:
            if state.source:
                reset(state, state.version, settings)
            state.source = event.source


def _column(samples: Samples, name: str) -> Floats:
    """Return the values of a feature that came."""
    values: Floats = samples.matrix()[samples.features.index(name)].astype(np.float64)
    return values
