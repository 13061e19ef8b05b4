"""Trying again what passing trouble stops: with pauses that double, until a time-out."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=Exception)


class Backoff:
    """Say when to try again: after pauses that double, until a time-out that begins with the first failure in a row.

    Args:
        timeout_seconds: >= 0, or infinite. The last pause is cut, so that the last attempt is when it is over.
        first_seconds: Pause after the first failure in a row, > 0.
        most_seconds: Longest pause, >= `first_seconds`.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        timeout_seconds: float,
        first_seconds: float,
        most_seconds: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.n_failed = 0
        """Failures in a row."""
        self.pause_seconds = 0.0
        """From the last failure to the next attempt."""
        self._timeout, self._first, self._most, self._clock = timeout_seconds, first_seconds, most_seconds, clock
        self._since = self._due_at = clock()

    @property
    def is_due(self) -> bool:
        """Whether the pause is over; true before the first failure."""
        return self._clock() >= self._due_at

    def failed(self) -> bool:
        """Count one more failure in a row; return whether to try again when `is_due`."""
        now = self._clock()
        self._since = self._since if self.n_failed else now
        left = self._since + self._timeout - now
        self.pause_seconds = (
            min(2.0 * self.pause_seconds, self._most, left) if self.n_failed else min(self._first, left)
        )
        self.n_failed += 1
        self._due_at = now + self.pause_seconds
        return left > 0.0

    def succeeded(self) -> None:
        """Forget the failures."""
        self.n_failed, self.pause_seconds, self._due_at = 0, 0.0, self._clock()


def retry(
    attempt: Callable[[], T],
    trouble: type[E],
    backoff: Backoff,
    on_failure: Callable[[E], None] = lambda error: None,
    sleep: Callable[[float], None] = sleep,
) -> T:
    """Call until it succeeds; blocks.

    Args:
        attempt: Called at once, then after each pause.
        trouble: Raised by an attempt that may succeed later; what else is raised ends it.
        backoff: Without a failure so far.
        on_failure: Told of each failure that another attempt follows; what it raises ends it.
        sleep: Waits for some seconds.

    Raises:
        E: That of the last attempt, when the time-out is over.
    """
    while True:
        try:
            return attempt()
        except trouble as error:
            if not backoff.failed():
                raise
            on_failure(error)
        sleep(backoff.pause_seconds)
