"""The distribution of the labels: whether the share of classes, or the level of targets, has moved."""

import numpy as np

from homeostat.services.drift_detector.monitor.shift import Shift, shift_of_bets, shift_of_season
from homeostat.services.drift_detector.settings import LABEL, N_MONITORS, Settings
from homeostat.services.drift_detector.state import State
from homeostat.stats.portable import FloatArray


def shift_of_labels(state: State, labels: FloatArray, times: FloatArray, settings: Settings) -> Shift | None:
    """Say whether the distribution of labels has moved.

    Args:
        state: Its monitor of labels is updated.
        labels: (n,) NaN for those not known yet.
        times: (n,) event times of what they belong to, seconds.
        settings: Of the detector.
    """
    monitor, history = state.monitors.labels, state.buckets.history
    if monitor is None:
        return None
    known = labels == labels
    if not known.all():
        labels, times = labels[known], times[known]
    season, is_hour, shift = monitor.season, False, None
    if labels.size:
        with np.errstate(over="ignore"):
            rows = labels.astype(np.float32)[None, :]
        is_hour = monitor.add(rows, times, rows)
    if is_hour and season is not None and season.is_beyond(settings.alarm_limit):
        shift = shift_of_season(monitor, (LABEL,), history, settings)
    else:
        waiting = monitor.take(settings.label_rows)
        if waiting is None:
            return None
        found = monitor.update(*waiting, settings)
        if not (found.columns or found.is_swing):
            return None
        if found.columns:
            limit, deviations = N_MONITORS * settings.run_length, monitor.watch.largest_shift()
            shift = shift_of_bets("martingale", monitor.watch, limit, (LABEL,), history[-1], deviations)
    monitor.reset(settings)
    if shift is not None and season is not None:
        season.restart()
    return shift
