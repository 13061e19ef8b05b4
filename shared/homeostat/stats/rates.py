"""Bets against "the rate is no higher than it was": evidence from errors, row by row or batch by batch."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from homeostat.stats.martingales import EPOCH, FADING, HEAD_START
from homeostat.stats.portable import exp, log

_ODDS: Final = (1.35, 2.0, 4.0, 12.0)
"""Alternatives: what the odds of an error are multiplied by."""

_MOST: Final = 1e250
_MOST_LOG: Final = 300.0
_LEAST_RATE: Final = 0.005
_STEPS: Final = 2048.0
"""A rate is rounded up to one of so many, which costs no guarantee and saves logarithms."""


@dataclass(slots=True)
class RateEvidence:
    """Shiryaev-Roberts statistic and e-value against "the mean of what comes is at most the rate".

    The rate may differ from batch to batch, if it is named before the batch is seen. A bet is exp(b x) / (1 - rate +
    rate exp(b)) a row, the likelihood ratio of higher odds; on [0, 1] it lies below its chord, so its mean is at most 1
    for fractions too, while their mean is at most the rate. A rate that was estimated is not known: what its rows leave
    open of it is in the denominator (to the second order of the predictive distribution, as in `TiltedMartingales`),
    if all rows since are part of it by then. Without that a stretch that began luckily would be an alarm for certain in
    the end, or its rate would need a margin that small rises hide behind.

    What the statistic and the e-value are and promise is said at `TiltedMartingales`.

    Source: betting on a bounded mean (Waudby-Smith and Ramdas 2024), e-detectors (Shin, Ramdas and Rinaldo 2022).

    Attributes:
        rows: Seen.
        detector: One statistic per bet.
    """

    rows: float = 0.0
    detector: list[float] = field(default_factory=lambda: [HEAD_START] * len(_ODDS))

    def update(self, total: float, n: int, rate: float, known: float) -> None:
        """Take a batch in.

        Args:
            total: Sum of n values in [0, 1].
            n: >= 1.
            rate: In [0, 1); below .005 it counts as that.
            known: Rows that the rate was estimated from, > 0; infinite for one that is given.
        """
        m = _rounded(rate)
        open_rate = 0.5 * n * n * m * (1.0 - m) / known
        for i, (bet, normaliser, slope) in enumerate(_bets(m)):
            log_e = total * bet - n * normaliser - open_rate * slope
            self.detector[i] = min((self.detector[i] + n) * exp(min(log_e, _MOST_LOG)), _MOST)
        self.rows += n

    def statistic(self) -> float:
        """Return the Shiryaev-Roberts statistic."""
        total = 0.0
        for value in self.detector:
            total += value
        return total / len(self.detector)

    def e_value(self) -> float:
        """Return the e-value, > 0."""
        return (self.statistic() + max(EPOCH - HEAD_START - self.rows, 0.0)) / EPOCH


def _rounded(rate: float) -> float:
    return min(float(int(max(rate, _LEAST_RATE) * _STEPS) + 1), _STEPS) / _STEPS


@lru_cache(maxsize=4096)
def _bets(rate: float) -> tuple[tuple[float, float, float], ...]:
    """Return of each bet: what a value is multiplied by, the normaliser of a row, its squared slope in the rate."""
    found = []
    for odds in _ODDS:
        scale = 1.0 + rate * (odds - 1.0)
        slope = (odds - 1.0) / scale
        found.append((log(odds), log(scale) + FADING, slope * slope))
    return tuple(found)
