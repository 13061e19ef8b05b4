"""What columns were like at the same hour on days and weeks before, in scores that no unit and no tail disturbs."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from homeostat.stats.exchangeability import UNKNOWN_FROM, Float32s
from homeostat.stats.portable import FloatArray, fixed_sum, log
from homeostat.stats.ranks import N_CHANNELS, double_ranks, score_table
from homeostat.stats.thinning import ThinnedSample

DAY: Final = 24
WEEK: Final = 7 * DAY
HOUR_SECONDS: Final = 3600.0
_REMEMBERED: Final = 2 * WEEK + DAY
_DAYS: Final = 7
_LEAST_DAYS: Final = 2
_LEAST_ROWS: Final = 30
_MOST_ROWS: Final = 1000
"""Of an hour: its means are known within three hundredths of a deviation, so more rows are left out."""

_AT_ONCE: Final = 200
_SAMPLED: Final = 512
_LEAST_SAMPLED: Final = 64
_LEAST_OF_SAMPLE: Final = 8
_LEAST_LEVEL: Final = 12
_MATERIAL: Final = 0.04
_DOUBT: Final = 0.5
"""Two deviations of the mean of an hour's share of the sample."""

_LEAST_DEVIATION: Final = 1e-3
_DEVIATION_RATE: Final = 0.1


