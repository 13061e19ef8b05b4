"""How far off a prediction is: an interval that is as wide as such predictions were wrong."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from homeostat.stats.linear import BayesianLinear
from homeostat.stats.portable import FloatArray, fixed_dot

_WEIGHT_SD: Final = 2.0
_NOISE_SD: Final = 2.0
_FIRST_SIZE: Final = 2.0
_LEAST_SIZE: Final = 0.2
_MOST_SIZE: Final = 50.0
_TAIL: Final = 0.05
_STEP: Final = 0.02
"""Of the tracked ends, in units of the expected error."""
_FIRST_END: Final = 2.5


@dataclass(slots=True)
class ErrorScale:
    """Expected absolute error by circumstances, and the multiples of it that 90 % of the errors stay between.

    Source: adaptive conformal inference (Gibbs and Candes 2021) on errors divided by their expected size.

    Args:
        unit: Error that counts as 1: about a third of what is usual.
        size: Expected absolute error in units.
        lows: Lower end in expected errors, by kind of prediction.
        highs: Upper end, likewise.
    """

    unit: float
    size: BayesianLinear
    lows: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)

    @classmethod
    def initial(cls, n_circumstances: int, unit: float, *, n_kinds: int = 1) -> "ErrorScale":
        """Return the state before any error; the first circumstance is constant.

        Args:
            n_circumstances: Features of an error, >= 1.
            unit: Of errors, > 0.
            n_kinds: Kinds of outcome, each with an interval of its own.
        """
        mean = np.zeros(n_circumstances)
        mean[0] = _FIRST_SIZE
        return cls(
            unit,
            BayesianLinear.prior(mean, sd=_WEIGHT_SD, noise_sd=_NOISE_SD),
            [-_FIRST_END] * n_kinds,
            [_FIRST_END] * n_kinds,
        )

    def expected(self, about: FloatArray) -> float:
        """Return the absolute error expected, in the unit of the error."""
        return self.unit * max(_LEAST_SIZE, fixed_dot(about, self.size.mean))

    def interval(self, about: FloatArray, kind: int = 0) -> tuple[float, float]:
        """Return the ends that outcome minus prediction lies between with probability 0.9."""
        expected = self.expected(about)
        return self.lows[kind] * expected, self.highs[kind] * expected

    def update(self, about: FloatArray, error: float, kind: int = 0) -> None:
        """Learn from an error: outcome minus prediction.

        Args:
            about: (n_circumstances,).
            error: Outcome minus prediction.
            kind: Index, < n_kinds.
        """
        ratio = error / self.expected(about)
        self.lows[kind] += _STEP * (_TAIL - (ratio < self.lows[kind]))
        self.highs[kind] -= _STEP * (_TAIL - (ratio > self.highs[kind]))
        self.size.observe(about, min(_MOST_SIZE, abs(error) / self.unit))
