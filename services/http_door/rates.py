"""How many events a sender may send in a time: token buckets."""

from collections import OrderedDict
from typing import Final

from homeostat.services.http_door.refusals import TryLater

_MOST_NAMES: Final = 10_000
"""Subjects of OIDC tokens are anybody's: beyond so many the bucket that was used longest ago is forgotten, full."""


class Rates:
    """A bucket for every name; a bucket that holds one event lets a whole batch through, and then owes.

    Args:
        events_per_second: At which a bucket fills, > 0.
        burst: Events that a full one holds, >= 1.
    """

    def __init__(self, events_per_second: float, burst: int) -> None:
        self._rate, self._burst = events_per_second, burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, n: int, now: float, events_per_second: float | None = None) -> None:
        """Take n events out of the bucket of a name.

        Args:
            name: Whose.
            n: >= 0.
            now: Seconds that never go back.
            events_per_second: Instead of the common rate; the burst is that of two seconds then.

        Raises:
            TryLater: `rate_limited`: it holds none, and nothing was taken.
        """
        rate = events_per_second or self._rate
        burst = max(1.0, 2.0 * rate) if events_per_second else float(self._burst)
        left, since = self._buckets.get(name, (burst, now))
        left = min(burst, left + (now - since) * rate)
        is_let = left >= 1.0 or not n
        self._buckets[name] = (left - n if is_let else left, now)
        self._buckets.move_to_end(name)
        if len(self._buckets) > _MOST_NAMES:
            self._buckets.popitem(last=False)
        if not is_let:
            raise TryLater("rate_limited", f"this token may send {rate:g} events a second", (1.0 - left) / rate)
