"""The detector of one model: what is champion, what is normal, what moved."""

import numpy as np

from drift_detector.buckets import absorb
from drift_detector.detection import Rise, Shift, cleared, concept_drift, data_drift, profile
from drift_detector.evidence import evidence
from drift_detector.indicators import indicators
from drift_detector.labels import Place, grade, place_of
from drift_detector.level import best_rate, end_stretch, limit, window_rate
from drift_detector.onset import group_of_change, rates_around_change
from drift_detector.reference import Floats
from drift_detector.settings import Settings
from drift_detector.shifts import shift_of_labels, shift_of_rows
from drift_detector.signals import UNCERTAINTY, approve, observe
from drift_detector.state import State, promote, reset
from drift_detector.watching import relearn_errors
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
from homeostat.stats.martingales import log2


class DriftDetector:
    """Fold over the timeline; one state per model.

    Only rows that the champion answered count. One drift is open at a time: a newer one takes its place,
    except that moved inputs do not displace risen errors.

    ADWIN's bound takes a logarithm of the platform's library; its last bit could matter only in a comparison
    that is equal to 16 digits. All else is portable arithmetic.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()

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

    def step(self, state: State, event: Event) -> tuple[State, tuple[Emit, ...]]:
        """Fold one event in; nothing is refused, as intake has checked it all."""
        data = event.data
        if isinstance(data, Samples):
            return state, self._samples(state, event, data)
        if isinstance(data, Labels):
            return state, self._labels(state, event, data)
        if isinstance(data, SignalObserved | SliObserved):
            return state, tuple(observe(state.trackers, event, data.name, data.value, self._settings.signals))
        if isinstance(data, ModelRegistered):
            self._register(state, data)
        elif isinstance(data, DeploymentObserved):
            reset(state, data.version, self._settings)
        elif isinstance(data, ActionReverted):
            reset(state, data.rollout.champion, self._settings)
        elif isinstance(data, ActionApplied):
            if data.rollout is not None and data.rollout_verb == "promote":
                promote(state, data.rollout.champion, self._settings)
            elif data.rollout is not None and data.rollout_verb == "revert":
                reset(state, data.rollout.champion, self._settings)
            if data.kind == "threshold":
                if data.band is not None:
                    approve(state.trackers, data.band, self._settings.signals)
                else:
                    state.trackers = {}
        return state, ()

    def _register(self, state: State, data: ModelRegistered) -> None:
        """Take the contract; a repetition changes nothing, so that a client may register at each start."""
        features = [feature.name for feature in data.features]
        is_new = not state.family
        state.family = data.family
        if is_new or features != state.features or state.is_classifier != (data.kind == "classifier"):
            state.features, state.is_classifier = features, data.kind == "classifier"
            reset(state, data.champion if is_new else state.version, self._settings)

    def _is_champion(self, state: State, samples: Samples) -> bool:
        """Say whether the rows count; a champion that nobody announced becomes the champion in the end.

        Late rows of the former champion are the usual case, so one row is not enough.
        """
        if samples.role != "champion" or not state.family:
            return False
        if samples.version == state.version:
            state.n_stranger = 0
            return True
        if samples.version != state.stranger:
            state.stranger, state.n_stranger = samples.version, 0
        state.n_stranger += samples.n_rows
        if state.n_stranger < self._settings.adopt_rows:
            return False
        reset(state, samples.version, self._settings)
        return True

    def _samples(self, state: State, event: Event, samples: Samples) -> tuple[Emit, ...]:
        if not self._is_champion(state, samples):
            return ()
        settings = self._settings
        self._follow_source(state, event)
        state.is_synthetic = samples.is_synthetic
        means = absorb(state, samples, event, settings)
        n_graded, changed, shift = 0, "", None
        if samples.label:
            place = Place(event.id, event.time, state.batches[-1].index)
            label = f8(samples.label)
            slices = {name: _column(samples, name) for name in settings.slices if name in samples.features}
            n_graded, changed = grade(state, f8(samples.prediction), f8(samples.score), label, place, settings, slices)
            shift = shift_of_labels(state, label[label == label].tolist(), settings)
        if means is None and not n_graded and shift is None:
            return ()
        emits: list[Emit] = []
        if means is not None:
            state.recent.append(state.means)
            if len(state.recent) > settings.n_reference:
                del state.recent[0]
            shift = shift_of_rows(state, means, settings) or shift
            is_settled = state.drift is None or state.drift.n_carried > 0
            if shift is None and is_settled and state.reference.n < settings.n_reference:
                state.reference.learn(state.means)
        emits += self._judge(state, event, n_graded, changed, shift)
        if means is not None:
            if np.isfinite(means[-1]):
                emits += observe(state.trackers, event, UNCERTAINTY, 1.0 - float(means[-1]), settings.signals)
            emits += indicators(state, event, settings)
        return tuple(emits)

    def _labels(self, state: State, event: Event, labels: Labels) -> tuple[Emit, ...]:
        answer = next((a for a in labels.answers if a.role == "champion" and a.version == state.version), None)
        if answer is None or not state.batches:
            return ()
        self._follow_source(state, event)
        if not state.batches:
            return ()
        prediction, lag, known_at = f8(answer.prediction), f8(labels.lag_seconds), f8(labels.time)
        predicted_at = known_at - lag if lag.size else known_at
        is_answered = (prediction == prediction) & (predicted_at == predicted_at)
        if not is_answered.any():
            return ()
        place = place_of(state, float(np.minimum.reduce(predicted_at[is_answered])))
        label = f8(labels.label)
        state.tally.delay(lag[is_answered] if lag.size else lag)
        n_graded, changed = grade(state, prediction, f8(answer.score), label, place, self._settings)
        shift = shift_of_labels(state, label[is_answered & (label == label)].tolist(), self._settings)
        drift = state.drift
        if drift is not None and drift.kind == "data" and place.batch < drift.batch:
            # Labels that come after the onset but speak of rows before it.
            drift.n_labels, drift.errors = state.n_labels, state.sum_errors
        return tuple(self._judge(state, event, n_graded, changed, shift)) if n_graded or shift is not None else ()

    def _follow_source(self, state: State, event: Event) -> None:
        """Forget the identities of another source: a range names records of one source."""
        if state.source != event.source:
            if state.source:
                reset(state, state.version, self._settings)
            state.source = event.source

    def _judge(self, state: State, event: Event, n_graded: int, changed: str, shift: Shift | None) -> list[Emit]:
        """Say at most one detection, then what the open drift has to tell, or else how the evidence stands."""
        settings, emits = self._settings, list[Emit]()
        features = shift.features if shift is not None else ()
        rate = None
        if n_graded and state.groups[-1].n >= settings.group_labels:
            rate = window_rate(state, settings)
        best = best_rate(state, settings)
        if changed:
            emits += self._changed(state, event, changed, features)
        if not emits and rate is not None and best is not None and self._may_recheck(state):
            threshold = limit(best, settings)
            if rate > threshold:
                rise = Rise("level", before=best, after=rate, threshold=threshold)
                emits.append(concept_drift(state, event, settings, rise, features))
        if not emits and shift is not None and (state.drift is None or state.drift.kind == "data"):
            emits.append(data_drift(state, event, shift, settings))
        if not emits:
            emits += evidence(state, event)
        drift = state.drift
        if drift is None or not n_graded:
            return emits
        told = profile(state, event, drift, settings)
        if told is not None:
            emits.append(told)
        if state.drift is None:
            return emits
        is_seen = state.n_labels - drift.n_labels >= settings.window_labels
        level = drift.error_before if drift.n_carried else best
        if is_seen and rate is not None and level is not None and rate <= level + settings.cleared_margin:
            emits.append(cleared(state, event, drift, rate, settings))
        return emits

    def _changed(self, state: State, event: Event, detector: str, features: tuple[str, ...]) -> list[Emit]:
        """Answer a change detector: errors that rose are a drift; errors that fell begin a new stretch."""
        before, after = rates_around_change(state.groups, start=state.stretch_n)
        if after > before:
            log2_e = log2(state.watching.errors.e_value()) if detector == "betting" else None
            rise = Rise(detector, before, after, before, log2_e)
            relearn_errors(state.watching)
            return [concept_drift(state, event, self._settings, rise, features)]
        onset = group_of_change(state.groups, start=state.stretch_n, before=before, after=after)
        end_stretch(state, onset, self._settings)
        relearn_errors(state.watching)
        return []

    def _may_recheck(self, state: State) -> bool:
        at = state.detected_at
        return at is None or state.n_labels - at >= self._settings.cooldown_labels


def _column(samples: Samples, name: str) -> Floats:
    """Return the values of a feature that came."""
    values: Floats = samples.matrix()[samples.features.index(name)].astype(np.float64)
    return values
