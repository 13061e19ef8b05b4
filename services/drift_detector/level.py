"""The level of quality: what it was at best, what it is, and when it is too far from there.

Change detectors do not fire twice. After a drift that was not answered, or not well, only the level says
that something is still wrong.
"""

from math import sqrt
from typing import NamedTuple

from homeostat.services.drift_detector.records import Group, OpenDrift
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State


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


def is_back(state: State, drift: OpenDrift, rate: float, settings: Settings) -> bool:
    """Say whether the errors since the onset, or since a promotion, are back where they were.

    A champion that was promoted in this drift has to show it: by one standard deviation of its rate over all labels of
    the present stretch too. A window alone is back by chance now and then, and with that nobody would look again.

    Args:
        state: With the level, and the newest labels.
        drift: The open one.
        rate: Of the newest window.
        settings: Of the detector.
    """
    level = drift.level if drift.n_carried else best_rate(state, settings)
    if state.n_labels - drift.n_labels < settings.window_labels or level is None:
        return False
    most = level + settings.cleared_margin
    if rate > most or not drift.n_carried:
        return rate <= most
    n, errors = state.n_labels - state.stretch_n, state.sum_errors - state.stretch_errors
    if n < settings.window_labels:
        return False
    mean = min(max((errors + 1.0) / (n + 2.0), 0.0), 1.0)
    return errors / n + sqrt(mean * (1.0 - mean) / n) <= most


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


def risen(state: State, settings: Settings) -> tuple[float, float] | None:
    """Return the error rate of the newest labels and the limit that it exceeds, or None if it does not.

    The window is the shortest of `window_labels`, twice, four times, … up to `most_window_labels` that says so; a
    longer one is looked at only where chance alone may move a shorter one further than `rise`.
    """
    level, n, errors, window = _best(state, settings), 0, 0.0, settings.window_labels
    if level is None:
        return None
    for group in reversed(state.groups):
        n, errors = n + group.n, errors + group.errors
        if n < window:
            continue
        most = _limit(level, settings, window)
        if errors / n > most:
            return errors / n, most
        window *= 2
        if most <= level.rate + settings.rise or window > settings.most_window_labels:
            return None
    return None


def limit(state: State, settings: Settings) -> float:
    """Return the window error rate above which the level check speaks; 1 while there is no level.

    Where errors are frequent a fixed distance is within chance, so it grows with the binomial deviation of the distance
    between window and level: a level that few rows stand behind is not known better than they can say.
    """
    level = _best(state, settings)
    return 1.0 if level is None else _limit(level, settings, settings.window_labels)


def _best(state: State, settings: Settings) -> _Level | None:
    past, n = _past(state), state.n_labels - state.stretch_n
    if n < settings.window_labels:
        return past
    # Rounding may exceed 1.
    return _lower(past, _Level(min((state.sum_errors - state.stretch_errors) / n, 1.0), n), settings)


def _past(state: State) -> _Level | None:
    return None if state.best is None else _Level(state.best, state.best_n)


def _lower(past: _Level | None, present: _Level, settings: Settings) -> _Level:
    n = settings.window_labels
    return present if past is None or _limit(present, settings, n) <= _limit(past, settings, n) else past


def _limit(level: _Level, settings: Settings, window: int) -> float:
    variance = level.rate * (1.0 - level.rate) * (1.0 / window + 1.0 / level.n)
    return level.rate + max(settings.rise, settings.rise_deviations * sqrt(variance))
