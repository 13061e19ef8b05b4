"""From what a detector says to `drift.detected`: onset, data window, story."""

from dataclasses import dataclass

from drift_detector.level import best_rate, end_stretch
from drift_detector.onset import batch_of_shift, group_of_change
from drift_detector.profile import meta_features
from drift_detector.records import OpenDrift
from drift_detector.settings import Settings
from drift_detector.state import State, relearn_reference
from homeostat.core import Emit, Event, Identity
from homeostat.core.event import OPENS
from homeostat.events import DriftCleared, DriftDetected, ProfileUpdated, Range
from homeostat.events.logs import EXPERIENCE, TIMELINE


@dataclass(frozen=True, slots=True)
class Shift:
    """Columns of the inputs, or the labels, have moved.

    Args:
        detector: What found it.
        features: Names, the farthest off first.
        column: Of the first of them among the bucket means; None where it is not one of them.
        deviations: How far that one is off: standard deviations of a bucket mean, or of a row where there is none.
        statistic: Of the detector.
        threshold: Its limit.
        log2_e: Evidence, where the detector has it.
        reference_rows: Rows that said what is normal.
    """

    detector: str
    features: tuple[str, ...]
    column: int | None
    deviations: float
    statistic: float
    threshold: float
    log2_e: float | None
    reference_rows: int


@dataclass(frozen=True, slots=True)
class Rise:
    """Errors have risen.

    Args:
        detector: What found it; `level` for the check that repeats itself.
        before: Error rate before: the best level, or for others a guess that the rows before the onset correct.
        after: Error rate now.
        threshold: What `after` has crossed; change detectors do not tell their bound, so there it is the rate before.
        log2_e: Evidence, where the detector has it.
    """

    detector: str
    before: float
    after: float
    threshold: float
    log2_e: float | None = None


def data_drift(state: State, event: Event, shift: Shift, settings: Settings) -> Emit:
    """Open a drift of the inputs; the state remembers it as open. It must be the first emit of the step."""
    batch = batch_of_shift(state, shift.column) if shift.column is not None else state.batches[-1]
    best = best_rate(state, settings)
    state.drift = OpenDrift(
        story=event.emit_identity(0),
        kind="data",
        id=batch.id,
        time=batch.time,
        batch=batch.index,
        n_labels=batch.n_labels,
        errors=batch.errors,
        error_before=_rate(batch.n_labels - state.stretch_n, batch.errors - state.stretch_errors, best),
        next_profile=settings.first_profile,
        is_synthetic=state.is_synthetic,
    )
    return _detected(
        state,
        event,
        state.drift,
        detector=shift.detector,
        statistic=shift.statistic,
        threshold=shift.threshold,
        magnitude=abs(shift.deviations),
        features=shift.features,
        log2_e=shift.log2_e,
        reference_rows=shift.reference_rows,
        guarantee=settings.run_length if shift.log2_e is not None else 0.0,
    )


def concept_drift(state: State, event: Event, settings: Settings, rise: Rise, features: tuple[str, ...] = ()) -> Emit:
    """Open a drift of the errors; the state remembers it as open and begins a new stretch at its onset.

    It must be the first emit of the step.

    Args:
        state: Changed.
        event: Input.
        settings: Of the detector.
        rise: What was found.
        features: Inputs that moved with the same event.
    """
    before, after, is_level = rise.before, rise.after, rise.detector == "level"
    onset = group_of_change(state.groups, start=state.stretch_n, before=before, after=after)
    state.detected_at = state.n_labels
    since = _rate(state.n_labels - onset.n_before, state.sum_errors - onset.errors_before, after) or 0.0
    n = onset.n_before - state.stretch_n
    reference_rows = max(n, 0)
    if not is_level and n >= settings.window_labels:
        before = _rate(n, onset.errors_before - state.stretch_errors, None) or 0.0
    end_stretch(state, onset, settings)
    state.drift = OpenDrift(
        story=event.emit_identity(0),
        kind="concept",
        id=onset.id,
        time=onset.time,
        batch=onset.batch,
        n_labels=onset.n_before,
        errors=onset.errors_before,
        error_before=before,
        next_profile=settings.first_profile,
        is_synthetic=state.is_synthetic,
    )
    return _detected(
        state,
        event,
        state.drift,
        detector=rise.detector,
        statistic=after if is_level else since,
        threshold=rise.threshold if is_level else before,
        magnitude=since - before,
        features=features,
        log2_e=rise.log2_e,
        reference_rows=reference_rows,
        guarantee=settings.run_length if rise.log2_e is not None else 0.0,
    )


def profile(state: State, event: Event, drift: OpenDrift, settings: Settings) -> Emit | None:
    """Return a profile if the labels since the onset have reached the next mark."""
    n = drift.n_carried + state.n_labels - drift.n_labels
    if drift.next_profile == 0 or n < drift.next_profile:
        return None
    while drift.next_profile <= n:
        drift.next_profile += min(drift.next_profile, settings.profile_step)
    if drift.next_profile > settings.last_profile:
        drift.next_profile = 0
        state.drift = None if drift.n_carried else drift
    data = ProfileUpdated(
        model=event.subject,
        version=state.version,
        meta_features=meta_features(state, drift),
        labels_since_onset=n,
        window=_window(state, event, drift),
        error_before=drift.error_before,
        error_after=_rate(state.n_labels - drift.n_labels, state.sum_errors - drift.errors, None),
    )
    return Emit(EXPERIENCE, data, subject=family_of(state, event), story=_story(drift))


def cleared(state: State, event: Event, drift: OpenDrift, rate: float, settings: Settings) -> Emit:
    """Close a drift whose errors are back at their level; what now comes in is the new normal."""
    state.drift = None
    relearn_reference(state, settings)
    data = DriftCleared(model=event.subject, version=state.version, error=rate)
    return Emit(EXPERIENCE, data, subject=family_of(state, event), story=_story(drift))


def family_of(state: State, event: Event) -> str:
    """Return the subject of the model's family."""
    return f"{event.subject.split('/', 1)[0]}/{state.family}"


def _detected(
    state: State,
    event: Event,
    drift: OpenDrift,
    *,
    detector: str,
    statistic: float,
    threshold: float,
    magnitude: float,
    features: tuple[str, ...],
    log2_e: float | None,
    reference_rows: int,
    guarantee: float,
) -> Emit:
    data = DriftDetected(
        model=event.subject,
        version=state.version,
        kind=drift.kind,
        detector=detector,
        statistic=statistic,
        threshold=threshold,
        magnitude=magnitude,
        features=features,
        onset=_window(state, event, drift),
        is_recheck=detector == "level",
        error_before=drift.error_before,
        error_after=_rate(state.n_labels - drift.n_labels, state.sum_errors - drift.errors, None),
        log2_e=log2_e,
        guarantee=guarantee,
        reference_rows=reference_rows,
        is_synthetic=drift.is_synthetic,
    )
    return Emit(EXPERIENCE, data, subject=family_of(state, event), story=OPENS)


def _window(state: State, event: Event, drift: OpenDrift) -> Range:
    return Range(
        log=TIMELINE,
        subject=event.subject,
        source=event.source,
        first=drift.id,
        last=event.id,
        from_time=drift.time,
        rows=max(drift.n_carried + state.n_labels - drift.n_labels, 0),
    )


def _story(drift: OpenDrift) -> Identity:
    return Identity(drift.story)


def _rate(n: int, errors: float, otherwise: float | None) -> float | None:
    """Return errors per row, inside [0, 1] against rounding; `otherwise` without rows."""
    return min(max(errors / n, 0.0), 1.0) if n > 0 else otherwise
