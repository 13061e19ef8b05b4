"""Bets against "nothing moves", for many columns side by side: evidence that may be looked at after every batch."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from homeostat.stats.portable import INV_LN2, FloatArray, exp, fixed_row_sums, fixed_sum, log

BETS: Final = (0.2, -0.2, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0)
"""Shifts of a score, in its standard deviations, that the evidence is a mixture of."""

_WEIGHTS: Final = (0.3, 0.3, 0.12, 0.12, 0.05, 0.05, 0.03, 0.03)
"""Small shifts need the most evidence, so most is put on them; what a large one loses it has back in a few rows."""

_SHIFTS: Final = np.asarray(BETS)
_SQUARES: Final = _SHIFTS * _SHIFTS
_SHARES: Final = np.asarray(_WEIGHTS)
_MOST: Final = 1e160
_MOST_LOG: Final = 300.0

_RATIOS: Final = np.asarray((1.5, 1.0 / 1.5, 2.5, 0.4, 5.0, 0.2, 20.0, 0.05))
"""What a rare value's frequency is multiplied by, in the order of `BETS`."""

_LOG_RATIOS: Final = log(_RATIOS)
_JEFFREYS: Final = 0.5

EPOCH: Final = 10_000.0
"""Rows over which what was put in on a change fades by a factor e, and for which evidence is one e-value: whoever looks
for longer has one more chance of being wrong per epoch."""

FADING: Final = 1.0 / EPOCH
"""Part of every row's normaliser."""

HEAD_START: Final = 0.5 * EPOCH
"""Of a Shiryaev-Roberts statistic, in rows: half of the evidence is put on a change with the first row."""

_OF_LAST: Final = 0.9
_OF_EARLIER: Final = 0.05


