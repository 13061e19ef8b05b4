"""Bayesian logistic regression in one pass, whose every bit is determined by the order of observations."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from homeostat.stats.portable import FloatArray, exp, fixed_dot

_PROBIT_GAP: Final = 0.39269908169872414
"""pi / 8: a logistic curve averaged over a normal of variance v is one of slope 1 / sqrt(1 + v pi / 8)."""
_LEAST_CURVATURE: Final = 1e-3
"""A surprise at a near-certain prediction must still move the weights."""


def logistic(x: float) -> float:
    """Return 1 / (1 + exp(-x)), in [0, 1]."""
    return 1.0 / (1.0 + exp(-x)) if x >= 0.0 else 1.0 - 1.0 / (1.0 + exp(x))


def averaged(logit: float, variance: float) -> float:
    """Return the mean of `logistic` over log-odds ~ N(logit, variance), to about a hundredth."""
    return logistic(logit / float(np.sqrt(1.0 + _PROBIT_GAP * variance)))


@dataclass(slots=True, eq=False)
class BayesianLogistic:
    """Normal approximation N(mean, covariance) to the posterior of the weights of P(y = 1) = logistic(x·w).

    `observe` changes `mean` and `covariance` in place; the covariance stays symmetric to the bit. O(d^2) per call.

    Source: Spiegelhalter and Lauritzen 1990, section 4 (one Newton step per observation); MacKay 1992 for `predict`.

    Attributes:
        mean: (d,) float64.
        covariance: (d, d) float64, symmetric, positive semidefinite up to rounding.
    """

    mean: FloatArray
    covariance: FloatArray

    @classmethod
    def prior(cls, size: int, *, sd: float) -> "BayesianLogistic":
        """Return the state before any observation: weights ~ N(0, sd^2 I).

        Raises:
            ValueError: `size` is below 1 or `sd` not positive.
        """
        if size < 1 or not sd > 0.0:
            raise ValueError(f"a prior needs weights and a positive sd, got {size=}, {sd=}")
        return cls(np.zeros(size), np.eye(size) * (sd * sd))

    def observe(self, x: FloatArray, y: bool, *, weight: float = 1.0, offset: float = 0.0) -> None:
        """Condition on one outcome.

        Args:
            x: (d,) features.
            y: Outcome.
            weight: It counts as so many outcomes, > 0.
            offset: Log-odds that are added by something else.

        Raises:
            ValueError: A wrong shape or a number that is not finite; nothing was changed.
        """
        self._check(x)
        if not (np.isfinite(x).all() and np.isfinite(offset) and 0.0 < weight < np.inf):
            raise ValueError(f"observations are finite and weights positive, got x={x}, {weight=}, {offset=}")
        spread = self._spread(x)
        variance = fixed_dot(x, spread)
        probability = logistic(fixed_dot(x, self.mean) + offset)
        curvature = weight * max(probability * (1.0 - probability), _LEAST_CURVATURE)
        self.mean += spread * (weight * (float(y) - probability) / (1.0 + curvature * variance))
        self.covariance -= spread[:, None] * spread / (1.0 / curvature + variance)

    def logit(self, x: FloatArray) -> float:
        """Return the log-odds by the mean of the weights.

        Raises:
            ValueError: `x` is not (d,).
        """
        self._check(x)
        return fixed_dot(x, self.mean)

    def moments(self, x: FloatArray) -> tuple[float, float]:
        """Return mean and variance of the log-odds; the variance is >= 0.

        Raises:
            ValueError: `x` is not (d,).
        """
        self._check(x)
        return fixed_dot(x, self.mean), max(0.0, fixed_dot(x, self._spread(x)))

    def predict(self, x: FloatArray) -> float:
        """Return P(y = 1), averaged over the posterior.

        Raises:
            ValueError: `x` is not (d,).
        """
        return averaged(*self.moments(x))

    def _spread(self, x: FloatArray) -> FloatArray:
        # Whole rows are added one after the other: by symmetry the row sums from left to right, and many times faster.
        total: FloatArray = np.add.reduce(self.covariance * x[:, None], axis=0)
        return total

    def _check(self, x: FloatArray) -> None:
        if x.shape != self.mean.shape:
            raise ValueError(f"expected {self.mean.shape} features, got {x.shape}")
