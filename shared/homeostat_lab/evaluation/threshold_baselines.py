"""Other ways to raise an alarm on a series, each by one setting for all series."""

from bisect import bisect_left, insort
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from river import stats

Alarms = NDArray[np.bool_]
"""(n,) whether a row raises an alarm."""

Floats = NDArray[np.float64]

CALIBRATION_RATIO: Final = 0.15
"""Rows that a static threshold is taken from, as a share of the series."""

_WINDOW: Final = 1000
_LEAST: Final = 20


def static_quantile(values: Floats, rate: float) -> Alarms:
    """Alarm above the (1 - rate) quantile of the first 15 % of the rows."""
    n = max(1, int(CALIBRATION_RATIO * len(values)))
    alarms: Alarms = values > np.quantile(values[:n], 1.0 - rate)
    return alarms


def rolling_quantile(values: Floats, rate: float, *, window: int = _WINDOW) -> Alarms:
    """Alarm above the (1 - rate) quantile of the last rows.

    Args:
        values: (n,).
        rate: Share of rows that alarm, in (0, 1).
        window: Rows that are looked back on, >= 1.
    """
    alarms, ordered, listed = np.zeros(len(values), np.bool_), list[float](), values.tolist()
    for row, value in enumerate(listed):
        n = len(ordered)
        alarms[row] = n >= _LEAST and value > ordered[min(int((1.0 - rate) * n), n - 1)]
        insort(ordered, value)
        if n == window:
            del ordered[bisect_left(ordered, listed[row - window])]
    return alarms


def rolling_quantile_of_differences(values: Floats, rate: float) -> Alarms:
    """Alarm where the absolute first difference is above its (1 - rate) quantile over the last rows."""
    return rolling_quantile(np.abs(np.diff(values, prepend=values[0])), rate)


def river_quantile(values: Floats, rate: float) -> Alarms:
    """Alarm above river's P-square estimate of the (1 - rate) quantile of all rows so far."""
    estimate, alarms = stats.Quantile(1.0 - rate), np.zeros(len(values), np.bool_)
    for row, value in enumerate(values.tolist()):
        limit = estimate.get()
        alarms[row] = limit is not None and row >= _LEAST and value > limit
        estimate.update(value)
    return alarms


def random_alarms(values: Floats, rate: float, *, seed: int) -> Alarms:
    """Alarm by chance.

    Args:
        values: (n,); only their number counts.
        rate: Share of rows that alarm, in (0, 1).
        seed: Of the chance.
    """
    alarms: Alarms = np.random.default_rng(seed).random(len(values)) < rate
    return alarms


def pages(alarms: Alarms, quiet: int) -> list[int]:
    """Return the rows that page if a page is followed by `quiet` rows without one."""
    rows, last = list[int](), -quiet - 1
    for row in np.flatnonzero(alarms).tolist():
        if row - last > quiet:
            rows.append(row)
            last = row
    return rows


RATE_BASELINES: Final[dict[str, Callable[[Floats, float], Alarms]]] = {
    "static_quantile": static_quantile,
    "rolling_quantile": rolling_quantile,
    "river_quantile": river_quantile,
}
"""At a stated rate of rows."""

PAGE_BASELINES: Final[dict[str, tuple[Callable[[Floats, float], Alarms], float]]] = {
    "static_quantile": (static_quantile, 0.001),
    "rolling_quantile": (rolling_quantile, 0.002),
    "rolling_quantile_of_differences": (rolling_quantile_of_differences, 0.002),
}
"""To page, each with the rate that served it best on the open series of the benchmark: an advantage over ours."""
