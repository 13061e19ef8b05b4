"""Where a value lies among reference values, as a number that is standard normal while nothing has moved."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from homeostat.stats.portable import FloatArray, fixed_sum, normal_quantile

N_CHANNELS = 2
"""Of each column: where it lies (location), and how far from the middle (spread)."""


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
    if np.logical_or.reduce(reference.take(below, mode="clip") == x):
        return below + reference.searchsorted(x, side="right")
    return below + below


def column_ranks(reference: npt.NDArray[np.float32], values: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """Return the double ranks of (d, n) values in (d, m) references, each row sorted and known."""
    ranks = np.empty(values.shape, np.intp)
    for column, known, row in zip(ranks, reference, values, strict=True):
        column[:] = double_ranks(known, row)
    return ranks


def score_of_shift(reference: npt.NDArray[np.float32], shift: float) -> float:
    """Return the mean location score of (m,) sorted reference values that moved by `shift` of their deviations."""
    m, values = reference.size, reference.astype(np.float64)
    centred = values - fixed_sum(values) / m
    deviation = float(np.sqrt(fixed_sum(centred * centred) / m))
    ranks = double_ranks(reference, (values + shift * deviation).astype(np.float32))
    return fixed_sum(score_table(m)[0, ranks]) / m