@dataclass(slots=True, eq=False)
class Hours:
    """Hours of d columns, two channels each: their location and their spread, by rank in the column's first day.

    The first day's rows, thinned out, are the ruler: a value's score is where it lies among them. An hour's mean score
    is a number of the same kind whatever the column is: bounded, whatever its tails; exact, however many values are
    tied. So is the logarithm of the scores' deviation within the hour. These are the hour's levels; its shapes are the
    levels less the means of the last 24 hours that were known: nights without rows are no hours, and a level that has
    moved for good leaves the shape after a day.

    Attributes:
        n_columns: d.
        hour: The open hour, since the epoch; -1 before any.
        first: The first hour.
        measured: First hour that was measured by all its rows; those before by the sample alone.
        sample: Rows of the first day, marked with their hours.
        ruler: (d, m) sorted, NaN last; (d, 0) in the first day.
        known: (d,) known values of it.
        pending: Rows of the open hour that have no score yet, (d, n) each.
        n_pending: Their number.
        n_rows: Rows of the open hour.
        n_all: Rows of all hours before that were closed.
        n_closed: Number of those.
        sums: (3, d) scores of the open hour, their squares, and how many are known.
        deviation: (d,) of a score within its hour.
        levels: (360, 2 d) of the last fifteen days, by hour modulo 360; NaN where unknown.
        shapes: The same of the shapes.
        recent: (2 d,) levels of the last 24 hours that had rows.
    """

    n_columns: int
    hour: int = -1
    first: int = -1
    measured: int = 0
    sample: ThinnedSample = field(default_factory=lambda: ThinnedSample(_SAMPLED))
    ruler: Float32s = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    known: FloatArray = field(default_factory=lambda: np.zeros(0))
    pending: list[Float32s] = field(default_factory=list)
    n_pending: int = 0
    n_rows: int = 0
    n_all: int = 0
    n_closed: int = 0
    sums: FloatArray = field(default_factory=lambda: np.zeros((3, 0)))
    deviation: FloatArray = field(default_factory=lambda: np.zeros(0))
    levels: Float32s = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    shapes: Float32s = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    recent: list[Float32s] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        """Whether there is a ruler."""
        return bool(self.ruler.shape[1])

    def take(self, rows: Float32s, hour: int) -> FloatArray | None:
        """Take rows of one hour in.

        Args:
            rows: (d, n); kept for a while, so nobody may change it.
            hour: Since the epoch. One that is up to a day older than the open hour counts for that one; an older one
                shows that the open hour was a wrong clock's, and is followed.

        Returns:
            If it closes an hour: how far that one's shapes, (2 d,), are from the nearest that was seen at that hour of
            the day or week, 0 within a twenty-fifth of a deviation; NaN where nothing was seen.
        """
        news = None
        if hour > self.hour or hour < self.hour - DAY:
            news = self._close(hour)
        n = rows.shape[1]
        if not self.is_known:
            self.sample.add(rows, self.hour)
        elif self.n_rows < _MOST_ROWS:
            self.pending.append(rows)
            self.n_pending += n
            if self.n_pending >= _AT_ONCE:
                self._score()
        self.n_rows += n
        return news

    def forget(self, columns: npt.NDArray[np.intp]) -> None:
        """Forget what columns were like: they are another model's now."""
        if self.is_known:
            both = np.concatenate((columns, columns + self.n_columns))
            self.levels[:, both], self.shapes[:, both] = np.nan, np.nan
            for level in self.recent:
                level[both] = np.nan

    def usual(self, channel: int, before: int, after: int, size: float) -> float:
        """Return how much of a jump of a channel is news: its distance from what those hours usually bring.

        Args:
            channel: Of (2 d,).
            before: Hour of the rows before the jump.
            after: Hour of the rows after it, the open one.
            size: Of the jump, in deviations of a row, or of the logarithm of its spread.
        """
        if not self.is_known or self.deviation[channel % self.n_columns] <= 0.0:
            return abs(size)
        self._score()
        unit = float(self.deviation[channel]) if channel < self.n_columns else 1.0
        level = self.levels[:, channel].astype(np.float64)
        left = abs(size)
        for old, new in {(before, after), (after - 1, after), (after, after + 1)}:
            jumps = [float(level[(new - back) % _REMEMBERED] - level[(old - back) % _REMEMBERED]) for back in _BACKS]
            of_days = [jump for jump in jumps[:_DAYS] if jump == jump]
            usual = [fixed_sum(np.array(of_days)) / len(of_days)] if len(of_days) >= _LEAST_DAYS else []
            for jump in [*usual, *jumps[_DAYS - 1 :]]:
                if jump == jump and old != new:
                    left = min(left, abs(size - jump / unit))
        now = float(self._levels(_LEAST_OF_SAMPLE)[channel])
        if now == now:
            for back in _BACKS[_DAYS - 1 :]:
                then = float(level[(after - back) % _REMEMBERED])
                if then == then:
                    left = min(left, abs(now - then) / unit)
        return left

    def ranges(self) -> FloatArray:
        """Return how far the lowest and the highest hour of the day lie apart, (d,), in standard deviations of a row.

        Of the means of each hour over the days; NaN before all 24 hours, or those that ever have rows, are known twice.
        """
        d = self.n_columns
        if not self.is_known:
            return np.full(d, np.nan)
        of_days = self.levels[:, :d].astype(np.float64).reshape(-1, DAY, d)
        seen = of_days == of_days
        n = np.count_nonzero(seen, axis=0)
        hourly = np.add.accumulate(np.where(seen, of_days, 0.0), axis=0)[-1] / np.maximum(n, 1)
        high = np.maximum.reduce(np.where(n, hourly, -np.inf), axis=0)
        low = np.minimum.reduce(np.where(n, hourly, np.inf), axis=0)
        is_known = (self.deviation > 0.0) & (np.maximum.reduce(n, axis=0) >= _LEAST_DAYS)
        is_known &= ~((n > 0) & (n < _LEAST_DAYS)).any(axis=0)
        return np.where(is_known, (high - low) / np.where(is_known, self.deviation, 1.0), np.nan)

    def _close(self, hour: int) -> FloatArray | None:
        """Close the open hour and open another."""
        if self.hour < 0:
            self.first = self.hour = hour
            return None
        news = None
        if self.is_known:
            if hour > self.hour:
                news = self._settle()
            for gone in range(max(self.hour + 1, hour - _REMEMBERED), hour + 1):
                self.levels[gone % _REMEMBERED], self.shapes[gone % _REMEMBERED] = np.nan, np.nan
        elif hour >= self.first + DAY and len(self.sample.rows) >= _LEAST_SAMPLED:
            self._make_ruler(hour)
        elif hour < self.first:
            self.first = hour
        self.hour, self.n_rows, self.pending, self.n_pending = hour, 0, [], 0
        self.sums = np.zeros((3, self.n_columns))
        return news

    def _make_ruler(self, hour: int) -> None:
        rows = np.stack(self.sample.rows, axis=1)
        rows = np.where(np.abs(rows) < UNKNOWN_FROM, rows, np.float32(np.nan))
        self.ruler, self.known = np.sort(rows, axis=1), np.count_nonzero(rows == rows, axis=1).astype(np.float64)
        self.known[self.known < _LEAST_SAMPLED] = 0.0
        self.levels = np.full((_REMEMBERED, N_CHANNELS * self.n_columns), np.nan, np.float32)
        self.shapes, self.deviation = self.levels.copy(), np.zeros(self.n_columns)
        of_rows = np.asarray(self.sample.marks)
        for seen in sorted(set(self.sample.marks)):
            self.sums = self._scored(rows[:, of_rows == seen])
            level = self._levels(_LEAST_OF_SAMPLE).astype(np.float32)
            if hour - seen < _REMEMBERED:
                self.levels[seen % _REMEMBERED] = level
            self.recent = [*self.recent[1 - DAY :], level]
        self.sample, self.measured = ThinnedSample(_SAMPLED), hour

    def _score(self) -> None:
        if not self.pending:
            return
        self.sums += self._scored(np.concatenate(self.pending, axis=1))
        self.pending, self.n_pending = [], 0

    def _scored(self, rows: Float32s) -> FloatArray:
        """Return sums of scores, of their squares, and known rows, (3, d), of (d, n) rows."""
        sums = np.zeros((3, self.n_columns))
        for column in np.flatnonzero(self.known).tolist():
            m, values = int(self.known[column]), rows[column]
            values = values[np.abs(values) < UNKNOWN_FROM]
            if values.size:
                scores = score_table(m)[0, double_ranks(self.ruler[column, :m], values)]
                sums[:, column] = fixed_sum(scores), fixed_sum(scores * scores), values.size
        return sums

    def _levels(self, least: int) -> FloatArray:
        """Return the levels of the open hour so far, (2 d,), NaN with fewer than `least` rows."""
        total, n = self.sums[0], self.sums[2]
        mean = np.where(n >= least, total / np.maximum(n, 1.0), np.nan)
        deviation = self._deviations(mean)
        spread = np.where(deviation > _LEAST_DEVIATION, log(np.maximum(deviation, _LEAST_DEVIATION)), np.nan)
        return np.concatenate((mean, spread))

    def _deviations(self, mean: FloatArray) -> FloatArray:
        variance: FloatArray = np.sqrt(np.maximum(self.sums[1] / np.maximum(self.sums[2], 1.0) - mean * mean, 0.0))
        return variance

    def _settle(self) -> FloatArray:
        """Enter the means of the open hour; return how far its shapes are from what was seen before."""
        self._score()
        slot = self.hour % _REMEMBERED
        level = self._levels(_LEAST_ROWS)
        now, usual = self._deviations(level[: self.n_columns]), self.deviation
        now = np.where(usual > 0.0, usual + _DEVIATION_RATE * (now - usual), now)
        self.deviation = np.where(now == now, now, usual)
        shape = level - _mean(self.recent)
        self.levels[slot], self.shapes[slot] = level, shape
        self.n_all, self.n_closed = self.n_all + self.n_rows, self.n_closed + 1
        if (level == level).any():
            self.recent = [*self.recent[1 - DAY :], level.astype(np.float32)]
        return self._news(level, shape)

    def _news(self, level: FloatArray, shape: FloatArray) -> FloatArray:
        then = np.stack([self.shapes[(self.hour - back) % _REMEMBERED] for back in _BACKS]).astype(np.float64)
        seen = then == then
        days = np.count_nonzero(seen[:_DAYS], axis=0)
        ordered, channels = np.sort(then[:_DAYS], axis=0), np.arange(days.size)
        usual = 0.5 * (ordered[np.maximum(days - 1, 0) // 2, channels] + ordered[days // 2 % _DAYS, channels])
        candidates = [np.where(days >= _LEAST_DAYS, shape - usual, np.nan)]
        candidates += [shape - then[at] for at in range(_DAYS - 1, len(_BACKS))]
        candidates += [self._since(level, back) for back in _BACKS[_DAYS - 1 :]]
        news = candidates[0]
        for other in candidates[1:]:
            news = np.where((news != news) | (np.abs(other) < np.abs(news)), other, news)
        material = np.concatenate((_MATERIAL * self.deviation, np.full(self.n_columns, _MATERIAL)))
        return np.where(np.abs(news) < material, 0.0, news)

    def _since(self, level: FloatArray, back: int) -> FloatArray:
        """Return what levels are above those so many hours ago; beyond doubt, where a week ago these were sampled."""
        difference: FloatArray = level - self.levels[(self.hour - back) % _REMEMBERED]
        if self.hour - back >= self.measured:
            return difference
        if back > WEEK:
            return np.full(level.size, np.nan)
        left: FloatArray = np.copysign(np.maximum(np.abs(difference) - _DOUBT, 0.0), difference)
        return left


_BACKS: Final = (*(DAY * day for day in range(1, _DAYS + 1)), 2 * WEEK)
"""The same hour on each of the last seven days, and two weeks ago."""


def _mean(levels: list[Float32s]) -> FloatArray:
    """Return the mean of levels, (2 d,); NaN where fewer than twelve are known."""
    if not levels:
        return np.full(1, np.nan)
    rows = np.stack(levels).astype(np.float64)
    is_known = rows == rows
    n = np.count_nonzero(is_known, axis=0)
    total = np.add.accumulate(np.where(is_known, rows, 0.0), axis=0)[-1]
    return np.where(n >= _LEAST_LEVEL, total / np.maximum(n, 1), np.nan)
