"""The limits of a run."""

import pytest
from structlog.testing import capture_logs

from homeostat.core import Retry
from homeostat.services.maml_trainer.deadline import RunDeadline, StopRun


class Clock:
    """Wall clock of a test: it passes in sleep alone."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Put in place of the machine's."""
    clock = Clock()
    monkeypatch.setattr("homeostat.services.maml_trainer.deadline.monotonic", lambda: clock.now)
    monkeypatch.setattr("homeostat.services.maml_trainer.deadline.sleep", clock.sleep)
    return clock


def test_time_counts_from_the_making_and_from_dead_processes(clock: Clock) -> None:
    """What a process that was killed had spent is spent."""
    limits = RunDeadline(10.0, 1.0, lambda: False)
    limits.carry(7.0, is_judged=False)
    clock.sleep(2.5)

    limits.check("before")
    clock.sleep(1.0)

    assert limits.seconds == 10.5
    with pytest.raises(StopRun, match="10 s are over at the gate") as caught:
        limits.check("at the gate")
    assert caught.value.reason == "timed_out"


def test_a_result_that_was_in_time_stays_in_time(clock: Clock) -> None:
    """A process that died after the gate has spent what it had: its result is said again, not taken back."""
    limits = RunDeadline(10.0, 1.0, lambda: False)

    limits.carry(9.9, is_judged=True)
    clock.sleep(5.0)
    limits.check("at the gate")

    assert limits.seconds == pytest.approx(14.9)


def test_passing_trouble_passes(clock: Clock) -> None:
    """What comes within the retry time-out is as if it had been there; one line of the log says that it was not."""
    there_at = clock.now + 20

    def attempt() -> float:
        if clock.now < there_at:
            raise Retry("not yet")
        return clock.now

    with capture_logs() as logs:
        came_at = RunDeadline(60.0, 30.0, lambda: False).patiently(attempt)

    assert came_at == pytest.approx(there_at, abs=2.0)
    assert [line["event"] for line in logs] == ["run_waits"]


def test_retries_end(clock: Clock) -> None:
    """With the trouble in the reason for people."""

    def attempt() -> None:
        raise Retry("the store is away")

    with pytest.raises(StopRun, match="the store is away; waited for 30 s") as caught:
        RunDeadline(60.0, 30.0, lambda: False).patiently(attempt)

    assert caught.value.reason == "no_data"
    assert clock.now == pytest.approx(130, abs=0.3)


@pytest.mark.parametrize(
    ("timeout_seconds", "is_cancelled", "reason"), [(60.0, True, "cancelled"), (5.0, False, "timed_out")]
)
@pytest.mark.usefixtures("clock")
def test_waiting_is_part_of_the_run(timeout_seconds: float, is_cancelled: bool, reason: str) -> None:
    """A run that waits can be called off, and runs out of time."""

    def attempt() -> None:
        raise Retry("not yet")

    with pytest.raises(StopRun) as caught:
        RunDeadline(timeout_seconds, 30.0, lambda: is_cancelled).patiently(attempt)

    assert caught.value.reason == reason
