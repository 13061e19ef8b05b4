"""Bets on the served rows one by one, and on how their features move together."""

from homeostat.services.drift_detector.monitor.shift import Shift, shift_of_bets, shift_of_season
from homeostat.services.drift_detector.settings import N_MONITORS, Settings
from homeostat.services.drift_detector.state import State
from homeostat.stats.exchangeability import Float32s
from homeostat.stats.steps import Step
from homeostat.stats.trail import judged


def shift_of_hours(state: State, settings: Settings) -> Shift | None:
    """Say whether the hour that has just ended was like none of those of days and weeks before.

    Args:
        state: Its monitors of rows begin anew if it was.
        settings: Of the detector.
    """
    monitor = state.monitors.rows
    if monitor is None or monitor.season is None or not monitor.season.is_beyond(settings.alarm_limit):
        return None
    features = tuple(monitor.columns[column] for column in monitor.season.drifted_columns(settings.fdr))
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
    if not found.columns and (pair := _pair(state, without_clocks[:n_features], time, settings)) is not None:
        return pair
    if found.is_swing:
        state.monitors.follow_swing(settings, is_settled=state.drift is None)
    if not found.columns:
        return None
    features = tuple(monitor.columns[column] for column in found.columns)
    deviations, onset = monitor.watch.largest_shift(), state.buckets.history[-1]
    names = [*state.features, "score"]
    if features[0] in names:
        moved = state.monitors.means.moved_column(names.index(features[0]), state.buckets.means)
        deviations, onset = state.buckets.begun_with(*moved)
    return shift_of_bets("martingale", monitor.watch, N_MONITORS * settings.run_length, features, onset, deviations)


def _pair(state: State, rows: Float32s, time: float, settings: Settings) -> Shift | None:
    """Bet that two features do not move together as they did.

    Args:
        state: Its watch of the correlation is updated.
        rows: (d, n) features.
        time: Of the middle row, seconds.
        settings: Of the detector.
    """
    monitors, correlation = state.monitors, state.monitors.correlation
    if not correlation.take(rows, time) or correlation.watch is None:
        return None
    is_seasonal = monitors.rows is not None and monitors.rows.season is not None
    anything = list[Step].copy if is_seasonal else None
    found = judged(correlation.watch, correlation.trail, anything, settings.alarm_limit, settings.fdr)
    if found.columns:
        first, second = correlation.drifted_columns()
        moved = float(correlation.recent[first, second] - correlation.usual[first, second])
        names, onset = (state.features[first], state.features[second]), state.buckets.history[-1]
        return shift_of_bets("correlation", correlation.watch, settings.alarm_limit, names, onset, moved)
    if found.is_swing:
        monitors.relearn_correlation(settings)
    return None
