"""Windows whose rows say little: values missing, rows that repeat, noise. Nothing is learned or adapted there."""

from dataclasses import dataclass, field
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.services.drift_detector.reference import Floats
from homeostat.stats.exchangeability import UNKNOWN_FROM, Float32s

_NOISY_SHARE: Final = 0.2
"""Of the values or rows of a block, beyond what is usual; of the rows since an onset."""

_BLOCK_ROWS: Final = 50
_DEVIATIONS: Final = 4.0

_HARDLY_EVER: Final = 0.01
"""Usual share of repeated rows above which a repetition says nothing: the features have few values."""

_FAR: Final = 2.0
"""Steps from row to row beyond so many times the widest of the reference are no steps of the same process."""

_HALF: Final = 0.5
"""Share of known values of a block below which a feature has stopped coming."""

_LONGEST_ROWS: Final = 1000
"""What lasts longer is no noise: it is how things are now, and the detectors and the learner shall see it."""

_N_WINDOWS: Final = 32


@dataclass(slots=True)
class Window:
    """Rows that were looked at together.

    Args:
        batch: Bucket it ended with.
        n_rows: Its rows.
        is_noisy: Whether they say little.
    """

    batch: int
    n_rows: int
    is_noisy: bool


@dataclass(slots=True)
class Quality:
    """What the rows of a champion are usually like, and which of the last windows were not.

    A shift is no noise: only steps between neighbouring rows are looked at, and a level that has moved makes one of
    them. The limits are so wide that windows without noise do not come near them, whatever the distribution; so leaving
    noisy ones out of the bets costs the guarantee nothing.

    Attributes:
        n_rows: Rows that say what is usual.
        missing: Unknown values among them.
        repeated: Rows among them that repeat the one before.
        steps: (d,) widest step from row to row among them.
        noisy_rows: Rows of the noise that lasts.
        windows: The last ones, oldest first.
    """

    n_rows: int = 0
    missing: int = 0
    repeated: int = 0
    steps: Floats = field(default_factory=lambda: np.zeros(1))
    noisy_rows: int = 0
    windows: list[Window] = field(default_factory=list)


def start_quality(n_features: int) -> Quality:
    """Return what is known before any row."""
    return Quality(steps=np.zeros(n_features))


def is_noise(quality: Quality, values: Float32s, batch: int, *, reference_rows: int) -> bool:
    """Take a window in; say whether it is to be left out.

    Args:
        quality: Changed.
        values: (d, n) features.
        batch: Bucket it ends with.
        reference_rows: Rows that say what is usual.
    """
    n = values.shape[1]
    if not values.size:
        return False
    if quality.n_rows < reference_rows:
        missing, is_repeated, steps = _measured(values)
        quality.n_rows += n
        quality.missing += int(np.add.accumulate(missing)[-1]) if missing.size else 0
        quality.repeated += int(np.count_nonzero(is_repeated))
        if steps.shape[1]:
            quality.steps = np.fmax(quality.steps, np.fmax.reduce(steps, axis=1))
        is_noisy = False
    else:
        is_noisy = _is_noisy(quality, values)
    quality.noisy_rows = quality.noisy_rows + n if is_noisy else 0
    quality.windows.append(Window(batch, n, is_noisy))
    if len(quality.windows) > _N_WINDOWS:
        del quality.windows[0]
    if quality.noisy_rows > _LONGEST_ROWS:
        for window in quality.windows:
            window.is_noisy = False
        quality.n_rows, quality.missing, quality.repeated, quality.noisy_rows = 0, 0, 0, 0
        quality.steps = np.zeros(quality.steps.size)
        return False
    return is_noisy


