"""How much more one configuration gains than another on the same task, over the tasks of both."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.portable import fixed_sum

Floats = NDArray[np.float64]

STEPS: Final = (2, 4)
"""Growths that are learned from, in half-octaves: twice and four times the rows."""
N_LINES: Final = 49
"""ConfigurationAdvisor with a line of their own; all later ones share line 0."""
_FIRST_VARIANCE: Final = 0.03 * 0.03
_FIRST_COUNT: Final = 5.0
"""Outcomes that the first guess (no difference, that variance) is worth."""
_LEAST_VARIANCE: Final = 1e-5


def _table(value: float) -> Floats:
    return np.full((len(STEPS), N_LINES, N_LINES), value)


@dataclass(slots=True)
class PairwiseGains:
    """Difference of gains between configurations.

    Args:
        lines: Line of a configuration in the tables.
        means: (steps, lines, lines) gain of the first minus that of the second.
        variances: Mean squared distance from `means`.
        counts: Outcomes seen.
    """

    lines: dict[str, int] = field(default_factory=dict)
    means: Floats = field(default_factory=lambda: _table(0.0))
    variances: Floats = field(default_factory=lambda: _table(_FIRST_VARIANCE))
    counts: Floats = field(default_factory=lambda: _table(0.0))

    def line(self, configuration: str) -> int:
        """Line of a configuration."""
        return self.lines.get(configuration, 0)

    def name(self, configuration: str) -> int:
        """Line of a configuration; it gets one if there is one left."""
        if configuration not in self.lines and len(self.lines) < N_LINES - 1:
            self.lines[configuration] = len(self.lines) + 1
        return self.line(configuration)

    def expect(self, step: int, line: int, others: NDArray[np.int64], gains: Floats) -> tuple[float, float]:
        """Return a configuration's gain as its neighbours' gains tell it, and its standard deviation.

        Args:
            step: Index into `STEPS`.
            line: Of the configuration.
            others: (n,) lines of the others, n >= 1.
            gains: (n,) their gains for the same growth on the same task.
        """
        weights = 1.0 / (self.variances[step, line, others] + _LEAST_VARIANCE)
        total = fixed_sum(weights)
        return fixed_sum(weights * (gains + self.means[step, line, others])) / total, float(np.sqrt(1.0 / total))

    def update(self, step: int, line: int, gain: float, others: NDArray[np.int64], gains: Floats) -> None:
        """Learn from a gain beside those of others; `others` holds each line once.

        Args:
            step: Index of the numbers of rows between which it was gained.
            line: Index of the curve.
            gain: Of it.
            others: Indices of other curves, each once.
            gains: Of them, same length.
        """
        self._move(step, line, others, gain - gains)
        self._move(step, others, line, gains - gain)

    def _move(self, step: int, of: int | NDArray[np.int64], to: int | NDArray[np.int64], differences: Floats) -> None:
        counts = self.counts[step, of, to]
        rates = 1.0 / (counts + _FIRST_COUNT)
        errors = differences - self.means[step, of, to]
        variances = self.variances[step, of, to]
        self.means[step, of, to] += rates * errors
        self.variances[step, of, to] = variances + rates * (errors * errors - variances)
        self.counts[step, of, to] = counts + 1.0
