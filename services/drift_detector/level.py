"""The level of quality: what it was at best, what it is, and when it is too far from there.

Change detectors do not fire twice. After a drift that was not answered, or not well, only the level says
that something is still wrong.
"""

from math import sqrt

from drift_detector.records import Group
from drift_detector.settings import Settings
from drift_detector.state import State


def window_rate(state: State, settings: Settings) -> float | None:
    """Return the error rate of the last `window_labels` rows, rounded up to whole groups; None if fewer."""
    n, errors = 0, 0.0
    for group in reversed(state.groups):
        n, errors = n + group.n, errors + group.errors
        if n >= settings.window_labels:
            return errors / n
    return None


def best_rate(state: State, settings: Settings) -> float | None:
    """Return the lowest error rate of a whole stretch between changes, the present one included.

    A stretch's mean, not the least of many windows: that would sink with time alone.
    """
    n = state.n_labels - state.stretch_n
    if n < settings.window_labels:
        return state.best
    present = min((state.sum_errors - state.stretch_errors) / n, 1.0)  # rounding may exceed it
    return present if state.best is None else min(present, state.best)


def end_stretch(state: State, onset: Group, settings: Settings) -> None:
    """End the present stretch before `onset`, and begin the next one with it.

    Its rate becomes a level if it is long enough, or if there is no other; by Laplace's rule, as a short one
    may have no error at all.
    """
    n = onset.n_before - state.stretch_n
    if n >= (settings.window_labels if state.best is not None else settings.least_stretch):
        rate = (onset.errors_before - state.stretch_errors + 1.0) / (n + 2.0)
        state.best = rate if state.best is None else min(rate, state.best)
    if n >= 0:
        state.stretch_n, state.stretch_errors = onset.n_before, onset.errors_before


def limit(best: float, settings: Settings) -> float:
    """Return the window error rate above which the level check speaks.

    Where errors are frequent a fixed distance is within chance, so it grows with the binomial deviation.
    """
    return best + max(settings.rise, settings.rise_deviations * sqrt(best * (1.0 - best) / settings.window_labels))
