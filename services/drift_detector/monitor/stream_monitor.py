"""Rows of one stream against what they were after the reset: evidence with a guarantee."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from homeostat.services.drift_detector.settings import Settings
from homeostat.stats.exchangeability import ExchangeabilityMonitor, Float32s
from homeostat.stats.portable import FloatArray
from homeostat.stats.same_hours import SameHours
from homeostat.stats.trail import Found, Trail, judged

_MOST_BATCHES = 2
_ROWS_PER_DELAY = 8
"""Rows of calm for one row more that is waited for, up to twice the least."""


@dataclass(slots=True)
class StreamMonitor:
    """Bets that the rows of a stream are exchangeable with those that came first.

    Rows wait until there are enough of them: `add`, then `take` and `update`.

    Args:
        watch: Of the rows.
        columns: Names of the columns of a row.
        trail: Of the watch.
        season: The same hours of days and weeks before, which outlive champions; None if the time is not looked at.
        pending: (d, n) rows each that are not taken in yet.
        n_pending: Their number.
        pending_seconds: Sum of their event times.
    """

    watch: ExchangeabilityMonitor
    columns: list[str]
    trail: Trail = field(default_factory=Trail)
    season: SameHours | None = None
    pending: list[Float32s] = field(default_factory=list)
    n_pending: int = 0
    pending_seconds: float = 0.0

    @classmethod
    def initial(cls, columns: list[str], season: SameHours | None, settings: Settings) -> "StreamMonitor":
        """Return the monitor of rows that has seen none.

        Args:
            columns: Names of the columns of a row.
            season: Of these columns, as far as it is known.
            settings: Of the detector.
        """
        return cls(_watch(len(columns), settings), columns, season=season)

    def add(self, rows: Float32s, times: FloatArray, known: Float32s | None) -> bool:
        """Let the rows of one event wait; say whether an hour was closed that was bet on.

        Args:
            rows: (d, n), n >= 1; nobody may change them.
            times: (n,) event times, seconds; the middle one stands for all.
            known: (d, n) what the season takes of them; None if the times are a wrong clock's.
        """
        n = rows.shape[1]
        self.pending.append(rows)
        self.n_pending += n
        self.pending_seconds += n * float(times[n // 2])
        return self.season is not None and known is not None and self.season.take(known, times)

    def take(self, n: int, *, is_urgent: bool = False) -> tuple[Float32s, float] | None:
        """Take the rows that wait, if there are enough: the longer nothing has moved, the less a delay matters.

        Args:
            n: Rows that are waited for: after a long calm up to twice as many.
            is_urgent: Any number is enough.

        Returns:
            The rows, (d, n), and their mean event time, seconds; None if more are waited for.
        """
        pending, n_pending = self.pending, self.n_pending
        if not pending or (not is_urgent and n_pending < n):
            return None
        if not is_urgent and n_pending < _MOST_BATCHES * n and n_pending < self.watch.n_rows // _ROWS_PER_DELAY:
            return None
        time = self.pending_seconds / n_pending
        self.pending, self.n_pending, self.pending_seconds = [], 0, 0.0
        return pending[0] if len(pending) == 1 else np.concatenate(pending, axis=1), time

    def update(self, rows: Float32s, time: float, settings: Settings) -> Found:
        """Bet on rows; say whether the evidence crosses the guarantee.

        Args:
            rows: (d, n).
            time: Of their middle, seconds.
            settings: Of the detector.
        """
        self.trail.follow(self.watch, rows, time)
        news = None if self.season is None else self.season.news
        return judged(self.watch, self.trail, news, settings.alarm_limit, settings.fdr)

    def names(self, columns: Iterable[int]) -> tuple[str, ...]:
        """Return the names of columns."""
        return tuple([self.columns[column] for column in columns])

    def reset(self, settings: Settings) -> None:
        """Take what now comes in for normal; rows that wait, and the season, stay."""
        self.watch, self.trail = _watch(self.watch.known.size, settings), Trail()


def _watch(width: int, settings: Settings) -> ExchangeabilityMonitor:
    return ExchangeabilityMonitor.start(width, first=settings.first_reference_rows, full=settings.reference_rows)
