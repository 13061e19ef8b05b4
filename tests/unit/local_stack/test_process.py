"""When a process is started again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.testing.processes import FakeProcess
from homeostat_tools.local_stack.process import ProcessSpec, Supervised


class Desk:
    """One supervised process on a clock that the test moves."""

    def __init__(self, ready: str | None = None) -> None:
        self.now = 0.0
        self.runs: list[FakeProcess] = []
        self.started_at: list[float] = []
        self.is_ready = False
        self.supervised = Supervised(ProcessSpec("fold", ("fold",), ready=ready), self.spawn, lambda _: self.is_ready)
        self.supervised.tick(0.0)

    def spawn(self, _: ProcessSpec) -> FakeProcess:
        self.runs.append(FakeProcess(pid=100 + len(self.runs)))
        self.started_at.append(self.now)
        return self.runs[-1]

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.now = round(self.now + 0.1, 6)
            self.supervised.tick(self.now)

    def wait_for_a_start(self) -> None:
        n_runs = len(self.runs)
        while len(self.runs) == n_runs:
            self.pass_time(0.1)

    def crash(self, exit_status: int = 1) -> None:
        self.runs[-1].exit_status = exit_status
        self.supervised.tick(self.now)

    @property
    def state(self) -> str:
        return self.supervised.status(self.now).state


def test_the_first_tick_starts_the_process() -> None:
    """A process without a readiness URL runs after one tick."""
    desk = Desk()

    status = desk.supervised.status(2.0)

    assert (status.pid, status.state, status.restarts, status.uptime_seconds) == (100, "running", 0, 2.0)


def test_a_process_is_starting_until_its_url_answers() -> None:
    """The readiness URL decides between starting and running."""
    desk = Desk(ready="http://127.0.0.1:1/ready")
    desk.pass_time(1.0)
    before = desk.state

    desk.is_ready = True
    desk.pass_time(1.0)

    assert (before, desk.state) == ("starting", "running")


def test_an_exit_is_followed_by_a_pause_and_a_start() -> None:
    """After its first exit a process waits half a second."""
    desk = Desk()

    desk.crash(exit_status=3)
    status = desk.supervised.status(desk.now)
    desk.pass_time(0.5)

    assert (status.state, status.pid, status.last_exit, status.uptime_seconds) == ("backoff", None, 3, 0.0)
    assert desk.started_at == [0.0, 0.5]


def test_pauses_double_up_to_30_seconds() -> None:
    """A process that dies at once is tried after 0.5, 1, 2, 4 s; from the fifth exit on every 30 s."""
    desk = Desk()

    for _ in range(6):
        desk.crash()
        desk.wait_for_a_start()

    pauses = [round(b - a, 1) for a, b in zip(desk.started_at, desk.started_at[1:], strict=False)]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 30.0, 30.0]


def test_five_exits_in_a_minute_are_a_crash_loop() -> None:
    """The fifth exit within 60 s is reported, and stays reported while the process is tried again."""
    desk = Desk()
    states = []

    for _ in range(5):
        desk.crash()
        states.append(desk.state)
        desk.pass_time(8.0)
    desk.pass_time(30.0)

    assert states == ["backoff"] * 4 + ["crash_loop"]
    assert desk.runs[-1].exit_status is None
    assert desk.state == "crash_loop"


def test_a_minute_of_life_forgets_the_exits() -> None:
    """After 60 s a crash loop is over and the next pause is the shortest again."""
    desk = Desk()
    for _ in range(5):
        desk.crash()
        desk.pass_time(30.0)
    desk.pass_time(61.0)
    state = desk.state
    died_at = desk.now

    desk.crash()
    desk.pass_time(1.0)

    assert state == "running"
    assert desk.started_at[-1] - died_at == pytest.approx(0.5)


def test_slow_exits_are_no_crash_loop() -> None:
    """A process that lives for 20 s each time is started again without being called a loop."""
    desk = Desk()
    states = []

    for _ in range(8):
        desk.pass_time(20.0)
        desk.crash()
        states.append(desk.state)
        desk.pass_time(31.0)

    assert "crash_loop" not in states


def test_a_stopped_process_stays_down() -> None:
    """After `terminate` neither an exit nor time starts it again."""
    desk = Desk()

    desk.supervised.terminate()
    desk.crash(exit_status=-15)
    desk.pass_time(120.0)

    assert desk.supervised.is_over
    assert (desk.state, len(desk.runs)) == ("stopped", 1)


@given(st.lists(st.floats(min_value=0.0, max_value=200.0), min_size=1, max_size=40))
def test_a_process_is_never_given_up(lives: list[float]) -> None:
    """Whatever its lives were, a process that is down is started again within 30 s and a tick."""
    desk = Desk()

    for life in lives:
        desk.now = desk.now + life
        desk.supervised.tick(desk.now)
        desk.crash()
        desk.now += 30.1
        desk.supervised.tick(desk.now)

    assert len(desk.runs) == len(lives) + 1
    assert desk.supervised.status(desk.now).restarts == len(lives)


def test_a_restart_asks_what_has_changed_meanwhile() -> None:
    """The first start is as specified; each later one is what `renew` makes of the one before."""
    started: list[ProcessSpec] = []

    def spawn(spec: ProcessSpec) -> FakeProcess:
        started.append(spec)
        process = FakeProcess(1, False)
        process.exit_status = 1
        return process

    process = Supervised(
        ProcessSpec("intake", ("intake",)),
        spawn,
        lambda _: True,
        renew=lambda spec: ProcessSpec(spec.name, (*spec.argv, "again")),
    )

    for now in (0.0, 1.0, 2.0, 10.0, 20.0):
        process.tick(now)

    assert [spec.argv.count("again") for spec in started[:3]] == [0, 1, 2]
