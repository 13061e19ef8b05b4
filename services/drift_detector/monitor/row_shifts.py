"""Bets on the served rows one by one, and on their hours."""

from homeostat.services.drift_detector.monitor.pair_shifts import shift_of_pair
from homeostat.services.drift_detector.monitor.shift import Shift, begun_with, shift_of_bets, shift_of_season
from homeostat.services.drift_detector.settings import N_MONITORS, Settings
from homeostat.services.drift_detector.state import State


def shift_of_hours(state: State, settings: Settings) -> Shift | None:
    """Say whether the hour that has just ended was like none of those of days and weeks before.

    Args:
        state: Its monitors of rows begin anew if it was.
        settings: Of the detector.
    """
    monitor = state.monitors.rows
    if monitor is None or monitor.season is None or not monitor.season.is_beyond(settings.alarm_limit):
        return None
    features = monitor.names(monitor.season.drifted_columns(settings.fdr))
    shift = shift_of_season(monitor, features, state.buckets.history, settings)
    state.monitors.relearn_inputs(settings)
    return shift


def shift_of_waiting_rows(state: State, settings: Settings, *, is_urgent: bool) -> Shift | None:
    """Bet on the rows that are waiting, if there are enough, or if it is urgent.

    Args:
        state: Its monitor is updated, and with the same rows clocks, quality and baseline.
        settings: Of the detector.
        is_urgent: The last bucket lies far off.
    """
    monitor, n_features = state.monitors.rows, len(state.features)
    waiting = monitor.take(settings.watch_rows, is_urgent=is_urgent) if monitor is not None else None
    if monitor is None or waiting is None:
        return None
    rows, time = waiting
    without_clocks = state.clocks.update(rows, n_features)
    bucket, n_reference = state.buckets.history[-1].index, settings.reference_rows
    is_noisy = state.quality.is_unreliable(rows[:n_features], bucket, reference_rows=n_reference)
    if state.baseline.edges.shape[1] or not is_noisy:
        state.baseline.update(rows, reference_rows=n_reference)
    if is_noisy:
        return None
    found = monitor.update(without_clocks, time, settings)
    if not found.columns and (pair := shift_of_pair(state, without_clocks[:n_features], time, settings)) is not None:
        return pair
    if found.is_swing:
        state.monitors.follow_swing(settings, is_settled=state.drift is None)
    if not found.columns:
        return None
    features = monitor.names(found.columns)
    deviations, onset = monitor.watch.largest_shift(), state.buckets.history[-1]
    names = [*state.features, "score"]
    if features[0] in names:
        moved = state.monitors.means.moved_column(names.index(features[0]), state.buckets.means)
        deviations, onset = begun_with(state.buckets, *moved)
    return shift_of_bets("martingale", monitor.watch, N_MONITORS * settings.run_length, features, onset, deviations)
