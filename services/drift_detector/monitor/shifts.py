"""From served rows and labels to the columns that have moved."""

from typing import Final

from homeostat.core import Event
from homeostat.events import Samples
from homeostat.events.columns import f8
from homeostat.services.drift_detector.input.input_buckets import AHEAD_SECONDS, MS, ClosedBucket
from homeostat.services.drift_detector.input.watched_rows import WatchedRows
from homeostat.services.drift_detector.monitor.label_shifts import shift_of_labels
from homeostat.services.drift_detector.monitor.mean_shifts import shift_of_means, shift_of_missing
from homeostat.services.drift_detector.monitor.row_shifts import shift_of_hours, shift_of_waiting_rows
from homeostat.services.drift_detector.monitor.shift import Shift
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State

_STRIKING_DEVIATIONS: Final = 4.0
"""Of a bucket's mean: one bucket in 16,000 and column where nothing moves; what it costs is time, not false alarms."""


def shift_of_samples(
    state: State, event: Event, samples: Samples, rows: WatchedRows, closed: ClosedBucket | None, settings: Settings
) -> Shift | None:
    """Say whether rows, or the labels that came with them, have moved; what several monitors found is one shift.

    Args:
        state: Its monitors are updated.
        event: Input.
        samples: Of it.
        rows: Of it.
        closed: The bucket that it has filled, if it has.
        settings: Of the detector.
    """
    monitor, times, is_hour = state.monitors.rows, f8(samples.time), False
    if monitor is not None and rows.columns is not None:
        columns = None
        if times[times.size // 2] <= event.time / MS + AHEAD_SECONDS:
            columns = state.clocks.masked(rows.columns) if state.clocks.found.any() else rows.columns
        is_hour = monitor.add(rows.columns, times, columns)
    shift = shift_of_labels(state, f8(samples.label), times, settings) if samples.label else None
    if is_hour:
        shift = shift_of_hours(state, settings) or shift
    return _shift_of_bucket(state, closed, shift, settings) if closed is not None else shift


def _shift_of_bucket(state: State, closed: ClosedBucket, shift: Shift | None, settings: Settings) -> Shift | None:
    """Say whether rows have moved, now that a bucket is closed; if not, it is learned from.

    A change is found once: all monitors of rows begin anew after it. While rows are unreliable only those that were
    taken in before count.

    Args:
        state: Its monitors are updated.
        closed: The bucket.
        shift: Of the labels or the hours, if one was found.
        settings: Of the detector.
    """
    monitors, means = state.monitors, state.buckets.means
    monitors.missing.update(state.features, closed.lost, closed.n_rows, state.buckets.history[-1].index)
    farthest = monitors.means.add(means, settings)
    is_urgent = bool(monitors.missing.begun) or farthest > _STRIKING_DEVIATIONS
    found = shift_of_waiting_rows(state, settings, is_urgent=is_urgent)
    if state.quality.noisy_rows:
        monitors.missing.pass_over()
        return found or shift
    found = found or shift_of_missing(state, settings) or shift_of_means(state, closed.means, settings)
    if found is not None:
        monitors.relearn_inputs(settings)
    elif shift is None:
        monitors.means.update(settings, is_settled=state.drift is None or state.drift.n_carried > 0)
    return found or shift
