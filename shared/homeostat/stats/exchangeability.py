"""Columns of a stream against their own past: does any of them no longer look exchangeable with it?"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from homeostat.stats.ebh import strongest
from homeostat.stats.martingales import TiltedMartingales, head_start, log2
from homeostat.stats.portable import FloatArray, fixed_row_sums
from homeostat.stats.ranks import (
    N_CHANNELS,
    column_ranks,
    double_ranks,
    score_of_shift,
    score_table,
)
from homeostat.stats.whitening import fit, residuals, residuals_of_columns

Float32s = npt.NDArray[np.float32]

UNKNOWN_FROM: Final = 1e30
"""Beyond any measurement; infinities and what would become one count as missing, as NaN does."""

_LEAST_SHARE: Final = 0.5
"""A column of which fewer reference rows are known is not watched."""

_CALM: Final = 64.0
"""Evidence above which the reference no longer grows: what speaks against it must not become part of it."""

_LOCATION: Final = 0.75
"""Share of a column's evidence that its location counts for; the rest is its spread's."""

_NOTHING: Final = -1e9
_TRIED_ROWS: Final = 50
_FEW: Final = 50
"""Reference rows off a column's commonest value below which it has a rate instead of scores: those of fewer rows say
too little of how the others are spread, and bets on them are wrong once in some hundred thousand rows."""


@dataclass(slots=True, eq=False)
class ExchangeabilityMonitor:
    """Watches d columns for a shift of location or spread, from what the first rows were like.

    The first `first` rows become the reference; it is made again from all rows so far each time they have doubled,
    until `full`, unless there is evidence already. A new value's rank among them is turned into two normal scores; a
    batch's scores are bet on (`TiltedMartingales`). Columns with memory are whitened by their own AR(1) first; what
    stays autocorrelated is left to tests on the means of longer blocks (`is_white` says which).

    A column that hardly ever left its commonest value (constants, rare flags) is watched for how often it does.

    Missing values (NaN, infinities, beyond 1e30) carry no evidence. `update` changes the arrays in place.

    Attributes:
        first: Rows of the first reference, >= 32.
        full: Rows of the last.
        due: Rows at which the next one is made; 0 when there is no more.
        reference: (d, m) sorted, NaN where a row was unknown.
        known: (d,) known reference values; 0 for a column that is not watched.
        watched: Columns with a reference.
        is_complete: Every reference row of theirs is known.
        has_memory: One of them is whitened.
        is_white: (d,) 1 where the residuals of the reference are white, else 0.
        phi: (d,) AR(1) coefficients.
        last: (d,) last known values.
        centre: (2, d) means of the reference's scores.
        common: (d,) commonest value of the reference.
        rare: Watched columns that have a rate: rows off their commonest value.
        bets: Channels: the columns' locations, then their spreads. Its statistic and e-value speak for all columns.
        raw: Rows that will be part of the reference, (d, n) each; at most twice `full` and one batch.
        n_raw: Their number.
        is_symmetric: Columns are differences from what is usual: around 0, and smaller the more is known. Then only
            where they lie is bet on, against the reference and its mirror image.
    """

    first: int
    full: int
    due: int
    reference: Float32s
    known: FloatArray
    watched: npt.NDArray[np.int64]
    is_white: FloatArray
    phi: FloatArray
    last: FloatArray
    centre: FloatArray
    common: Float32s
    rare: npt.NDArray[np.int64]
    bets: TiltedMartingales
    raw: list[Float32s] = field(default_factory=list)
    n_raw: int = 0
    is_complete: bool = False
    has_memory: bool = False
    is_symmetric: bool = False

    @classmethod
    def start(cls, d: int, *, first: int, full: int, is_symmetric: bool = False) -> "ExchangeabilityMonitor":
        """Return the monitor of d columns before any row; arguments as in `ExchangeabilityMonitor`.

        Raises:
            ValueError: `first` below 32 or above `full`.
        """
        if not 32 <= first <= full:
            raise ValueError(f"32 <= {first=} <= {full=} must hold")
        return cls(
            first,
            full,
            first,
            np.zeros((d, 0), np.float32),
            np.zeros(d),
            np.zeros(0, np.int64),
            np.ones(d),
            np.zeros(d),
            np.zeros(d),
            np.zeros((N_CHANNELS, d)),
            np.zeros(d, np.float32),
            np.zeros(0, np.int64),
            TiltedMartingales.start(N_CHANNELS * d),
            is_symmetric=is_symmetric,
        )

    @property
    def is_monitoring(self) -> bool:
        """Whether there is a reference."""
        return self.reference_rows > 0

    @property
    def reference_rows(self) -> int:
        """Rows that said what is normal."""
        return int(self.reference.shape[1])

    @property
    def n_rows(self) -> int:
        """Rows since the last reference, of the column that has most."""
        return int(np.maximum.reduce(self.bets.rows)) if self.bets.rows.size else 0

    def update(self, x: Float32s) -> None:
        """Take a batch in.

        Args:
            x: (d, n) float32, n >= 1; kept while the reference grows, so nobody may change it.

        Raises:
            ValueError: Another number of columns; nothing was changed.
        """
        if x.shape[0] != self.known.size:
            raise ValueError(f"expected {self.known.size} columns, got {x.shape[0]}")
        if self.is_monitoring:
            self._bet(x)
        if self.due:
            self.raw.append(x)
            self.n_raw += x.shape[1]
            if self.n_raw >= self.due and self.bets.e_value < _CALM:
                self._refer()
            elif self.n_raw >= 2 * self.full:
                # Evidence may stay for ever: of a column that no longer comes, say.
                self.raw, self.n_raw = [np.concatenate(self.raw, axis=1)[:, -self.full :]], self.full

    def leave_out(self, n: int) -> None:
        """Leave the last n rows out of references to come: they speak of a shift."""
        if self.due and self.raw and n > 0:
            rows = np.concatenate(self.raw, axis=1)[:, :-n]
            self.raw, self.n_raw = [rows], rows.shape[1]

    def column_log2_e(self) -> FloatArray:
        """Return each column's e-value in bits, (d,): weighted mean of its channels; very low if not watched."""
        location, spread = self.bets.e_values().reshape(N_CHANNELS, -1)
        share = self._of_location()
        both = share * location + (1.0 - share) * spread
        return np.array([log2(v) if k > 0.0 and v > 0.0 else _NOTHING for v, k in zip(both, self.known, strict=True)])

    def largest_shift(self) -> float:
        """Return the largest mean score of a channel since the reference, in standard deviations of a row."""
        shifts = np.abs(self.bets.shifts())
        return float(np.maximum.reduce(np.where(self.bets.share > 0.0, shifts, 0.0))) if shifts.size else 0.0

    def rows_to_find(self, threshold: float, most: int, *, shift: float = 1.0) -> int | None:
        """Try a copy of the bets on an injected shift: how many rows until the statistic reaches the threshold?

        The reference's own values, moved by `shift` of their deviations in that column in which it is hardest to see,
        50 rows at a time; nothing of the watch is changed. Evidence of the past does not count. A column that hardly
        ever leaves one value is not tried: the first row off it is seen. See `TiltedMartingales.rows_to_find`.

        Returns:
            None if `most` rows do not suffice: the watch is blind.
        """
        rare = self.rare.tolist()
        scored = [
            (score_of_shift(self.reference[column, : int(self.known[column])], shift) - self.centre[0, column], column)
            for column in self.watched.tolist()
            if column not in rare
        ]
        if not scored:
            return _TRIED_ROWS if rare else None
        score, hardest = min(scored)
        return self.bets.rows_to_find(hardest, float(score), threshold, range(_TRIED_ROWS, most + 1, _TRIED_ROWS))

    def drifted_columns(self, alpha: float) -> list[int]:
        """Return the columns that moved, the strongest first: e-BH at `alpha`; the strongest alone if it names none."""
        return strongest(self.column_log2_e(), alpha)

    def _bet(self, x: Float32s) -> None:
        d, n, m, watched = x.shape[0], x.shape[1], self.reference.shape[1], self.watched
        if not watched.size:
            return
        is_all = watched.size == d
        values = x if is_all else x[watched]
        # NaN fails the comparison, so the fast path has only known values.
        if self.is_complete and np.maximum.reduce(np.abs(values), axis=None) < UNKNOWN_FROM:
            reference = self.reference if is_all else self.reference[watched]
            if self.has_memory:
                last, self.last[watched] = self.last[watched], values[:, -1]
                values = residuals_of_columns(values, self.phi[watched], last)
            # In order of size, because a search goes faster so and a sum does not mind.
            ranks = column_ranks(reference, np.sort(values, axis=1))
            scored = np.add.accumulate(score_table(m).take(ranks, axis=1), axis=2)[:, :, -1]
            if is_all:
                sums, counts = scored - n * self.centre, np.full(N_CHANNELS * d, float(n))
            else:
                sums, of_column = np.zeros((N_CHANNELS, d)), np.zeros(d)
                sums[:, watched] = scored - n * self.centre[:, watched]
                of_column[watched] = n
                counts = np.concatenate((of_column, of_column))
        else:
            sums, of_column = self._with_gaps(x)
            counts = np.concatenate((of_column, of_column))
        if self.rare.size:
            values = x[self.rare]
            is_off = (values != self.common[self.rare, None]) & (np.abs(values) < UNKNOWN_FROM)
            sums[:, self.rare] = np.count_nonzero(is_off, axis=1)
        self.bets.update(sums.ravel(), counts)

    def _with_gaps(self, x: Float32s) -> tuple[FloatArray, FloatArray]:
        """Score column by column: only known values, only columns with a reference."""
        d = x.shape[0]
        sums, counts = np.zeros((N_CHANNELS, d)), np.zeros(d)
        for column in range(d):
            m = int(self.known[column])
            values = x[column][np.abs(x[column]) < UNKNOWN_FROM]
            if not m or not values.size:
                continue
            white = residuals(values, float(self.phi[column]), float(self.last[column]))
            self.last[column] = float(values[-1])
            ranks = double_ranks(self.reference[column, :m], white)
            scores = score_table(m)[:, ranks]
            sums[:, column] = fixed_row_sums(scores) - values.size * self.centre[:, column]
            counts[column] = values.size
        return sums, counts

    def _refer(self) -> None:
        """Make the reference of all rows so far."""
        rows = np.concatenate(self.raw, axis=1)[:, -self.full :]
        d, m = rows.shape
        is_known = np.abs(rows) < UNKNOWN_FROM
        width = 2 * m if self.is_symmetric else m
        self.reference, self.known = np.full((d, width), np.nan, np.float32), np.zeros(d)
        at_stake = head_start(self.due, self.full)
        for column in range(d):
            values = rows[column][is_known[column]]
            if values.size < max(_LEAST_SHARE * m, 16):
                continue
            phi, is_white = fit(values[None, :].astype(np.float64))
            self.phi[column], self.is_white[column] = float(phi[0]), float(is_white[0])
            self.last[column] = float(values[-1])
            if is_white[0]:
                self._refer_to(column, values, at_stake)
        is_watched = self.known > 0.0
        self.watched, self.rare = np.flatnonzero(is_watched), np.flatnonzero(is_watched & (self.bets.hits[:d] > 0.0))
        self.is_complete = bool((self.known[self.watched] == width).all())
        self.has_memory = bool(self.phi[self.watched].any())
        of_column = np.where(is_watched, 1.0 / max(self.watched.size, 1), 0.0)
        share = self._of_location()
        self.bets.share = np.concatenate((share * of_column, (1.0 - share) * of_column))
        self.due = min(2 * self.due, self.full) if self.due < self.full else 0
        self.raw, self.n_raw = [rows] if self.due else [], m

    def _of_location(self) -> float:
        return 1.0 if self.is_symmetric else _LOCATION

    def _refer_to(self, column: int, values: Float32s, at_stake: float) -> None:
        # The first has no value before it; its own stands in, so that the number of rows stays what it was.
        white = residuals(values, float(self.phi[column]), float(values[0]))
        white = np.sort(np.concatenate((white, -white)) if self.is_symmetric else white)
        m = white.size
        self.reference[column, :m], self.known[column] = white, float(m)
        table, ranks = score_table(m), double_ranks(white, white)
        scores = table[:, ranks]
        distinct, times = np.unique(white, return_counts=True)
        self.common[column], off = distinct[np.argmax(times)], m - int(np.maximum.reduce(times))
        for channel in range(N_CHANNELS):
            at = channel * self.known.size + column
            if not self.is_symmetric and off < min(_FEW, 0.25 * m) and self.phi[column] == 0.0:
                self.bets.refer_rate(at, float(off), float(m), head_start=at_stake)
                self.centre[channel, column] = 0.0
                continue
            # The least of the spread's scores is in the middle.
            ends = float(table[channel, m if channel else 0]), float(table[channel, -1])
            self.centre[channel, column] = self.bets.refer(at, scores[channel], ends, head_start=at_stake)
