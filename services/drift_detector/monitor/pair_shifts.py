"""Bets on how the features of served rows move together."""

from homeostat.services.drift_detector.monitor.shift import Shift, shift_of_bets
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State
from homeostat.stats.exchangeability import Float32s
from homeostat.stats.steps import Step
from homeostat.stats.trail import judged


def shift_of_pair(state: State, rows: Float32s, time: float, settings: Settings) -> Shift | None:
    """Say whether two features do not move together as they did.

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
