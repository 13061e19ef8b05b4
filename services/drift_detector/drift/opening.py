"""From what a monitor has found to an open drift: its onset, its level, its correlation id."""

from dataclasses import dataclass

from homeostat.core import Emit, Event
from homeostat.services.drift_detector.drift.drift_events import detected
from homeostat.services.drift_detector.drift.open_drift import OpenDrift, lowest_level
from homeostat.services.drift_detector.errors.error_detectors import ErrorDetectors
from homeostat.services.drift_detector.monitor.shift import Shift
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State
from homeostat.stats.error import error_rate


@dataclass(frozen=True, slots=True)
class Rise:
    """Errors have risen.

    Args:
        detector: What found it; `level` for the check that repeats itself.
        before: Error rate before: the best level, or for others a guess that the rows before the onset correct.
        after: Error rate now.
        threshold: What `after` has crossed; change detectors do not say their bound, so there it is the rate before.
        log2_e: Evidence, where the detector has it.
    """

    detector: str
    before: float
    after: float
    threshold: float
    log2_e: float | None = None


def data_drift(state: State, event: Event, shift: Shift, settings: Settings, best: float | None) -> Emit:
    """Open a drift of the inputs; the state remembers it as open. It must be the first emit of the step.

    Args:
        state: With the open drift, which this one takes the place of.
        event: Input.
        shift: What was found.
        settings: Of the detector.
        best: Error rate of the level; it stands for the one before the onset where no row of the stretch was labelled.
    """
    bucket, errors = shift.onset, state.errors
    n_before, errors_before = errors.history.before(bucket.index, bucket.n_labels, bucket.errors)
    before = error_rate(n_before - errors.level.start_n, errors_before - errors.level.start_errors, best)
    state.drift = OpenDrift(
        correlation_id=event.emit_identity(0),
        kind="data",
        id=bucket.id,
        time=bucket.time,
        bucket=bucket.index,
        n_labels=n_before,
        errors=errors_before,
        error_before=before,
        next_profile=settings.first_profile,
        is_synthetic=state.is_synthetic,
        level=lowest_level(state.drift, before),
    )
    return detected(
        state,
        event,
        state.drift,
        settings,
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

    All detectors of errors begin anew: what the others have gathered speaks of the same change. It must be the first
    emit of the step.

    Args:
        state: With the open drift, which this one takes the place of.
        event: Input.
        settings: Of the detector.
        rise: What was found.
        features: Inputs that moved with the same event.
    """
    errors = state.errors
    history, level = errors.history, errors.level
    before, after, is_level = rise.before, rise.after, rise.detector == "level"
    onset = history.onset(start=level.start_n, before=before, after=after)
    since = error_rate(history.n - onset.n_before, history.errors - onset.errors_before, after) or 0.0
    n = onset.n_before - level.start_n
    reference_rows = max(n, 0)
    if not is_level and n >= settings.window_labels:
        before = error_rate(n, onset.errors_before - level.start_errors) or 0.0
    errors.begin_stretch(onset, settings)
    errors.detectors, errors.detected_at = ErrorDetectors.initial(settings), history.n
    state.drift = OpenDrift(
        correlation_id=event.emit_identity(0),
        kind="concept",
        id=onset.id,
        time=onset.time,
        bucket=onset.bucket,
        n_labels=onset.n_before,
        errors=onset.errors_before,
        error_before=before,
        next_profile=settings.first_profile,
        is_synthetic=state.is_synthetic,
        level=lowest_level(state.drift, before),
    )
    return detected(
        state,
        event,
        state.drift,
        settings,
        detector=rise.detector,
        statistic=after if is_level else since,
        threshold=rise.threshold if is_level else before,
        magnitude=since - before,
        features=features,
        log2_e=rise.log2_e,
        reference_rows=reference_rows,
        guarantee=settings.run_length if rise.log2_e is not None else 0.0,
    )