def is_noisy_since(quality: Quality, batch: int, pending: list[Float32s], *, reference_rows: int) -> bool:
    """Say whether so many rows since a bucket say little that nothing should be concluded from them.

    Args:
        quality: Not changed.
        batch: The bucket.
        pending: (d, n) features each, of rows that have not been taken in yet.
        reference_rows: Rows that say what is usual.
    """
    noisy = rows = 0
    for window in quality.windows:
        if window.batch >= batch:
            rows, noisy = rows + window.n_rows, noisy + window.n_rows * window.is_noisy
    if pending and quality.n_rows >= reference_rows:
        values = np.concatenate(pending, axis=1)
        n = values.shape[1]
        rows, noisy = rows + n, noisy + n * _is_noisy(quality, values)
    return noisy > _NOISY_SHARE * rows


def _is_noisy(quality: Quality, values: Float32s) -> bool:
    """Say whether any fifty rows in a row say little: a window may begin before the noise."""
    usual = quality.n_rows
    limit = _FAR * quality.steps
    if _is_plain(values, limit):
        return False
    is_there = _are_there(values)
    if not is_there.all():
        values, limit = values[is_there], limit[is_there]  # what stops coming is an outage: no noise of the others
        if not len(values):
            return False
    # A feature that never moved has no usual step: one that begins to move has shifted.
    limit[limit == 0.0] = np.inf
    missing, is_repeated, steps = _measured(values)
    if missing.size:
        share = quality.missing / (usual * quality.steps.size)
        most = share + _NOISY_SHARE + _DEVIATIONS * sqrt(share * (1.0 - share) / _BLOCK_ROWS)
        if _most(missing / len(values)) > most:
            return True
    if quality.repeated <= _HARDLY_EVER * usual and _most(is_repeated) > _NOISY_SHARE:
        return True
    return _most(np.logical_or.reduce(steps > limit[:, None], axis=0)) > _NOISY_SHARE


def _is_plain(values: Float32s, limit: Floats) -> bool:
    """Say at a glance, as of most windows, that all is known, no step can be wide and the first feature rarely repeats.

    No step is wider than the whole range.
    """
    first, highest = values[0], np.maximum.reduce(values, axis=1)
    if np.count_nonzero(highest <= np.minimum.reduce(values, axis=1) + limit) < limit.size:
        return False  # NaN too
    n_repeated = int(np.count_nonzero(first[1:] == first[:-1]))
    return bool(n_repeated <= _NOISY_SHARE * min(first.size, _BLOCK_ROWS))


def _are_there(values: Float32s) -> NDArray[np.bool_]:
    """Return the features, (d,), that are known in half of the rows of each block."""
    starts = _starts(values.shape[1])
    known = np.add.reduceat((np.abs(values) < UNKNOWN_FROM).astype(np.float64), starts, axis=1)
    are_there = np.minimum.reduce(known / np.diff(starts, append=values.shape[1]), axis=1)
    return np.asarray(are_there >= _HALF)


def _starts(n: int) -> NDArray[np.intp]:
    """Return where the blocks of n rows begin."""
    starts: NDArray[np.intp] = np.arange(max(n // _BLOCK_ROWS, 1)) * _BLOCK_ROWS
    return starts


def _most(of_rows: NDArray[np.bool_] | Floats) -> float:
    """Return the largest mean over a block of rows."""
    if np.count_nonzero(of_rows) <= _NOISY_SHARE * min(of_rows.size, _BLOCK_ROWS):
        return 0.0  # not enough for any of them
    starts = _starts(of_rows.size)
    sums = np.add.reduceat(of_rows.astype(np.float64), starts)
    return float(np.maximum.reduce(sums / np.diff(starts, append=of_rows.size)))


def _measured(values: Float32s) -> tuple[Floats, NDArray[np.bool_], Float32s]:
    """Measure rows.

    Returns:
        Unknown values of each row, (n,), empty if there are none; whether each row but the first repeats the one
        before; steps from row to row, (d, n - 1), NaN if unknown.
    """
    is_known, missing = np.abs(values) < UNKNOWN_FROM, np.zeros(0)
    if not is_known.all():
        missing = len(values) - np.add.reduce(is_known, axis=0, dtype=np.float64)
        values = np.where(is_known, values, np.float32(np.nan))
    steps = np.abs(values[:, 1:] - values[:, :-1])
    return missing, np.fmax.reduce(steps, axis=0) == 0.0, steps
