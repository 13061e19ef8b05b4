"""What is said of an open drift: `drift.detected`, `profile.updated`, `drift.cleared`."""

from typing import Final

from homeostat.core import Emit, Event, Identity
from homeostat.core.event import OPENS
from homeostat.core.identity import family_subject
from homeostat.events import DriftCleared, DriftDetected, ProfileUpdated, Range
from homeostat.events.logs import EXPERIENCE, TIMELINE
from homeostat.services.drift_detector.drift.open_drift import OpenDrift
from homeostat.services.drift_detector.drift.profile import meta_features
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State
from homeostat.stats.error import error_rate

_MOST_STEPS: Final = 8
"""Profiles between so many labels and twice as many: an action that was in flight at one of them misses little."""


def detected(
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
    """Publish a drift that has just been opened. It must be the first emit of the step.

    Args:
        state: With the open drift; what was published of the evidence is forgotten.
        event: Input.
        drift: The open one.
        settings: Of the detector.
        detector: What found it, and so on: as in the event.
        statistic: Of the detector.
        threshold: Its limit.
        magnitude: Size of the change.
        features: Names, the farthest off first.
        log2_e: Evidence, where the detector has it.
        reference_rows: Rows that said what is normal.
        guarantee: Rows between two false alarms; 0 without a guarantee.
    """
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
    return Emit(EXPERIENCE, data, subject=family_subject(event.subject, state.family), story=OPENS)


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


def profile_without_labels(state: State, event: Event, drift: OpenDrift, settings: Settings) -> Emit:
    """Emit a profile, once of a drift, when the labels of its rows do not come in time: what is known without them.

    Args:
        state: With the drift.
        event: Input.
        drift: The open one.
        settings: Of the detector.
    """
    drift.is_overdue = True
    n = max(drift.n_carried + state.errors.history.n - drift.n_labels, 0)
    return _profiled(state, event, drift, settings, n, is_overdue=True)


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
    sources = tuple(sorted(source for source, last in state.buckets.sources.items() if last >= drift.bucket))
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
        sources=sources,
    )
    return Emit(
        EXPERIENCE, data, subject=family_subject(event.subject, state.family), story=Identity(drift.correlation_id)
    )


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
    return Emit(
        EXPERIENCE, data, subject=family_subject(event.subject, state.family), story=Identity(drift.correlation_id)
    )


def _is_noisy(state: State, drift: OpenDrift, settings: Settings) -> bool:
    """Say whether the rows since the onset say so little that nothing should adapt to them."""
    monitor = state.monitors.rows
    pending = [rows[: len(state.features)] for rows in monitor.pending] if monitor is not None else []
    return state.quality.is_unreliable_since(drift.bucket, pending, reference_rows=settings.reference_rows)


def _error_since(state: State, drift: OpenDrift) -> float | None:
    """Return the error rate since the onset; None without a label."""
    history = state.errors.history
    return error_rate(history.n - drift.n_labels, history.errors - drift.errors)


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
