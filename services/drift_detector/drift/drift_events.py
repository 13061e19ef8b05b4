"""From what a monitor has found to `drift.detected`: onset, data window, correlation id."""

from dataclasses import dataclass
from typing import Final

from homeostat.core import Emit, Event, Identity
from homeostat.core.event import OPENS
from homeostat.events import DriftCleared, DriftDetected, ProfileUpdated, Range
from homeostat.events.logs import EXPERIENCE, TIMELINE
from homeostat.services.drift_detector.drift.open_drift import OpenDrift
from homeostat.services.drift_detector.drift.profile import meta_features
from homeostat.services.drift_detector.errors.error_detectors import ErrorDetectors
from homeostat.services.drift_detector.monitor.shift import Shift
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State

_MOST_STEPS: Final = 8
"""Profiles between so many labels and twice as many: an action that was in flight at one of them misses little."""


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
    before = _rate(n_before - errors.level.start_n, errors_before - errors.level.start_errors, best)
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
        level=_level(state.drift, before),
    )
    return _detected(
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


def _level(displaced: OpenDrift | None, before: float | None) -> float | None:
    """Return the lowest error rate before a drift and the open one in whose place it comes, None if none is known."""
    known = [level for level in (before, displaced.level if displaced is not None else None) if level is not None]
    return min(known, default=None)


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
    since = _rate(history.n - onset.n_before, history.errors - onset.errors_before, after) or 0.0
    n = onset.n_before - level.start_n
    reference_rows = max(n, 0)
    if not is_level and n >= settings.window_labels:
        before = _rate(n, onset.errors_before - level.start_errors, None) or 0.0
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
        level=_level(state.drift, before),
    )
    return _detected(
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


def profile(state: State, event: Event, drift: OpenDrift, settings: Settings) -> list[Emit]:
    """Emit a profile if the labels since the onset have reached the next mark.

    Args:
        state: Its drift is forgotten with the last profile, unless a champion was promoted in it.
        event: Input.
        drift: The open one.
        settings: Of the detector.
    """
    n = drift.n_carried + state.errors.history.n - drift.n_labels
    if drift.next_profile == 0 or n < drift.next_profile:
        return []
    while drift.next_profile <= n:
        step = max(settings.profile_step, drift.next_profile // _MOST_STEPS)
        drift.next_profile += min(drift.next_profile, step)
    is_last = drift.next_profile > settings.last_profile
    if is_last:
        drift.next_profile = 0
        state.drift = None if drift.n_carried else drift
    return [_profiled(state, event, drift, settings, n, is_last=is_last)]


def profile_without_labels(state: State, event: Event, drift: OpenDrift, settings: Settings) -> list[Emit]:
    """Emit a profile, once of a drift, if the labels of its rows do not come in time: what is known without them.

    Args:
        state: With the drift.
        event: Input.
        drift: The open one.
        settings: Of the detector.
    """
    if drift.is_overdue or not state.pace.are_overdue(settings):
        return []
    drift.is_overdue = True
    n = max(drift.n_carried + state.errors.history.n - drift.n_labels, 0)
    return [_profiled(state, event, drift, settings, n, is_overdue=True)]


def _profiled(
    state: State,
    event: Event,
    drift: OpenDrift,
    settings: Settings,
    n: int,
    *,
    is_overdue: bool = False,
    is_last: bool = False,
) -> Emit:
    window, error_after = _window(state, event, drift), _error_since(state, drift)
    is_noisy = _is_noisy(state, drift, settings)
    data = ProfileUpdated(
        model=event.subject,
        version=state.champion.version,
        meta_features=meta_features(state, drift),
        labels_since_onset=n,
        window=window,
        error_before=drift.error_before,
        error_after=error_after,
        is_noisy=is_noisy,
        is_overdue=is_overdue,
        is_last=is_last,
        sources=tuple(sorted(source for source, last in state.buckets.sources.items() if last >= drift.bucket)),
    )
    return Emit(EXPERIENCE, data, subject=state.family_subject(event), story=Identity(drift.correlation_id))


def cleared(state: State, event: Event, drift: OpenDrift, rate: float, settings: Settings) -> Emit:
    """Close a drift whose errors are back at their level; what now comes in is the new normal.

    Args:
        state: Its monitors begin anew.
        event: Input.
        drift: The open one.
        rate: Error rate of the newest window.
        settings: Of the detector.
    """
    state.drift, state.errors.detected_at, state.monitors.published_bits = None, None, 0.0
    state.monitors.relearn(settings)
    data = DriftCleared(model=event.subject, version=state.champion.version, error=rate)
    return Emit(EXPERIENCE, data, subject=state.family_subject(event), story=Identity(drift.correlation_id))


def _detected(
    state: State,
    event: Event,
    drift: OpenDrift,
    settings: Settings,
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
    state.monitors.published_bits = 0.0
    onset, error_after = _window(state, event, drift), _error_since(state, drift)
    data = DriftDetected(
        model=event.subject,
        version=state.champion.version,
        kind=drift.kind,
        detector=detector,
        statistic=statistic,
        threshold=threshold,
        magnitude=magnitude,
        features=features,
        onset=onset,
        is_recheck=detector == "level",
        error_before=drift.error_before,
        error_after=error_after,
        log2_e=log2_e,
        guarantee=guarantee,
        reference_rows=reference_rows,
        is_synthetic=drift.is_synthetic,
        is_noisy=_is_noisy(state, drift, settings),
    )
    return Emit(EXPERIENCE, data, subject=state.family_subject(event), story=OPENS)


def _is_noisy(state: State, drift: OpenDrift, settings: Settings) -> bool:
    """Say whether the rows since the onset say so little that nothing should adapt to them."""
    monitor = state.monitors.rows
    pending = [rows[: len(state.features)] for rows in monitor.pending] if monitor is not None else []
    return state.quality.is_unreliable_since(drift.bucket, pending, reference_rows=settings.reference_rows)


def _error_since(state: State, drift: OpenDrift) -> float | None:
    """Return the error rate since the onset; None without a label."""
    history = state.errors.history
    return _rate(history.n - drift.n_labels, history.errors - drift.errors, None)


def _window(state: State, event: Event, drift: OpenDrift) -> Range:
    return Range(
        log=TIMELINE,
        subject=event.subject,
        source=event.source,
        first=drift.id,
        last=event.id,
        from_time=drift.time,
        rows=max(drift.n_carried + state.errors.history.n - drift.n_labels, 0),
    )


def _rate(n: int, errors: float, otherwise: float | None) -> float | None:
    """Return errors per row, inside [0, 1] against rounding; `otherwise` without rows."""
    return min(max(errors / n, 0.0), 1.0) if n > 0 else otherwise
