"""What the bucket means of a model look like while nothing drifts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# A constant column has no spread: any move counts, rounding does not.
_LEAST_SPREAD = 1e-6


@dataclass(slots=True)
class Reference:
    """Mean and spread per column of the first buckets after a reset (Welford's sums).

    Args:
        mean: (d + 1,): the features, then the score.
        squares: Sums of squared deviations, (d + 1,).
        n: Buckets learned from.
    """

    mean: Floats
    squares: Floats
    n: int = 0

    def learn(self, means: Floats) -> None:
        """Take one bucket in."""
        self.n += 1
        difference = means - self.mean
        self.mean = self.mean + difference / self.n
        self.squares = self.squares + difference * (means - self.mean)

    def deviations(self, means: Floats) -> Floats:
        """Return how many standard deviations of a bucket mean each column lies off; 0 before two buckets."""
        if self.n < 2:
            return np.zeros_like(means)
        spread = np.sqrt(self.squares / (self.n - 1))
        least = _LEAST_SPREAD * (np.abs(self.mean) + _LEAST_SPREAD)
        return (means - self.mean) / np.maximum(spread, least)


def empty_reference(width: int) -> Reference:
    """Return a reference over `width` columns that has seen nothing."""
    return Reference(np.zeros(width), np.zeros(width))
