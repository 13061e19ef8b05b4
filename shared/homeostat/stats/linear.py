"""Bayesian linear regression whose every bit is determined by the order of observations."""

from dataclasses import dataclass

import numpy as np

from homeostat.stats.cholesky import factorise
from homeostat.stats.keyed_rng import Draws
from homeostat.stats.portable import FloatArray, fixed_dot, fixed_row_sums


@dataclass(slots=True, eq=False)
class BayesianLinear:
    """Posterior N(mean, covariance) of the weights of y = x·w + noise, noise ~ N(0, noise_sd^2).

    `observe` changes `mean` and `covariance` in place; the covariance stays symmetric to the bit. Without BLAS or
    LAPACK: these choose their order of summation by processor. Cost O(d^2) per observation, O(d^3 + n d^2) for n
    samples; ask for many samples in one call.

    Source: Bishop 2006, 3.3, updated by the Sherman-Morrison formula.

    Attributes:
        mean: (d,) float64.
        covariance: (d, d) float64, symmetric, positive semidefinite up to rounding.
        noise_sd: Standard deviation of one observation of weight 1, > 0.
    """

    mean: FloatArray
    covariance: FloatArray
    noise_sd: float

    @classmethod
    def prior(cls, mean: FloatArray, *, sd: float, noise_sd: float) -> "BayesianLinear":
        """Return the state before any observation: weights ~ N(mean, sd^2 I).

        Args:
            mean: (d,), d >= 1; copied.
            sd: Standard deviation of each weight, > 0.
            noise_sd: Standard deviation of one observation, > 0.

        Raises:
            ValueError: A wrong shape, or a setting that is not positive.
        """
        if mean.ndim != 1 or not mean.size or not sd > 0.0 or not noise_sd > 0.0:
            raise ValueError(f"a prior needs a vector and positive sds, got {mean.shape}, {sd=}, {noise_sd=}")
        return cls(mean.astype(np.float64), np.eye(mean.size) * (sd * sd), noise_sd)

    def observe(self, x: FloatArray, y: float, weight: float = 1.0) -> None:
        """Condition on one observation.

        Args:
            x: (d,) features.
            y: Outcome.
            weight: The observation has variance noise_sd^2 / weight; > 0.

        Raises:
            ValueError: A wrong shape or a number that is not finite; nothing was changed.
        """
        self._check(x)
        if not (np.isfinite(x).all() and np.isfinite(y) and 0.0 < weight < np.inf):
            raise ValueError(f"observations are finite and weights positive, got x={x}, {y=}, {weight=}")
        spread = _times(self.covariance, x)
        variance = fixed_dot(x, spread) + self.noise_sd * self.noise_sd / weight
        self.mean += spread * ((y - fixed_dot(x, self.mean)) / variance)
        self.covariance -= spread[:, None] * spread / variance

    def predict(self, x: FloatArray) -> tuple[float, float]:
        """Return mean and variance of x·w; the variance excludes the noise of a single observation and is >= 0.

        Raises:
            ValueError: `x` is not (d,).
        """
        self._check(x)
        return fixed_dot(x, self.mean), max(0.0, fixed_dot(x, _times(self.covariance, x)))

    def sample(self, draws: Draws) -> FloatArray:
        """Return one (d,) draw of the weights; uses up d normal numbers."""
        weights: FloatArray = self.samples(draws, 1)[0]
        return weights

    def samples(self, draws: Draws, n: int) -> FloatArray:
        """Return n draws of the weights, (n, d), the same as n calls of `sample` on the same state."""
        root = factorise(self.covariance)
        normals = draws.normal(n * self.mean.size).reshape(n, 1, self.mean.size)
        return self.mean + fixed_row_sums(normals * root)

    def _check(self, x: FloatArray) -> None:
        if x.shape != self.mean.shape:
            raise ValueError(f"expected {self.mean.shape} features, got {x.shape}")


def _times(symmetric: FloatArray, x: FloatArray) -> FloatArray:
    """Return the product with a symmetric matrix: row after row is added, which is fast and one fixed order."""
    product: FloatArray = np.add.reduce(symmetric * x[:, None], axis=0)
    return product
