"""Pauses double, and end."""

from math import inf

import pytest

from homeostat.core import Retry
from homeostat.core.backoff import Backoff, retry


class Clock:
    """Seconds that pass in `sleep` alone."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, list[float]()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def away() -> None:
    raise Retry("away")


def test_pauses_double_up_to_the_longest_and_the_last_ends_at_the_timeout() -> None:
    """The error is that of the last attempt, which is made when the time is over."""
    clock = Clock()

    with pytest.raises(Retry, match="away"):
        retry(away, Retry, Backoff(10.0, 0.5, 3.0, clock), sleep=clock.sleep)

    assert clock.slept == [0.5, 1.0, 2.0, 3.0, 3.0, 0.5]


def test_success_forgets_the_failures() -> None:
    """The next failure is a first one: its pause is short, and its time-out begins with it."""
    clock = Clock()
    backoff = Backoff(2.0, 1.0, 8.0, clock)
    assert backoff.failed()
    clock.sleep(1.0)
    assert backoff.failed()

    backoff.succeeded()
    clock.sleep(5.0)

    assert backoff.is_due
    assert backoff.failed()
    assert (backoff.n_failed, backoff.pause_seconds, backoff.is_due) == (1, 1.0, False)


def test_without_a_timeout_it_goes_on() -> None:
    """After any number of failures."""
    clock = Clock()
    backoff = Backoff(inf, 1.0, 4.0, clock)

    assert all(backoff.failed() for _ in range(2_000))
    assert backoff.pause_seconds == 4.0


def test_no_time_is_one_attempt() -> None:
    """A time-out of 0 does not wait."""
    clock = Clock()

    with pytest.raises(Retry):
        retry(away, Retry, Backoff(0.0, 1.0, 1.0, clock), sleep=clock.sleep)

    assert clock.slept == []


def test_other_errors_and_what_is_raised_on_a_failure_end_it() -> None:
    """At once."""
    clock = Clock()

    def stop(error: Retry) -> None:
        raise KeyError(str(error))

    with pytest.raises(KeyError, match="away"):
        retry(away, Retry, Backoff(10.0, 1.0, 1.0, clock), stop, clock.sleep)
    with pytest.raises(ZeroDivisionError):
        retry(lambda: 1 // 0, Retry, Backoff(10.0, 1.0, 1.0, clock), sleep=clock.sleep)

    assert clock.slept == []
