"""Where a value lies among reference values, as a number that is standard normal while nothing has moved."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from homeostat.stats.portable import FloatArray, normal_quantile

N_CHANNELS = 2
"""Of each column: where it lies (location), and how far from the middle (spread)."""


N_BINS = 10


@lru_cache(maxsize=4096)
def score_table(m: int) -> FloatArray:
    """Return the scores of a new value by how many of `m` reference values are below it, twice (ties count once).

    Args:
        m: Reference values, >= 1.

    Returns:
        (2, 2 m + 1), read only: the normal quantile of the mid-rank p-value, and that of its distance from one half.
        A value below all has index 0, one above all 2 m, one equal to the i-th of distinct values 2 i + 1.

    Source: van der Waerden scores; smoothed conformal p-values with the tie broken in the middle (Vovk et al. 2005).
    """
    p = (0.5 * np.arange(2.0 * m + 1.0) + 0.5) / (m + 1.0)
    far = np.maximum(np.abs(p + p - 1.0), 0.5 / (m + 1.0))
    table = np.stack((normal_quantile(p), normal_quantile(far)))
    table.flags.writeable = False
    return table


def double_ranks(reference: npt.NDArray[np.float32], x: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """Return how many reference values are below each value, plus how many are not above it.

    Args:
        reference: (m,) sorted, m >= 1.
        x: (n,).
    """
    below = reference.searchsorted(x)
    if (reference.take(below, mode="clip") == x).any():
        return below + reference.searchsorted(x, side="right")
    return below + below


def column_ranks(reference: npt.NDArray[np.float32], values: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """Return the double ranks of (d, n) values in (d, m) references, each row sorted and known."""
    d, m = reference.shape
    ranks = np.empty(values.shape, np.intp)
    for column in range(d):
        ranks[column] = reference[column].searchsorted(values[column])
    # Past a column's last value this reads its neighbour's first; if that is equal, the second search is idle.
    at = ranks + (np.arange(d) * m)[:, None]
    has_ties = (reference.ravel().take(at, mode="clip") == values).any(axis=1)
    upper = ranks.copy()
    for column in np.flatnonzero(has_ties).tolist():
        upper[column] = reference[column].searchsorted(values[column], side="right")
    ranks += upper
    return ranks


def count_tenths(ranks: npt.NDArray[np.intp], m: int, columns: npt.NDArray[np.intp], d: int) -> FloatArray:
    """Count double ranks among m values by tenth, (d, 10); a row of `ranks` for each of `columns`, of d in all."""
    bins = ranks * N_BINS // (2 * m + 1) + (columns * N_BINS)[:, None]
    return np.bincount(bins.ravel(), minlength=N_BINS * d).reshape(d, N_BINS).astype(np.float64)
