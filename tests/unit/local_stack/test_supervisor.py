"""Many processes at once, on a clock that only waiting moves."""

import threading
from pathlib import Path

import pytest

from homeostat.testing.processes import FakeProcess
from homeostat_tools.local_stack.process import ProcessSpec
from homeostat_tools.local_stack.status_file import read_report
from homeostat_tools.local_stack.supervisor import Supervisor

SPECS = [ProcessSpec("intake", ("intake",)), ProcessSpec("governor", ("governor",))]


class Machine:
    """Fake processes and time."""

    def __init__(self, stubborn: frozenset[str] = frozenset()) -> None:
        self.now = 0.0
        self.stubborn = stubborn
        self.processes: dict[str, FakeProcess] = {}

    def spawn(self, spec: ProcessSpec) -> FakeProcess:
        self.processes[spec.name] = FakeProcess(1000 + len(self.processes), spec.name in self.stubborn)
        return self.processes[spec.name]

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def supervisor(self, log_dir: Path) -> Supervisor:
        return Supervisor(
            SPECS, log_dir, spawn=self.spawn, probe=lambda _: True, clock=lambda: self.now, sleep=self.sleep
        )


def test_every_process_is_started_and_reported(tmp_path: Path) -> None:
    """After one tick all processes run, and another shell can read it."""
    supervisor = Machine().supervisor(tmp_path / "logs")

    supervisor.tick()

    report = read_report(tmp_path / "processes.json")
    assert report is not None
    assert report.processes == tuple(supervisor.status())
    assert [(p.name, p.state) for p in report.processes] == [("intake", "running"), ("governor", "running")]


def test_a_change_is_reported_in_the_tick_that_sees_it(tmp_path: Path) -> None:
    """A crash shows in the report without waiting for the next regular one."""
    machine = Machine()
    supervisor = machine.supervisor(tmp_path / "logs")
    supervisor.tick()

    machine.processes["intake"].exit_status = 1
    supervisor.tick()

    report = read_report(supervisor.report_path)
    assert report is not None
    assert [p.state for p in report.processes] == ["backoff", "running"]


def test_stop_ends_all_processes(tmp_path: Path) -> None:
    """Processes that obey SIGTERM end by it, and nothing is started again."""
    machine = Machine()
    supervisor = machine.supervisor(tmp_path / "logs")
    supervisor.tick()

    supervisor.stop()

    assert [(p.state, p.last_exit) for p in supervisor.status()] == [("stopped", -15), ("stopped", -15)]


def test_what_ignores_sigterm_is_killed_after_the_timeout(tmp_path: Path) -> None:
    """A stubborn process gets the whole timeout, then SIGKILL."""
    machine = Machine(stubborn=frozenset({"governor"}))
    supervisor = machine.supervisor(tmp_path / "logs")
    supervisor.tick()

    supervisor.stop(timeout_seconds=5.0)

    assert [p.last_exit for p in supervisor.status()] == [-15, -9]
    assert machine.now >= 5.0


def test_run_forever_stops_everything_when_asked(tmp_path: Path) -> None:
    """Once the event is set, the loop ends and no process is left."""
    machine = Machine()
    supervisor = machine.supervisor(tmp_path / "logs")
    supervisor.tick()
    stop = threading.Event()
    stop.set()

    supervisor.run_forever(stop)

    assert {p.state for p in supervisor.status()} == {"stopped"}


def test_names_are_unique(tmp_path: Path) -> None:
    """Two processes with one name would share a log: refused."""
    with pytest.raises(ValueError, match="not unique"):
        Supervisor([SPECS[0], SPECS[0]], tmp_path)
