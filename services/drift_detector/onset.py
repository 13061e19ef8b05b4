"""Where a change began: late rather than early, because older rows would spoil a training set."""

from typing import Final

from homeostat.services.drift_detector.records import Batch, Group
from homeostat.services.drift_detector.reference import Floats
from homeostat.services.drift_detector.state import State

# Between the level before (0) and after (1): above one half, so that a group of which only the end
# belongs to the drift is left out.
_WITHIN_DRIFT_FROM: Final = 0.6

_ROUNDS: Final = 5

_OUTLYING_DEVIATIONS: Final = 3.0


def group_of_change(groups: list[Group], *, start: int, before: float, after: float) -> Group:
    """Return the group that a change of the error rate most likely began with.

    A window that ends just after a change holds mostly older rows, so the rate after it is estimated again
    from the onset found with the first guess, until the onset stays.

    Args:
        groups: Oldest first, not empty.
        start: Labelled rows before which it did not begin.
        before: Error rate before the change.
        after: First guess of the error rate after it.

    Source: argument of the maximum of a CUSUM, Page 1954, over groups.
    """
    first = next((i for i, group in enumerate(groups) if group.n_before >= start), len(groups) - 1)
    found = _argmax(groups, first, before, after)
    for _ in range(_ROUNDS):
        onset, last = groups[found], groups[-1]
        errors = last.errors_before + last.errors - onset.errors_before
        after = errors / (last.n_before + last.n - onset.n_before)
        again = _argmax(groups, first, before, after)
        if again == found:
            break
        found = again
    return groups[found]


def _argmax(groups: list[Group], first: int, before: float, after: float) -> int:
    middle = before + _WITHIN_DRIFT_FROM * (after - before)
    sign = 1.0 if after >= before else -1.0
    found, total, most = len(groups) - 1, 0.0, float("-inf")
    for i in range(len(groups) - 1, first - 1, -1):
        total += sign * (groups[i].errors - groups[i].n * middle)
        if total >= most:
            found, most = i, total
    return found


def rates_around_change(groups: list[Group], *, start: int) -> tuple[float, float]:
    """Return the error rates before and after the one change that explains the groups best.

    Args:
        groups: Oldest first, not empty.
        start: Labelled rows before which it did not begin.

    Returns:
        Both the overall rate if there are fewer than two groups since `start`.

    Source: least squares split in two means, Hinkley 1970.
    """
    last = groups[-1]
    first = next((group for group in groups if group.n_before >= start), last)
    end_n, end_errors = last.n_before + last.n, last.errors_before + last.errors
    before = after = (end_errors - first.errors_before) / (end_n - first.n_before)
    most = 0.0
    for group in groups:
        n = group.n_before - first.n_before
        if n <= 0:
            continue
        m = end_n - group.n_before
        left, right = (group.errors_before - first.errors_before) / n, (end_errors - group.errors_before) / m
        gain = n * m / (n + m) * (right - left) * (right - left)
        if gain > most:
            most, before, after = gain, left, right
    return before, after


def batch_of_shift(state: State, column: int) -> Batch:
    """Return the first bucket of the last run that lies off what has been since the shift before, in a column.

    Requires the last bucket to be closed. Runs longer than what is remembered begin with the oldest.
    """
    run = 1
    for means in reversed(state.recent[:-1]):
        if abs(_deviation(state, means, column)) < _OUTLYING_DEVIATIONS:
            break
        run += 1
    return state.batches[-min(run, len(state.batches))]


def _deviation(state: State, means: Floats, column: int) -> float:
    return float(state.since.deviations(means)[column])
