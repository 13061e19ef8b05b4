"""Bets against "the rate is no higher than this": evidence from errors, row by row or batch by batch."""

from dataclasses import dataclass, field
from typing import Final

from homeostat.stats.portable import exp, log

_BETS: Final = (0.05, 0.12, 0.3, 0.6)
"""Alternatives, as shares of the way from the level to 1."""

_DOWN: Final = tuple(log(1.0 - share) for share in _BETS)
_MOST: Final = 1e250
_AT_START: Final = 0.5
_HALF_LIFE_ROWS: Final = 1000.0
_LEAST_LEVEL: Final = 0.005


@dataclass(slots=True)
class RateEvidence:
    """Shiryaev-Roberts statistic and e-process against "the mean of what comes is at most the level".

    The level may differ from batch to batch, if it is named before the batch is seen. Each bet is the likelihood ratio
    of a higher rate; for values inside [0, 1] it is a lower bound of the bet on their mean, so the guarantees hold for
    them. The statistic first reaches c after c rows or more in the mean, while the rate is at most the level; the
    e-value is at most 1 in the mean at any time that is chosen while looking.

    Source: betting on a bounded mean (Waudby-Smith and Ramdas 2024), e-detectors (Shin, Ramdas and Rinaldo 2022).

    Attributes:
        rows: Seen.
        detector: One statistic per bet.
        process: One e-process per bet, what is invested in it.
    """

    rows: float = 0.0
    detector: list[float] = field(default_factory=lambda: [0.0] * len(_BETS))
    process: list[float] = field(default_factory=lambda: [0.0] * len(_BETS))

    def update(self, total: float, n: int, level: float) -> None:
        """Take a batch in.

        Args:
            total: Sum of n values in [0, 1].
            n: >= 1.
            level: In [0, 1); below .005 it counts as that.
        """
        m = max(level, _LEAST_LEVEL)
        after = self.rows + n
        news = _kept(self.rows) - _kept(after)
        for i, share in enumerate(_BETS):
            up = log((m + (1.0 - m) * share) / m)
            e = exp(min(total * up + (n - total) * _DOWN[i], 500.0))
            self.detector[i] = min((self.detector[i] + n) * e, _MOST)
            self.process[i] = min((self.process[i] + news) * e, _MOST)
        self.rows = after

    def statistic(self) -> float:
        """Return the Shiryaev-Roberts statistic."""
        return _mean(self.detector)

    def e_value(self) -> float:
        """Return the e-value, > 0."""
        return _mean(self.process) + _kept(self.rows)


def _mean(values: list[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def _kept(rows: float) -> float:
    return (0.0 if rows > 0.0 else _AT_START) + (1.0 - _AT_START) * _HALF_LIFE_ROWS / (_HALF_LIFE_ROWS + rows)
