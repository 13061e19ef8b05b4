"""What served rows, and the labels that come with them, show at once: hours and labels unlike those before."""

from homeostat.core import Event
from homeostat.events import Samples
from homeostat.events.columns import f8
from homeostat.services.drift_detector.input.input_buckets import AHEAD_SECONDS, MS
from homeostat.services.drift_detector.input.watched_rows import WatchedRows
from homeostat.services.drift_detector.monitor.label_shifts import shift_of_labels
from homeostat.services.drift_detector.monitor.row_shifts import shift_of_hours
from homeostat.services.drift_detector.monitor.shift import Shift
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State


def shift_of_samples(
    state: State, event: Event, samples: Samples, rows: WatchedRows, settings: Settings
) -> Shift | None:
    """Let rows wait to be bet on; say whether labels that came with them, or an hour that they end, have moved.

    Args:
        state: Its monitors are updated.
        event: Input.
        samples: Of it.
        rows: Of it.
        settings: Of the detector.
    """
    monitor, times, is_hour = state.monitors.rows, f8(samples.time), False
    shift = shift_of_labels(state, f8(samples.label), times, settings) if samples.label else None
    if monitor is not None and rows.columns is not None:
        columns = None
        if times[times.size // 2] <= event.time / MS + AHEAD_SECONDS:
            columns = state.clocks.masked(rows.columns) if state.clocks.found.any() else rows.columns
        is_hour = monitor.add(rows.columns, times, columns)
    if is_hour:
        shift = shift_of_hours(state, settings) or shift
    return shift
