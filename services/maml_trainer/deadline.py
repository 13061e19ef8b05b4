"""The limits of a run: how long it may take, how long it waits for what is not there, whether it was called off."""

from collections.abc import Callable
from math import inf
from time import monotonic, sleep
from typing import Final, TypeVar

import structlog

from homeostat.core import Reject, Retry
from homeostat.core.backoff import Backoff, retry

T = TypeVar("T")

_FIRST_PAUSE_SECONDS: Final = 0.2
_MOST_PAUSE_SECONDS: Final = 2.0
"""Between two attempts to get what is not there yet."""

log = structlog.get_logger(__name__)


class StopRun(Reject):
    """The run is over before its end.

    Args:
        reason: Stable code: cancelled, timed_out, no_data.
        detail: For people.
    """


class RunDeadline:
    """Begins when it is made.

    Args:
        timeout_seconds: Of the whole run, in all processes that worked on it.
        retry_timeout_seconds: For one thing that is not there.
        is_cancelled: Whether nobody wants the result any more.
    """

    def __init__(self, timeout_seconds: float, retry_timeout_seconds: float, is_cancelled: Callable[[], bool]) -> None:
        self._timeout, self._retry_timeout, self._is_cancelled = timeout_seconds, retry_timeout_seconds, is_cancelled
        self._began, self._carried = monotonic(), 0.0

    @property
    def seconds(self) -> float:
        """Wall clock so far, time of processes that died included, as far as they have told."""
        return self._carried + monotonic() - self._began

    def carry(self, seconds: float, *, is_judged: bool) -> None:
        """Take over from a process that died.

        Args:
            seconds: That it had spent.
            is_judged: It had a result in time: that stands, however long it takes to say it again.
        """
        self._carried = seconds
        if is_judged:
            self._timeout = inf

    def check(self, where: str) -> None:
        """Ask whether to go on, after each phase and each step.

        Raises:
            StopRun: Cancelled, or the time is up.
        """
        if self._is_cancelled():
            raise StopRun("cancelled", f"cancelled {where}")
        if self.seconds > self._timeout:
            raise StopRun("timed_out", f"{self._timeout:.0f} s are over {where}")

    def patiently(self, attempt: Callable[[], T]) -> T:
        """Try again what passing trouble stops, until the retry time-out.

        Raises:
            StopRun: It lasted longer, or the run is over; what else the attempt raises.
        """
        backoff = Backoff(self._retry_timeout, _FIRST_PAUSE_SECONDS, _MOST_PAUSE_SECONDS, monotonic)

        def wait(trouble: Retry) -> None:
            if backoff.n_failed == 1:
                log.info("run_waits", reason=str(trouble), retry_timeout_seconds=self._retry_timeout)
            self.check("waiting for what is not there yet")

        try:
            return retry(attempt, Retry, backoff, wait, sleep)
        except Retry as trouble:
            raise StopRun("no_data", f"{trouble}; waited for {self._retry_timeout:.0f} s") from trouble
