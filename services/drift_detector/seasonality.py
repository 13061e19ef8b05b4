"""What the time of day does to the columns: learned from whole days, taken off, shown."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from drift_detector.reference import Floats

_HOURS: Final = 24
_HOUR_SECONDS: Final = 3600.0
_DAY_SECONDS: Final = 86_400.0
_LEAST_DAYS: Final = 3
_LEAST_BUCKETS: Final = 2
_REMEMBERED_DAYS: Final = 28


@dataclass(slots=True)
class Seasonality:
    """Mean of the buckets by hour of the day, UTC, per column.

    Nothing is taken off before three days are whole and every hour has two buckets: less than that is no season. A
    feature that comes later has none until its own hours have them. Older weeks count for less: every four weeks all
    counts are halved.

    Attributes:
        sums: (24, d) sums of bucket means.
        counts: (24, d) known means behind them.
        days: Days begun so far, since the last halving.
        day: Number of the newest day since the epoch.
        is_known: Whether the season is taken off.
        is_whole: (d,) 1 for a feature whose every hour had two buckets, else 0.
        offsets: (24, d) what the hour adds to the mean of the day; 0 for the others.
    """

    sums: Floats = field(default_factory=lambda: np.zeros((_HOURS, 1)))
    counts: Floats = field(default_factory=lambda: np.zeros((_HOURS, 1)))
    days: int = 0
    day: float = -1.0
    is_known: bool = False
    is_whole: Floats = field(default_factory=lambda: np.zeros(1))
    offsets: Floats = field(default_factory=lambda: np.zeros((_HOURS, 1)))

    def learn(self, seconds: float, means: Floats) -> bool:
        """Take a bucket in.

        Args:
            seconds: Event time of it, since the epoch.
            means: (d,) with the season taken off once it is known, NaN where nothing was known.

        Returns:
            Whether a season has become known with it: what was normal so far was another thing.
        """
        if self.sums.shape[1] != means.size:
            self.sums, self.counts = np.zeros((_HOURS, means.size)), np.zeros((_HOURS, means.size))
            self.days, self.day, self.is_known = 0, -1.0, False
            self.is_whole, self.offsets = np.zeros(means.size), np.zeros((_HOURS, means.size))
        day = seconds // _DAY_SECONDS
        if day > self.day:
            self.day, self.days = day, self.days + 1
        elif day < self.day - 1.0:
            self.day = day  # the newest day was a wrong clock's: no other would ever be newer
        if self.days > _REMEMBERED_DAYS:
            self.sums, self.counts, self.days = 0.5 * self.sums, 0.5 * self.counts, _REMEMBERED_DAYS // 2
        hour, is_seen = _hour(seconds), means == means
        if self.is_known:
            means = means + self.offsets[hour]
        self.sums[hour] += means if is_seen.all() else np.where(is_seen, means, 0.0)
        self.counts[hour] += is_seen
        if not self.is_known and self.days <= _LEAST_DAYS:
            return False
        # Once whole, always: halving the counts must not make a season come and go.
        is_whole = np.maximum(self.is_whole, np.minimum.reduce(self.counts, axis=0) >= _LEAST_BUCKETS)
        # A feature that never came has no season, and must not keep the others from theirs.
        is_seen = np.maximum.reduce(self.counts, axis=0) > 0.0
        if not self.is_known and not (is_seen.any() and is_whole[is_seen].all()):
            return False
        is_news = bool((is_whole > self.is_whole).any())
        hourly = self.hourly()
        daily = np.add.accumulate(hourly, axis=0)[-1] / _HOURS
        self.is_known, self.is_whole, self.offsets = True, is_whole, np.where(is_whole > 0.0, hourly - daily, 0.0)
        return is_news

    def offsets_at(self, times: Floats) -> Floats:
        """Return what the hours of n rows add to the mean of the day, (d, n), or (d, 1) if it is the same hour."""
        first, last = _hour(float(times[0])), _hour(float(times[-1]))
        if first == last:
            one: Floats = self.offsets[first][:, None]
            return one
        by_row: Floats = self.offsets[(times // _HOUR_SECONDS % _HOURS).astype(np.intp)].T
        return by_row

    def hourly(self) -> Floats:
        """Return the means by hour, (24, d); 0 where nothing was known."""
        hourly: Floats = self.sums / np.maximum(self.counts, 1.0)
        return hourly


def _hour(seconds: float) -> int:
    return int(seconds // _HOUR_SECONDS) % _HOURS
