"""Numbers that describe a task or a configuration, on one scale, whoever named them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from homeostat.events.base import Scalar
from homeostat.stats.portable import FloatArray, log1p

N_NAMES: Final = 12
"""Descriptors used: the first ones heard of."""
SIZE: Final = 2 * N_NAMES
_LIMIT: Final = 3.0


@dataclass(slots=True)
class Descriptors:
    """Running mean and spread of each descriptor's logarithm (of its size, with its sign).

    Args:
        names: In the order of the columns.
        counts: (N_NAMES,) values seen.
        means: Their means.
        variances: Their mean squared distances.
    """

    names: list[str] = field(default_factory=list)
    counts: FloatArray = field(default_factory=lambda: np.zeros(N_NAMES))
    means: FloatArray = field(default_factory=lambda: np.zeros(N_NAMES))
    variances: FloatArray = field(default_factory=lambda: np.ones(N_NAMES))

    def columns(self, values: Mapping[str, Scalar]) -> FloatArray:
        """Return (SIZE,) standardised values and their squares; what is missing is 0."""
        found = np.zeros(SIZE)
        for column, name in enumerate(self.names):
            number = _number(values.get(name))
            if number is not None:
                sd = float(np.sqrt(self.variances[column]))
                scaled = max(-_LIMIT, min(_LIMIT, (number - float(self.means[column])) / sd))
                found[column], found[N_NAMES + column] = scaled, scaled * scaled - 1.0
        return found

    def update(self, values: Mapping[str, Scalar]) -> None:
        """Take the scale of these values in; names that come first get a column."""
        for name in sorted(values):
            number = _number(values[name])
            if number is None:
                continue
            if name not in self.names:
                if len(self.names) == N_NAMES:
                    continue
                self.names.append(name)
            column = self.names.index(name)
            n = float(self.counts[column])
            error = number - float(self.means[column])
            self.means[column] += error / (n + 1.0)
            self.variances[column] += (error * error * n / (n + 1.0) - self.variances[column]) / (n + 2.0)
            self.counts[column] = n + 1.0


def _number(value: Scalar | None) -> float | None:
    """Return the sign and logarithm of a number in one; None for a text, nothing or no finite number."""
    if value is None or isinstance(value, str):
        return None
    number = float(value)
    if number - number != 0.0:
        return None
    return log1p(number) if number >= 0.0 else -log1p(-number)
