"""Whether a level has jumped: a step beside a slope. A day's swing is a slope; what breaks makes a step."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from homeostat.stats.portable import FloatArray

LEAST_Z: Final = 5.5
"""Standard errors from which a step is one, among all windows, places and channels that are looked at."""

_NOTED_Z: Final = 3.0
_MOST_OF_IT: Final = 0.8
_SLACK: Final = 4.0
_LEAST_SIZE: Final = 0.25
"""In standard deviations of a row: the bend of a high swing looks like a smaller one."""

_WINDOW_HOURS: Final = 2.0
_LEAST_BATCHES: Final = 3


@dataclass(frozen=True, slots=True)
class Step:
    """A jump of one channel.

    Args:
        channel: Which.
        size: Standard deviations of a row.
        z: The same in standard errors.
        before: Time of the last batch before it, seconds.
        after: Time of the first batch after it.
    """

    channel: int
    size: float
    z: float
    before: float
    after: float


def steps_of(times: FloatArray, counts: FloatArray, means: FloatArray) -> list[Step]:
    """Return the channels whose level may have jumped within the last two hours, the clearest first.

    For every window that ends now, and every place in it, a step is fitted beside a slope by least squares. It counts
    from three standard errors and a quarter of a deviation on, if the slope does less over the whole window, and if the
    level moves less than half as much between other batches, and nearly all that it moves between three in a row: then
    no wave of a day, however high, explains it; chance may up to `LEAST_Z`.

    Args:
        times: (k,) of batches, seconds, in their order.
        counts: (k, C) rows behind each mean; 0 where there are none.
        means: (k, C) in standard deviations of a row.

    Returns:
        At most one for each channel.
    """
    found = dict[int, Step]()
    if not times.size:
        return []
    hours = (times - times[-1]) / 3600.0
    first = int(np.searchsorted(hours, -_WINDOW_HOURS))
    if times.size - first < _LEAST_BATCHES:
        return []
    moved, moves = _moves(counts[first:], means[first:])
    for start in range(first, times.size - _LEAST_BATCHES + 1):
        sizes, z, slopes = _fits(hours[start:], counts[start:], means[start:])
        most = np.maximum(_LEAST_SIZE, np.abs(slopes) * -hours[start])
        is_step = (np.abs(z) >= _NOTED_Z) & (np.abs(sizes) >= most)
        is_step &= moves[start - first :] >= 2.0 * moved[start - first :]
        for split, channel in zip(*(places.tolist() for places in np.nonzero(is_step)), strict=True):
            if channel not in found or abs(z[split, channel]) > abs(found[channel].z):
                at = start + 1 + split
                size, clear = float(sizes[split, channel]), float(z[split, channel])
                found[channel] = Step(channel, size, clear, float(times[at - 1]), float(times[at]))
    return sorted(found.values(), key=lambda step: (-abs(step.z), step.channel))


def _fits(t: FloatArray, n: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fit level, slope and a step before each batch but the first to (k, C) means.

    Returns:
        Steps, their z, and the slopes beside them, (k - 1, C) each; 0 where nothing can be said.

    Source: Frisch and Waugh 1933: the step is what is left of it beside level and time, and the means on that.
    """
    total = np.maximum(_sum(n), 1.0)
    late = t[:, None] - _sum(n * t[:, None]) / total
    square = np.maximum(_sum(n * late * late), 1e-12)
    slope = _sum(n * late * y) / square
    rest = y - _sum(n * y) / total - slope * late
    after, moment, of_rest = (_after(n), _after(n * late), _after(n * rest))
    power = after - after * after / total - moment * moment / square
    is_known = power > 1e-6 * total
    power = np.where(is_known, power, 1.0)
    size = np.where(is_known, of_rest / power, 0.0)
    return size, size * np.sqrt(power), slope - size * moment / square


def _moves(counts: FloatArray, means: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return how far levels moved elsewhere, at least, and to each batch but the first, at most: by an error.

    The batches right before and after are left out: half of one may lie behind the step. Two moves in a row up to the
    newest batch may be that, or the beginning of a slope: the next batch will tell.

    Returns:
        (k - 1, C) each.
    """
    error = np.sqrt(1.0 / np.maximum(counts[1:], 1.0) + 1.0 / np.maximum(counts[:-1], 1.0))
    moves = np.where((counts[1:] > 0.0) & (counts[:-1] > 0.0), np.abs(means[1:] - means[:-1]), 0.0)
    least = np.maximum(moves - error, 0.0)
    before, after = np.maximum.accumulate(least, axis=0), np.maximum.accumulate(least[::-1], axis=0)[::-1]
    moved = np.zeros_like(least)
    moved[2:] = before[:-2]
    moved[:-2] = np.maximum(moved[:-2], after[2:])
    wide = np.maximum.reduce(means, axis=0) - np.minimum.reduce(means, axis=0)
    wide -= _SLACK * np.maximum.reduce(error, axis=0)
    jump = np.abs(means[1:] - means[:-1])
    over = np.abs(means[2:] - means[:-2])
    jump[1:], jump[:-1] = np.maximum(jump[1:], over), np.maximum(jump[:-1], over)
    moved = np.where(jump >= _MOST_OF_IT * wide, moved, np.inf)
    last = moves[-2:]
    is_going_on = np.minimum.reduce(last, axis=0) > 0.5 * np.maximum.reduce(last, axis=0)
    moved[-2:] = np.where(is_going_on, np.inf, moved[-2:])
    return moved, moves + error


def _sum(columns: FloatArray) -> FloatArray:
    """Add rows up one after the other: the same everywhere."""
    total: FloatArray = np.add.accumulate(columns, axis=0)[-1]
    return total


def _after(columns: FloatArray) -> FloatArray:
    """Return the sums of the last k - 1, k - 2, ... 1 rows."""
    sums: FloatArray = np.add.accumulate(columns[::-1], axis=0)[::-1][1:]
    return sums