@dataclass(slots=True, eq=False)
class TiltedMartingales:
    """Evidence on each of C channels that its scores have shifted since the reference.

    A channel's scores are centred on the reference; `normaliser` holds the logarithm of the mean of exp(bet x score)
    there, so that exp(bet x score - normaliser) has mean one while nothing moves, whatever the scores' distribution,
    ties included. What the finite reference leaves open of the mean is accounted for: a batch is compared with the mean
    of all rows since, and its uncertainty is in the denominator (the predictive distribution, as recursive residuals
    have it). From these e-values of a batch, R = (R + rows) x e x exp(-rows / `EPOCH`), with a head start when a
    reference is given. While nothing moves:

    - R first reaches c + `HEAD_START` after c rows or more in the mean.
    - (R + what is left of `EPOCH` rows after what was put in) / `EPOCH` is an e-value: its mean is at most 1 at any
      time that is named in advance, and at any time of the first half epoch that is chosen while looking; later at most
      one per epoch that was looked at. An e-process that is at most 1 for ever must pay for the time: after a million
      calm rows all that an alarm's evidence is worth. This one does not tire: an R of 1e8 is 13 bits whenever it comes.

    Both hold because R less what was put in is a supermartingale; without the fading that would be a martingale and
    R of a column that stands still the number of its rows.

    A column that hardly ever leaves one value has a rate, not scores: how many rows did. In the reference they are too
    few for a normaliser, so a batch's bet is the ratio of two predictive probabilities, each with the rate drawn from
    what is known of it by then (Poisson with Jeffreys' prior), once as it is and once multiplied by a bet.

    How rows are cut into batches changes what is said only through when it is looked at.

    Source: Vovk et al. 2021 (2102.10439) for conformal martingales with Shiryaev-Roberts; Shin, Ramdas and Rinaldo 2022
    for e-detectors. Exponential tilts of rank scores stand in for the simple jumper: they are the likelihood ratios of
    a shift, and a whole batch is one bet. Gamma-Poisson predictive distributions: any text on Bayesian statistics.

    Attributes:
        normaliser: (C, 8) as above, and the fading.
        variance: (C,) of the scores in the reference.
        hits: (C,) rows of the reference off the common value, and one half; 0 for a channel of scores.
        n: (C,) rows behind the mean, those of the reference included; 1 for a channel without reference.
        total: (C,) sum of the centred scores since the reference; of a rate the rows off the common value.
        rows: (C,) rows since the reference.
        paid: (C,) rows and head starts that were put in since the first reference.
        wealth: (C, 8) Shiryaev-Roberts statistics.
        share: (C,) what each channel's evidence counts for in that of all.
        statistic: Shiryaev-Roberts statistic of all channels together: it first reaches c + `HEAD_START` after c rows
            or more in the mean, while nothing moves.
        e_value: Evidence of all channels together as above, valid under any dependence between them.
    """

    normaliser: FloatArray
    variance: FloatArray
    hits: FloatArray
    n: FloatArray
    total: FloatArray
    rows: FloatArray
    paid: FloatArray
    wealth: FloatArray
    share: FloatArray
    statistic: float = 0.0
    e_value: float = 1.0

    @classmethod
    def start(cls, n_channels: int) -> "TiltedMartingales":
        """Return channels without a reference: they bet nothing."""
        variance, hits, total, rows, paid, share = np.zeros((6, n_channels))
        normaliser, wealth = np.zeros((2, n_channels, _SHIFTS.size))
        return cls(normaliser, variance, hits, np.ones(n_channels), total, rows, paid, wealth, share)

    def refer(self, channel: int, scores: FloatArray, extremes: tuple[float, float], *, head_start: float) -> float:
        """Give a channel its reference, or a better one; what it has won or lost so far stays.

        Args:
            channel: Which.
            scores: (m,) of the reference values among themselves, m >= 2.
            extremes: Scores below and above all of them. Each counts as half a row where that makes a bet smaller: a
                single value that never came must not be decisive, and that it never comes is no evidence.
            head_start: What is put on a change that comes now, in rows; at most `HEAD_START` over all references.

        Returns:
            The mean, to be taken off the channel's scores from now on.
        """
        m = float(scores.size)
        mean = float(np.add.accumulate(scores)[-1]) / m
        centred = np.concatenate((scores, np.asarray(extremes))) - mean
        powers = exp(_SHIFTS[:, None] * centred)
        powers[:, -2:] *= 0.5
        alone = fixed_row_sums(powers[:, :-2]) / m
        self.normaliser[channel] = log(np.maximum(fixed_row_sums(powers) / (m + 1.0), alone)) + FADING
        squares = centred * centred
        self.variance[channel] = float(np.add.accumulate(squares)[-1]) / m
        self.hits[channel] = 0.0
        self._begin(channel, m, head_start)
        return mean

    def refer_rate(self, channel: int, hits: float, m: float, *, head_start: float) -> None:
        """Give a channel a rate for its reference: of m rows, `hits` were off the common value.

        Args:
            channel: Index.
            hits: Rows off the common value, in [0, m].
            m: Rows of the reference, > 0.
            head_start: See `refer`.
        """
        self.hits[channel] = hits + _JEFFREYS
        self._begin(channel, m, head_start)

    def update(self, sums: FloatArray, counts: FloatArray) -> None:
        """Take one batch in.

        Args:
            sums: (C,) sums of the centred scores, 0 where there are none; of a rate the rows off the common value.
            counts: (C,) how many; 0 leaves a channel as it is, and must be 0 for a channel without a reference.
        """
        weight = counts / self.n
        residual = sums - weight * self.total
        open_mean = 0.5 * self.variance * counts * weight
        logs = residual[:, None] * _SHIFTS - counts[:, None] * self.normaliser - open_mean[:, None] * _SQUARES
        rates = np.flatnonzero(self.hits)
        if rates.size:
            logs[rates] = self._of_rates(rates, sums, counts)
        self.rows += counts
        self.paid += counts
        self.wealth += counts[:, None]
        self.wealth *= exp(np.minimum(logs, _MOST_LOG))
        np.minimum(self.wealth, _MOST, out=self.wealth)
        self.n += counts
        self.total += sums
        self.statistic = fixed_sum(fixed_row_sums(self.wealth * _SHARES) * self.share)
        self.e_value = (self.statistic + fixed_sum(self._to_come() * self.share)) / EPOCH

    def without_evidence(self) -> "TiltedMartingales":
        """Return a copy with the same references and means that has seen nothing speak against them."""
        return TiltedMartingales(
            self.normaliser.copy(),
            self.variance.copy(),
            self.hits.copy(),
            self.n.copy(),
            self.total.copy(),
            self.rows.copy(),
            np.zeros_like(self.paid),
            np.zeros_like(self.wealth),
            self.share.copy(),
        )

    def rows_to_find(self, channel: int, score: float, threshold: float, tried: range) -> int | None:
        """Try a copy without evidence on a channel whose centred scores are all `score`.

        Args:
            channel: Index.
            score: Of every row that is tried.
            threshold: Of the statistic.
            tried: Numbers of rows, rising.

        Returns:
            The first of the numbers of rows at which the statistic reaches the threshold; None if none does.
        """
        bets, sums, counts = self.without_evidence(), np.zeros(self.n.size), np.zeros(self.n.size)
        sums[channel], counts[channel] = tried.step * score, tried.step
        for row in tried:
            bets.update(sums, counts)
            if bets.statistic >= threshold:
                return row
        return None

    def e_values(self) -> FloatArray:
        """Return each channel's e-value, (C,)."""
        return (fixed_row_sums(self.wealth * _SHARES) + self._to_come()) / EPOCH

    def shifts(self) -> FloatArray:
        """Return how far each channel's mean since the reference lies from it, (C,), in deviations of a row."""
        mean, m = self.total / np.maximum(self.rows, 1.0), self.n - self.rows
        rate = np.maximum(self.hits, _JEFFREYS) / np.maximum(m, 1.0)
        return np.where(self.hits > 0.0, (mean - rate) / np.sqrt(rate), mean)

    def _begin(self, channel: int, m: float, head_start: float) -> None:
        self.n[channel], self.total[channel], self.rows[channel] = m, 0.0, 0.0
        self.wealth[channel] += head_start
        self.paid[channel] += head_start

    def _to_come(self) -> FloatArray:
        return np.maximum(EPOCH - self.paid, 0.0)

    def _of_rates(self, rates: npt.NDArray[np.intp], sums: FloatArray, counts: FloatArray) -> FloatArray:
        """Return the logarithms of the bets on channels that have a rate, (number of them, 8)."""
        x, rows, n = sums[rates, None], counts[rates, None], self.n[rates, None]
        hits = self.hits[rates, None] + self.total[rates, None] + x
        return x * _LOG_RATIOS + hits * log((n + rows) / (n + _RATIOS * rows)) - rows * FADING


def head_start(rows: int, full: int) -> float:
    """Return what to put on a change that comes with a reference of so many rows, out of `full` in the end.

    Most of `HEAD_START` with the last one; of references that double up to it all together never more.
    """
    return HEAD_START * (_OF_LAST if rows >= full else _OF_EARLIER * rows / full)


def log2(x: float) -> float:
    """Return the base-2 logarithm of a positive number."""
    return log(x) * INV_LN2
