"""Columns against the same hours of days and weeks before: evidence that an hour was like none of them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from homeostat.stats.exchangeability import ExchangeabilityMonitor, Float32s
from homeostat.stats.hours import DAY, HOUR_SECONDS, Hours
from homeostat.stats.martingales import HEAD_START
from homeostat.stats.portable import FloatArray
from homeostat.stats.steps import Step

_FIRST: Final = 48
_FULL: Final = 192
_MOST_AN_HOUR: Final = 100.0
_LEAST_SHARE: Final = 0.5
"""Of a step that must be news; the rest is what those hours bring."""
_LEAST_SIZE: Final = 0.25
_RISEN: Final = 2.0 * HEAD_START
_UNNOTICED: Final = 6
"""Hours of a shift before its evidence is seen to rise."""


@dataclass(slots=True, eq=False)
class SameHours:
    """Watches the hourly means of d columns, less those of the same hour before (`Hours`).

    That difference is a column of its own, one value an hour, of each channel, watched like any other
    (`ExchangeabilityMonitor`): what it is like while nothing moves, its tails and its memory are learned, two days of
    it before anything is bet. For a day after a shift that was told nothing is bet: the shapes of those hours hold it.

    Attributes:
        hours: What the columns were like.
        watch: Of the differences, None before there are any.
        quiet_until: Hour before which nothing is bet.
        begun: Event time that the evidence began to rise at, seconds.
        n_risen: Hours since.
    """

    hours: Hours
    watch: ExchangeabilityMonitor | None = None
    quiet_until: int = -1
    begun: float = 0.0
    n_risen: int = 0

    @classmethod
    def start(cls, n_columns: int) -> "SameHours":
        """Return the watch over n columns before any row."""
        return cls(Hours(n_columns))

    def take(self, rows: Float32s, times: FloatArray) -> bool:
        """Take rows in.

        Args:
            rows: (d, n) values; kept for a while, so nobody may change them.
            times: (n,) seconds since the epoch.

        Returns:
            Whether an hour was closed that was bet on.
        """
        hours = times // HOUR_SECONDS
        if hours[0] == hours[-1] and (hours.size < 3 or (hours == hours[0]).all()):
            return self._take(rows, int(hours[0]))
        is_news = False
        for hour in np.unique(hours[hours == hours]).tolist():
            is_news |= self._take(rows[:, hours == hour], int(hour))
        return is_news

    def statistic(self) -> float:
        """Return the Shiryaev-Roberts statistic, in hours."""
        return self.watch.bets.statistic if self.watch is not None else 0.0

    def limit(self, run_length: float) -> float:
        """Return what the statistic must reach for a false alarm in `run_length` rows at most, on average."""
        hours = self.hours
        an_hour = min(max(hours.n_all / max(hours.n_closed, 1), 1.0), _MOST_AN_HOUR)
        return run_length / an_hour + HEAD_START

    def is_beyond(self, run_length: float) -> bool:
        """Say whether the statistic has reached its limit; see `limit`."""
        return self.statistic() >= self.limit(run_length)

    def drifted_columns(self, alpha: float) -> list[int]:
        """Return the columns that an alarm is about, the strongest first."""
        channels = self.watch.drifted_columns(alpha) if self.watch is not None else []
        return list(dict.fromkeys(channel % self.hours.n_columns for channel in channels))

    def news(self, steps: list[Step]) -> list[Step]:
        """Return those steps that are not what the hour brings on other days or weeks."""
        found = []
        for step in steps:
            before, after = int(step.before // HOUR_SECONDS), int(step.after // HOUR_SECONDS)
            left = self.hours.usual(step.channel, before, after, step.size)
            if left >= max(_LEAST_SIZE, _LEAST_SHARE * abs(step.size)):
                found.append(step)
        return found

    def restart(self) -> None:
        """Begin anew after a shift was published: what is bet on from the day after it on is measured from there."""
        if self.watch is not None:
            self.watch.leave_out(self.n_risen + _UNNOTICED)
            self.watch.bets, self.n_risen = self.watch.bets.without_evidence(), 0
        self.quiet_until = self.hours.hour + DAY + 1

    def forget(self, columns: npt.NDArray[np.intp]) -> None:
        """Forget what columns were like: they are another model's from now on."""
        self.hours.forget(columns)
        self.restart()

    def _take(self, rows: Float32s, hour: int) -> bool:
        closed = self.hours.hour
        news = self.hours.take(rows, hour)
        if news is None or closed < self.quiet_until or not (news == news).any():
            return False
        self.n_risen += 1
        if self.statistic() < _RISEN:
            self.begun, self.n_risen = closed * HOUR_SECONDS, 1
        if self.watch is None:
            self.watch = ExchangeabilityMonitor.start(news.size, first=_FIRST, full=_FULL, is_symmetric=True)
        self.watch.update(news.astype(np.float32)[:, None])
        return True
