"""Intervals of means over rows that are not independent: the circular block bootstrap.

Source: Politis and Romano 1992. A block is as long as errors stay correlated (Politis and White 2004, simplified: up to
the first lag whose autocorrelation is inside the noise, and at least the cube root of n). Slow changes of the level, a
quarter of the rows and longer, are taken as what happened, and everything faster as noise: the interval is of what was
gained in this history, and no forecast for another one.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from homeostat_tools.value.rows import Floats

LEVEL: Final = 0.95
_N_DRAWS: Final = 2000
_LEAST_BLOCKS: Final = 10
_LEVEL_SHARE: Final = 0.25
"""Of the rows, over which the level is averaged."""
_LEAST_ROWS: Final = 40
_MOST_LAG_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over rows with its interval.

    Args:
        mean: Per row.
        low: Lower end of the 95 % interval; equal to `mean` where there is none.
        high: Upper end.
        n: Rows.
        block: Rows of a block.
        unknown: Why there is no interval; empty where there is one.
    """

    mean: float
    low: float
    high: float
    n: int
    block: int = 1
    unknown: str = ""

    @property
    def judgement(self) -> str:
        """`gain`, `loss`, or `cannot tell`: the interval includes 0, or there is none."""
        if self.unknown or self.low <= 0.0 <= self.high:
            return "cannot tell"
        return "gain" if self.low > 0.0 else "loss"

    @property
    def reason(self) -> str:
        """Why it cannot be told; empty where it can."""
        if self.unknown or self.judgement != "cannot tell":
            return self.unknown
        return f"the interval over {self.n} rows includes 0"


def estimate(values: Floats, seed: int = 0) -> Estimate:
    """Estimate the mean of (n,) values in the order of their rows; NaN is left out.

    Args:
        values: For example champion's minus candidate's error.
        seed: Of the draws.
    """
    values = values[np.isfinite(values)]
    n = len(values)
    if not n:
        return Estimate(0.0, 0.0, 0.0, 0, unknown="no labelled row follows it")
    mean = float(values.mean())
    if n < _LEAST_ROWS:
        return Estimate(mean, mean, mean, n, unknown=f"only {n} labelled rows follow it, {_LEAST_ROWS} are needed")
    if not np.ptp(values):
        return Estimate(mean, mean, mean, n, unknown="" if mean else "no answer differs")
    noise = values - _level(values)
    block = min(block_length(noise), n // _LEAST_BLOCKS)
    low, high = np.quantile(_means(noise, block, seed), ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Estimate(mean, mean + float(low), mean + float(high), n, block)


def _level(values: Floats) -> Floats:
    """Return the mean of the rows around each row; at the ends of those that there are."""
    n = len(values)
    half = max(1, int(n * _LEVEL_SHARE / 2))
    total, at = np.concatenate(([0.0], np.cumsum(values))), np.arange(n)
    low, high = np.maximum(0, at - half), np.minimum(n, at + half + 1)
    level: Floats = (total[high] - total[low]) / (high - low)
    return level


def block_length(values: Floats) -> int:
    """Return the length of a block of (n,) values, from 1 to n."""
    n = len(values)
    centred = values - values.mean()
    if not centred.any():
        return 1
    least, most = int(np.ceil(n ** (1 / 3))), max(1, int(n * _MOST_LAG_SHARE))
    spread = float(centred @ centred)
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    correlation = np.fft.irfft(spectrum * spectrum.conj(), size)[: most + 1] / spread
    inside = np.flatnonzero(np.abs(correlation[1:]) < 2.0 / np.sqrt(n))
    lag = int(inside[0]) + 1 if len(inside) else most
    return max(1, min(n, max(least, 2 * lag)))


def _means(values: Floats, block: int, seed: int) -> Floats:
    """Draw means of n values, block by block, round the end."""
    n = len(values)
    n_blocks = int(np.ceil(n / block))
    total = np.concatenate(([0.0], np.cumsum(np.concatenate((values, values[:block])))))
    sums = total[block : n + block] - total[:n]
    starts = np.random.default_rng(seed).integers(0, n, (_N_DRAWS, n_blocks))
    drawn: Floats = sums[starts].sum(axis=1) / (n_blocks * block)
    return drawn - float(values.mean())
