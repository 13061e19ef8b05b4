"""What a bucket shows when it is full: rows, missing values and means that are not what they were."""

from typing import Final

from homeostat.services.drift_detector.input.input_buckets import ClosedBucket
from homeostat.services.drift_detector.monitor.mean_shifts import shift_of_means
from homeostat.services.drift_detector.monitor.row_shifts import shift_of_waiting_rows
from homeostat.services.drift_detector.monitor.shift import Shift
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State

_STRIKING_DEVIATIONS: Final = 4.0
"""Of a bucket's mean: one bucket in 16,000 and column where nothing moves; what it costs is time, not false alarms."""


def shift_of_bucket(state: State, closed: ClosedBucket, shift: Shift | None, settings: Settings) -> Shift | None:
    """Say whether rows have moved, now that a bucket is closed; if not, it is learned from.

    What several monitors found is one shift. A change is found once: all monitors of rows begin anew after it. While
    rows are unreliable only those that were taken in before count.

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
    if found is None and monitors.rows is not None:
        found = monitors.missing.detect(state.features, state.buckets.history, settings)
    found = found or shift_of_means(state, closed.means, settings)
    if found is not None:
        monitors.relearn_inputs(settings)
    elif shift is None:
        monitors.means.update(settings, is_settled=state.drift is None or state.drift.n_carried > 0)
    return found or shift
