"""What the time of day does to the inputs: learned from whole days, taken off, shown."""

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
    """Mean of the buckets by hour of the day, UTC, per feature.

    Nothing is taken off before three days are whole and every hour has two buckets: less than that is no season. Older
    weeks count for less: every four weeks all counts are halved.

    Attributes:
        sums: (24, d) sums of bucket means.
        counts: (24, d) known means behind them.
        days: Days begun so far, since the last halving.
        day: Number of the newest day since the epoch.
        is_known: Whether the season is taken off.
    """

    sums: Floats = field(default_factory=lambda: np.zeros((_HOURS, 1)))
    counts: Floats = field(default_factory=lambda: np.zeros((_HOURS, 1)))
    days: int = 0
    day: float = -1.0
    is_known: bool = False

    def learn(self, seconds: float, means: Floats) -> bool:
        """Take a bucket in.

        Args:
            seconds: Event time of it, since the epoch.
            means: (d,) with nothing taken off, NaN where nothing was known.

        Returns:
            Whether the season has become known with it: what was normal so far was another thing.
        """
        if self.sums.shape[1] != means.size:
            self.sums, self.counts = np.zeros((_HOURS, means.size)), np.zeros((_HOURS, means.size))
            self.days, self.day, self.is_known = 0, -1.0, False
        day = seconds // _DAY_SECONDS
        if day > self.day:
            self.day, self.days = day, self.days + 1
        if self.days > _REMEMBERED_DAYS:
            self.sums, self.counts, self.days = 0.5 * self.sums, 0.5 * self.counts, _REMEMBERED_DAYS // 2
        hour, is_seen = _hour(seconds), means == means
        self.sums[hour] += np.where(is_seen, means, 0.0)
        self.counts[hour] += is_seen
        if self.is_known or self.days <= _LEAST_DAYS:
            return False
        # A feature that never came has no season, and must not keep the others from theirs.
        seen = self.counts[:, np.maximum.reduce(self.counts, axis=0) > 0.0]
        self.is_known = bool(seen.size and (seen >= _LEAST_BUCKETS).all())
        return self.is_known

    def offset(self, seconds: float) -> Floats:
        """Return what the hour adds to the mean of the day, (d,); requires the season to be known."""
        hourly = self.hourly()
        offset: Floats = hourly[_hour(seconds)] - np.add.accumulate(hourly, axis=0)[-1] / _HOURS
        return offset

    def hourly(self) -> Floats:
        """Return the means by hour, (24, d); 0 where nothing was known."""
        hourly: Floats = self.sums / np.maximum(self.counts, 1.0)
        return hourly


def _hour(seconds: float) -> int:
    return int(seconds // _HOUR_SECONDS) % _HOURS
