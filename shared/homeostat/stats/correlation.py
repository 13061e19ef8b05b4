"""Whether columns still move together as they did: what no column shows alone."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from homeostat.stats.cholesky import factorise, solve_lower
from homeostat.stats.exchangeability import UNKNOWN_FROM, ExchangeabilityMonitor, Float32s
from homeostat.stats.portable import FloatArray, fixed_row_sums
from homeostat.stats.trail import Trail

MOST_COLUMNS: Final = 32
_LEARNED_ROWS: Final = 256
_LEAST_ROWS: Final = 20
_RIDGE: Final = 0.02
"""Share of independence that is mixed in: a column that repeats another has no direction of its own."""

_FADING: Final = 0.5
_TAKEN_ROWS: Final = 100
"""Of a batch, evenly spread."""

_EVIDENCE: Final = 16.0


@dataclass(slots=True, eq=False)
class CorrelationMonitor:
    """Watches d columns for a change of their correlations, from what the first 256 rows were like.

    Of each row the squared Mahalanobis distance: standardised by its own batch, so that neither levels nor spreads
    count, and by the correlations of the first rows. It is a column like any other (`ExchangeabilityMonitor`), and
    grows when columns part or turn about. Two of few columns that begin to move together show in its tails; two of many
    hardly do.

    Rows with an unknown value are left out, and columns beyond the first 32.

    Attributes:
        settings: Rows of the first reference and of the last.
        watch: Of the distances; None before the first rows are in.
        trail: Of the watch.
        first: (d, n) first rows, while they are collected.
        n_first: Their number.
        whitening: (d, d) the inverse of the root of the correlations of the first rows; (0, 0) before.
        usual: (d, d) those correlations.
        recent: (d, d) those of the newest batches since there is evidence; each halves what was before.
        is_even: Every other batch is left out while there is none.
    """

    settings: tuple[int, int]
    watch: ExchangeabilityMonitor | None = None
    trail: Trail = field(default_factory=Trail)
    first: list[Float32s] = field(default_factory=list)
    n_first: int = 0
    whitening: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    usual: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    recent: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    is_even: bool = False

    @classmethod
    def start(cls, *, first: int, full: int) -> "CorrelationMonitor":
        """Return the watch before any row; parameters as those of `ExchangeabilityMonitor`."""
        return cls((first, full))

    def take(self, rows: Float32s, time: float) -> bool:
        """Take a batch in.

        Args:
            rows: (d, n), always the same d.
            time: Of its middle, seconds.

        Returns:
            Whether anything was bet on.
        """
        if self.watch is not None and self.watch.bets.e_value < _EVIDENCE:
            self.is_even = not self.is_even
            if self.is_even:
                return False
        rows = rows[:MOST_COLUMNS, :: max(rows.shape[1] // _TAKEN_ROWS, 1)]
        is_known = np.abs(rows) < UNKNOWN_FROM
        if not is_known.all():
            rows = rows[:, is_known.all(axis=0)]
        if len(rows) < 2 or rows.shape[1] < _LEAST_ROWS:
            return False
        if self.watch is None:
            self.first.append(rows)
            self.n_first += rows.shape[1]
            if self.n_first >= _LEARNED_ROWS:
                self.usual = self.recent = _correlations(_standardised(np.concatenate(self.first, axis=1)))
                independent = np.eye(len(rows))
                root = factorise((1.0 - _RIDGE) * self.usual + _RIDGE * independent)
                self.whitening = solve_lower(root, independent)
                self.first = []
                self.watch = ExchangeabilityMonitor.start(1, first=self.settings[0], full=self.settings[1])
            return False
        standard = _standardised(rows)
        white = np.zeros_like(standard)
        for share, column in zip(self.whitening.T, standard, strict=True):
            white += share[:, None] * column
        distance = np.add.accumulate(white * white, axis=0)[-1]
        self.trail.follow(self.watch, distance.astype(np.float32)[None, :], time)
        if self.watch.bets.e_value >= _EVIDENCE:
            self.recent = _FADING * self.recent + (1.0 - _FADING) * _correlations(standard)
        return True

    def drifted_columns(self) -> tuple[int, int]:
        """Return the two columns whose correlation has moved most, and requires a batch after the first rows."""
        moved = np.abs(np.triu(self.recent - self.usual, 1))
        first, second = divmod(int(moved.argmax()), len(moved))
        return first, second


def _standardised(rows: Float32s) -> FloatArray:
    """Return (d, n) rows less their means, in their deviations; 0 in a column without any."""
    n = rows.shape[1]
    values = rows.astype(np.float64)
    values -= (fixed_row_sums(values) / n)[:, None]
    deviation = np.sqrt(fixed_row_sums(values * values) / n)
    is_moving = deviation > 0.0
    return np.where(is_moving[:, None], values / np.where(is_moving, deviation, 1.0)[:, None], 0.0)


def _correlations(standard: FloatArray) -> FloatArray:
    """Return (d, d) correlations of (d, n) standardised rows, 1 on the diagonal."""
    found: FloatArray = np.stack([fixed_row_sums(standard * row) for row in standard]) / standard.shape[1]
    np.fill_diagonal(found, 1.0)
    return found
