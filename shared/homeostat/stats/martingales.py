"""Bets against "nothing moves", for many columns side by side: evidence that may be looked at after every batch."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from homeostat.stats.portable import INV_LN2, FloatArray, exp, fixed_row_sums, log

BETS: Final = (0.2, -0.2, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0)
"""Shifts of a score, in its standard deviations, that the evidence is a mixture of."""

_WEIGHTS: Final = (0.3, 0.3, 0.12, 0.12, 0.05, 0.05, 0.03, 0.03)
"""Small shifts need the most evidence, so most is put on them; what a large one loses it has back in a few rows."""

_SHIFTS: Final = np.asarray(BETS)
_SQUARES: Final = _SHIFTS * _SHIFTS
_SHARES: Final = np.asarray(_WEIGHTS)
_MOST: Final = 1e250
_MOST_LOG: Final = 300.0

_AT_START: Final = 0.5
_HALF_LIFE_ROWS: Final = 1000.0
_LATER: Final = (1.0 - _AT_START) * _HALF_LIFE_ROWS
"""Prior of when a change comes: half on the first row, the rest spread as 1 / (1 + rows / 1000)^2."""


@dataclass(slots=True, eq=False)
class TiltedMartingales:
    """Evidence on each of C channels that its scores have shifted since the reference.

    A channel's scores are centred on the reference; `normaliser` holds the logarithm of the mean of exp(bet x score)
    there, so that exp(bet x score - normaliser) has mean one while nothing moves, whatever the scores' distribution,
    ties included. What the finite reference leaves open of the mean is accounted for: a batch is compared with the mean
    of all rows since, and its uncertainty is in the denominator (the predictive distribution, as recursive residuals
    have it). From these e-values of a batch, two statistics:

    - Shiryaev-Roberts, R = (R + rows) x e: the mean number of rows until it first reaches c is at least c.
    - An e-process: the same product, mixed over the row the change came with by a prior. It is at most 1 in the mean at
      any time that is chosen while looking.

    How rows are cut into batches changes what is said only through when it is looked at.

    Source: Vovk et al. 2021 (2102.10439) for conformal martingales with Shiryaev-Roberts; Shin, Ramdas and Rinaldo 2022
    for e-detectors. Exponential tilts of rank scores stand in for the simple jumper: they are the likelihood ratios of
    a shift, and a whole batch is one bet.

    Attributes:
        normaliser: (C, 8) as above.
        variance: (C,) of the scores in the reference.
        n: (C,) rows behind the mean, those of the reference included; 1 for a channel without reference.
        total: (C,) sum of the centred scores since the reference.
        rows: (C,) rows since the reference.
        kept: (C,) prior of changes that are still to come.
        wealth: (2, C, 8): Shiryaev-Roberts statistics; the invested part of the e-processes.
        share: (C,) what each channel's evidence counts for in that of all.
        statistic: Shiryaev-Roberts statistic of all channels together: it first reaches c after c rows or more in the
            mean, while nothing moves.
        e_value: E-value of all channels together, valid under any dependence between them.
    """

    normaliser: FloatArray
    variance: FloatArray
    n: FloatArray
    total: FloatArray
    rows: FloatArray
    kept: FloatArray
    wealth: FloatArray
    share: FloatArray
    statistic: float = 0.0
    e_value: float = 1.0

    @classmethod
    def start(cls, n_channels: int) -> "TiltedMartingales":
        """Return channels without a reference: they bet nothing."""
        variance, total, rows, share = np.zeros((4, n_channels))
        normaliser, ones = np.zeros((n_channels, _SHIFTS.size)), np.ones(n_channels)
        wealth = np.zeros((2, n_channels, _SHIFTS.size))
        return cls(normaliser, variance, ones, total, rows, ones.copy(), wealth, share)

    def refer(self, channel: int, scores: FloatArray, extremes: tuple[float, float]) -> float:
        """Give a channel its reference: its e-process begins, its Shiryaev-Roberts statistic stays.

        Args:
            channel: Which.
            scores: (m,) of the reference values among themselves, m >= 2.
            extremes: Scores below and above all of them. Each counts as half a row: a constant column must not make a
                single other value decisive.

        Returns:
            The mean, to be taken off the channel's scores from now on.
        """
        m = float(scores.size)
        mean = float(np.add.accumulate(scores)[-1]) / m
        centred = np.concatenate((scores, np.asarray(extremes))) - mean
        powers = exp(_SHIFTS[:, None] * centred)
        powers[:, -2:] *= 0.5
        self.normaliser[channel] = log(fixed_row_sums(powers) / (m + 1.0))
        squares = centred * centred
        self.variance[channel] = float(np.add.accumulate(squares)[-1]) / m
        self.n[channel], self.total[channel], self.rows[channel] = m, 0.0, 0.0
        self.wealth[1, channel], self.kept[channel] = 0.0, 1.0
        return mean

    def update(self, sums: FloatArray, counts: FloatArray) -> None:
        """Take one batch in.

        Args:
            sums: (C,) sums of the centred scores, 0 where there are none.
            counts: (C,) how many; 0 leaves a channel as it is, and must be 0 for a channel without a reference.
        """
        weight = counts / self.n
        residual = sums - weight * self.total
        open_mean = 0.5 * self.variance * counts * weight
        logs = residual[:, None] * _SHIFTS - counts[:, None] * self.normaliser - open_mean[:, None] * _SQUARES
        e = exp(np.minimum(logs, _MOST_LOG))
        self.rows += counts
        kept = np.where(self.rows > 0.0, _LATER / (_HALF_LIFE_ROWS + self.rows), 1.0)
        self.wealth[0] += counts[:, None]
        self.wealth[1] += (self.kept - kept)[:, None]
        self.wealth *= e
        np.minimum(self.wealth, _MOST, out=self.wealth)
        self.kept = kept
        self.n += counts
        self.total += sums
        both = fixed_row_sums(self.wealth * _SHARES)
        both[1] += kept
        self.statistic, self.e_value = fixed_row_sums(both * self.share).tolist()

    def without_evidence(self) -> "TiltedMartingales":
        """Return a copy with the same references and means that has seen nothing speak against them."""
        return TiltedMartingales(
            self.normaliser.copy(),
            self.variance.copy(),
            self.n.copy(),
            self.total.copy(),
            self.rows.copy(),
            self.kept.copy(),
            np.zeros_like(self.wealth),
            self.share.copy(),
        )

    def e_values(self) -> FloatArray:
        """Return each channel's e-value, (C,): what is invested and what is kept for changes to come."""
        return fixed_row_sums(self.wealth[1] * _SHARES) + self.kept


def log2(x: float) -> float:
    """Return the base-2 logarithm of a positive number."""
    return log(x) * INV_LN2
