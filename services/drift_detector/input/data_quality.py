"""Windows whose rows say little: values missing, rows that repeat, noise. Nothing is learned or adapted there."""

from dataclasses import dataclass, field
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.exchangeability import UNKNOWN_FROM, Float32s
from homeostat.stats.portable import FloatArray

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
        bucket: Number of the input bucket that it ended with.
        n_rows: Its rows.
        is_noisy: Whether they say little.
    """

    bucket: int
    n_rows: int
    is_noisy: bool


@dataclass(slots=True)
class DataQuality:
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
    steps: FloatArray = field(default_factory=lambda: np.zeros(1))
    noisy_rows: int = 0
    windows: list[Window] = field(default_factory=list)

    @classmethod
    def initial(cls, n_features: int) -> "DataQuality":
        """Return what is known before any row."""
        return cls(steps=np.zeros(n_features))

    def is_unreliable(self, values: Float32s, bucket: int, *, reference_rows: int) -> bool:
        """Take a window in; say whether it is to be left out.

        Args:
            values: (d, n) features.
            bucket: Bucket it ends with.
            reference_rows: Rows that say what is usual.
        """
        n = values.shape[1]
        if not values.size:
            return False
        if self.n_rows < reference_rows:
            missing, is_repeated, steps = _measured(values)
            self.n_rows += n
            self.missing += int(np.add.accumulate(missing)[-1]) if missing.size else 0
            self.repeated += int(np.count_nonzero(is_repeated))
            if steps.shape[1]:
                self.steps = np.fmax(self.steps, np.fmax.reduce(steps, axis=1))
            is_noisy = False
        else:
            is_noisy = self._is_noisy(values)
        self.noisy_rows = self.noisy_rows + n if is_noisy else 0
        self.windows.append(Window(bucket, n, is_noisy))
        if len(self.windows) > _N_WINDOWS:
            del self.windows[0]
        if self.noisy_rows > _LONGEST_ROWS:
            for window in self.windows:
                window.is_noisy = False
            self.n_rows, self.missing, self.repeated, self.noisy_rows = 0, 0, 0, 0
            self.steps = np.zeros(self.steps.size)
            return False
        return is_noisy

    def is_unreliable_since(self, bucket: int, pending: list[Float32s], *, reference_rows: int) -> bool:
        """Say whether so many rows since a bucket say little that nothing should be concluded from them.

        Args:
            bucket: The bucket.
            pending: (d, n) features each, of rows that have not been taken in yet.
            reference_rows: Rows that say what is usual.
        """
        noisy = rows = 0
        for window in self.windows:
            if window.bucket >= bucket:
                rows, noisy = rows + window.n_rows, noisy + window.n_rows * window.is_noisy
        if pending and self.n_rows >= reference_rows:
            values = np.concatenate(pending, axis=1)
            n = values.shape[1]
            rows, noisy = rows + n, noisy + n * self._is_noisy(values)
        return noisy > _NOISY_SHARE * rows

    def _is_noisy(self, values: Float32s) -> bool:
        """Say whether any fifty rows in a row say little: a window may begin before the noise."""
        usual = self.n_rows
        limit = _FAR * self.steps
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
            share = self.missing / (usual * self.steps.size)
            most = share + _NOISY_SHARE + _DEVIATIONS * sqrt(share * (1.0 - share) / _BLOCK_ROWS)
            if _most(missing / len(values)) > most:
                return True
        if self.repeated <= _HARDLY_EVER * usual and _most(is_repeated) > _NOISY_SHARE:
            return True
        return _most(np.logical_or.reduce(steps > limit[:, None], axis=0)) > _NOISY_SHARE


def _is_plain(values: Float32s, limit: FloatArray) -> bool:
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


def _most(of_rows: NDArray[np.bool_] | FloatArray) -> float:
    """Return the largest mean over a block of rows."""
    if np.count_nonzero(of_rows) <= _NOISY_SHARE * min(of_rows.size, _BLOCK_ROWS):
        return 0.0  # not enough for any of them
    starts = _starts(of_rows.size)
    sums = np.add.reduceat(of_rows.astype(np.float64), starts)
    return float(np.maximum.reduce(sums / np.diff(starts, append=of_rows.size)))


def _measured(values: Float32s) -> tuple[FloatArray, NDArray[np.bool_], Float32s]:
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
