"""Where a change began: late rather than early, because older rows would spoil a training set."""

from typing import Final

import numpy as np

from drift_detector.reference import Floats
from drift_detector.state import Batch, Group, State

# Between the level before (0) and after (1): above one half, so that a group of which only the end
# belongs to the drift is left out.
_WITHIN_DRIFT_FROM: Final = 0.6

_OUTLYING_DEVIATIONS: Final = 3.0


def group_of_change(groups: list[Group], *, start: int, before: float, after: float) -> Group:
    """Return the group that a change of the error rate most likely began with.

    Args:
        groups: Oldest first, not empty.
        start: Labelled rows before which it did not begin.
        before: Error rate before the change.
        after: Error rate after it.

    Source: argument of the maximum of a CUSUM, Page 1954, over groups.
    """
    middle = before + _WITHIN_DRIFT_FROM * (after - before)
    sign = 1.0 if after >= before else -1.0
    found, total, most = groups[-1], 0.0, float("-inf")
    for group in reversed(groups):
        if group.n_before < start:
            break
        total += sign * (group.errors - group.n * middle)
        if total >= most:
            found, most = group, total
    return found


def batch_of_shift(state: State, column: int) -> Batch:
    """Return the first bucket of the last run that lies off the reference in a column.

    Requires the last bucket to be closed. Runs longer than what is remembered begin with the oldest.
    """
    run = 1
    for means in reversed(state.recent[:-1]):
        if abs(_deviation(state, means, column)) < _OUTLYING_DEVIATIONS:
            break
        run += 1
    return state.batches[-min(run, len(state.batches))]


def _deviation(state: State, means: Floats, column: int) -> float:
    return float(state.reference.deviations(means)[column])


def guilty(deviations: Floats, fired: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], names: list[str]) -> list[str]:
    """Return the names of the columns that fired, the farthest off first; ties in column order."""
    columns = [column for column in range(len(names)) if fired[column]]
    return [names[column] for column in sorted(columns, key=lambda column: (-abs(float(deviations[column])), column))]
