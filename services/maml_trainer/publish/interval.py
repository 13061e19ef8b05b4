"""The interval of a mean paired difference over tasks."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Mean of `a - b` over n tasks, with its two-sided confidence limits."""

    mean: float
    low: float
    high: float
    n: int


def paired_difference(a: NDArray[np.float64], b: NDArray[np.float64], *, confidence: float = 0.95) -> PairedDifference:
    """Estimate the mean of `a - b` by the normal approximation.

    Pairing removes what makes a task hard for both. The approximation is too narrow for few tasks:
    at n = 10 the nominal 2.5 % above `high` is 4 %.

    Args:
        a: One number per task (n,), n >= 2.
        b: The same tasks in the same order (n,).
        confidence: In (0, 1), two-sided.
    """
    if a.shape != b.shape or a.ndim != 1 or len(a) < 2:
        raise ValueError(f"two equal vectors of length >= 2 are needed, got {a.shape} and {b.shape}")
    difference = a - b
    mean = float(difference.mean())
    half = NormalDist().inv_cdf((1 + confidence) / 2) * float(difference.std(ddof=1)) / len(difference) ** 0.5
    return PairedDifference(mean, mean - half, mean + half, len(difference))
