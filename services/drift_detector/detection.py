"""From what a detector says to `drift.detected`: onset, data window, story."""

from dataclasses import dataclass
from typing import Final

from homeostat.core import Emit, Event, Identity
from homeostat.core.event import OPENS
from homeostat.events import DriftCleared, DriftDetected, ProfileUpdated, Range
from homeostat.events.logs import EXPERIENCE, TIMELINE
from homeostat.services.drift_detector.label_pace import are_overdue
from homeostat.services.drift_detector.level import best_rate, end_stretch
from homeostat.services.drift_detector.members import new_members
from homeostat.services.drift_detector.onset import group_of_change
from homeostat.services.drift_detector.profile import meta_features
from homeostat.services.drift_detector.quality import is_noisy_since
from homeostat.services.drift_detector.records import Batch, OpenDrift
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State, relearn_reference
from homeostat.services.drift_detector.watching import relearn_errors

_MOST_STEPS: Final = 8
"""Profiles between so many labels and twice as many: an action that was in flight at one of them misses little."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Columns of the inputs, or the labels, have moved.

    Args:
        detector: What found it.
        features: Names, the farthest off first.
        onset: Bucket that it began with.
        deviations: How far that one is off, in standard deviations of a row.
        statistic: Of the detector.
        threshold: Its limit.
        log2_e: Evidence, where the detector has it.
        reference_rows: Rows that said what is normal.
    """

    detector: str
    features: tuple[str, ...]
    onset: Batch
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
    batch = shift.onset
    best, (n_before, errors_before) = best_rate(state, settings), _labelled_before(state, batch)
    before = _rate(n_before - state.stretch_n, errors_before - state.stretch_errors, best)
    state.drift = OpenDrift(
        story=event.emit_identity(0),
        kind="data",
        id=batch.id,
        time=batch.time,
        batch=batch.index,
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


def _labelled_before(state: State, batch: Batch) -> tuple[int, float]:
    """Count the labelled rows before a bucket, and their errors: those that came after it was opened too."""
    n, errors = batch.n_labels, batch.errors
    for group in state.groups:
        if group.n_before >= batch.n_labels and group.batch < batch.index:
            n, errors = n + group.n, errors + group.errors
    return n, errors


def concept_drift(state: State, event: Event, settings: Settings, rise: Rise, features: tuple[str, ...] = ()) -> Emit:
    """Open a drift of the errors; the state remembers it as open and begins a new stretch at its onset.

    All detectors of errors begin anew: what the others have gathered speaks of the same change. It must be the first
    emit of the step.

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
    state.members = new_members(settings)
    relearn_errors(state.watching)
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


def profile(state: State, event: Event, drift: OpenDrift, settings: Settings) -> Emit | None:
    """Return a profile if the labels since the onset have reached the next mark."""
    n = drift.n_carried + state.n_labels - drift.n_labels
    if drift.next_profile == 0 or n < drift.next_profile:
        return None
    while drift.next_profile <= n:
        step = max(settings.profile_step, drift.next_profile // _MOST_STEPS)
        drift.next_profile += min(drift.next_profile, step)
    is_last = drift.next_profile > settings.last_profile
    if is_last:
        drift.next_profile = 0
        state.drift = None if drift.n_carried else drift
    return _profiled(state, event, drift, settings, n, is_last=is_last)


def profile_without_labels(state: State, event: Event, drift: OpenDrift, settings: Settings) -> Emit | None:
    """Return a profile, once of a drift, if the labels of its rows do not come in time: what is known without them."""
    if drift.is_overdue or not are_overdue(state.pace, settings):
        return None
    drift.is_overdue = True
    n = max(drift.n_carried + state.n_labels - drift.n_labels, 0)
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
    data = ProfileUpdated(
        model=event.subject,
        version=state.version,
        meta_features=meta_features(state, drift),
        labels_since_onset=n,
        window=_window(state, event, drift),
        error_before=drift.error_before,
        error_after=_rate(state.n_labels - drift.n_labels, state.sum_errors - drift.errors, None),
        is_noisy=_is_noisy(state, drift, settings),
        is_overdue=is_overdue,
        is_last=is_last,
        sources=tuple(sorted(source for source, last in state.sources.items() if last >= drift.batch)),
    )
    return Emit(EXPERIENCE, data, subject=family_of(state, event), story=_story(drift))


def cleared(state: State, event: Event, drift: OpenDrift, rate: float, settings: Settings) -> Emit:
    """Close a drift whose errors are back at their level; what now comes in is the new normal."""
    state.drift, state.detected_at, state.watching.told = None, None, 0.0
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
    state.watching.told = 0.0
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
        is_noisy=_is_noisy(state, drift, settings),
    )
    return Emit(EXPERIENCE, data, subject=family_of(state, event), story=OPENS)


def _is_noisy(state: State, drift: OpenDrift, settings: Settings) -> bool:
    """Say whether the rows since the onset say so little that nothing should adapt to them."""
    pending = [rows[: len(state.features)] for rows in state.watching.pending]
    return is_noisy_since(state.quality, drift.batch, pending, reference_rows=settings.reference_rows)


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
