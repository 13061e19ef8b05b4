"""The level of quality: what it was at best, what it is, and when it is too far from there.

Change detectors do not fire twice. After a drift that was not answered, or not well, only the level says
that something is still wrong.
"""

from math import sqrt
from typing import NamedTuple

from drift_detector.records import Group
from drift_detector.settings import Settings
from drift_detector.state import State


class _Level(NamedTuple):
    """Error rate of a stretch, and its labelled rows."""

    rate: float
    n: int


def window_rate(state: State, settings: Settings) -> float | None:
    """Return the error rate of the last `window_labels` rows, rounded up to whole groups; None if fewer."""
    n, errors = 0, 0.0
    for group in reversed(state.groups):
        n, errors = n + group.n, errors + group.errors
        if n >= settings.window_labels:
            return errors / n
    return None


def best_rate(state: State, settings: Settings) -> float | None:
    """Return the error rate of the best whole stretch between changes, the present one included.

    A stretch's mean, not the least of many windows: that would sink with time alone. The best is the one that asks most
    of the present (`limit`): a short stretch with few errors by luck does not displace a long one.
    """
    level = _best(state, settings)
    return None if level is None else level.rate


def end_stretch(state: State, onset: Group, settings: Settings) -> None:
    """End the present stretch before `onset`, and begin the next one with it.

    Its rate becomes a level if it is long enough, or if there is no other; by Laplace's rule, as a short one
    may have no error at all.
    """
    n = onset.n_before - state.stretch_n
    if n >= (settings.window_labels if state.best is not None else settings.least_stretch):
        ended = _Level((onset.errors_before - state.stretch_errors + 1.0) / (n + 2.0), n)
        state.best, state.best_n = _lower(_past(state), ended, settings)
    if n >= 0:
        state.stretch_n, state.stretch_errors = onset.n_before, onset.errors_before


def limit(state: State, settings: Settings) -> float:
    """Return the window error rate above which the level check speaks; 1 while there is no level.

    Where errors are frequent a fixed distance is within chance, so it grows with the binomial deviation of the distance
    between window and level: a level that few rows stand behind is not known better than they can say.
    """
    level = _best(state, settings)
    return 1.0 if level is None else _limit(level, settings)


def _best(state: State, settings: Settings) -> _Level | None:
    past, n = _past(state), state.n_labels - state.stretch_n
    if n < settings.window_labels:
        return past
    # Rounding may exceed 1.
    return _lower(past, _Level(min((state.sum_errors - state.stretch_errors) / n, 1.0), n), settings)


def _past(state: State) -> _Level | None:
    return None if state.best is None else _Level(state.best, state.best_n)


def _lower(past: _Level | None, present: _Level, settings: Settings) -> _Level:
    return present if past is None or _limit(present, settings) <= _limit(past, settings) else past


def _limit(level: _Level, settings: Settings) -> float:
    variance = level.rate * (1.0 - level.rate) * (1.0 / settings.window_labels + 1.0 / level.n)
    return level.rate + max(settings.rise, settings.rise_deviations * sqrt(variance))
