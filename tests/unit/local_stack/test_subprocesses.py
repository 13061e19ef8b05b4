"""Real child processes: who ends when."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from homeostat_tools.local_stack.process import ProcessSpec
from homeostat_tools.local_stack.subprocesses import MAX_LOG_BYTES, log_tail, spawn
from homeostat_tools.local_stack.supervisor import Supervisor, answers_ok

SLEEP = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)")
PARENT = """
import sys
from pathlib import Path
from homeostat_tools.local_stack.subprocesses import spawn
print(spawn(["sleep", "600"], {}, Path(sys.argv[1])).pid, flush=True)
sys.stdin.read()
"""
WAIT_SECONDS = 240.0


def test_output_and_environment_reach_the_log(tmp_path: Path) -> None:
    """What the child prints, with the environment it was given, is appended to its log."""
    code = "import os; print(os.environ['GREETING'])"

    for greeting in ("first", "second"):
        spawn([sys.executable, "-c", code], {"GREETING": greeting}, tmp_path / "logs" / "child.log").wait(WAIT_SECONDS)

    assert log_tail(tmp_path / "logs" / "child.log") == "first\nsecond"


def test_a_missing_program_is_said_in_the_log(tmp_path: Path) -> None:
    """A program that does not exist ends with 127, as in a shell, and the log names it."""
    log = tmp_path / "child.log"

    status = spawn(["no-such-program"], {}, log).wait(WAIT_SECONDS)

    assert status == 127
    assert "cannot run no-such-program" in log_tail(log)


def test_a_long_log_is_set_aside(tmp_path: Path) -> None:
    """A start with a log over the limit begins a new one and keeps the last."""
    log = tmp_path / "child.log"
    log.write_bytes(b"x" * (MAX_LOG_BYTES + 1))

    spawn([sys.executable, "-c", "print('new')"], {}, log).wait(WAIT_SECONDS)

    assert log_tail(log) == "new"
    assert (tmp_path / "child.log.1").stat().st_size == MAX_LOG_BYTES + 1


def test_no_log_has_no_tail(tmp_path: Path) -> None:
    """Asking for the end of a log that was never written is no error."""
    assert log_tail(tmp_path / "none.log") == ""


def test_a_child_has_a_session_of_its_own(tmp_path: Path) -> None:
    """The terminal's Ctrl-C goes to the parent's group, and the child is not in it."""
    child = spawn(SLEEP, {}, tmp_path / "child.log")

    session = os.getsid(child.pid)
    child.kill()
    child.wait(WAIT_SECONDS)

    assert session == child.pid != os.getsid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """A kill -9 of the parent leaves nothing behind."""
    argv = [sys.executable, "-c", PARENT, str(tmp_path / "child.log")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))

        parent.kill()

    gone, alive = psutil.wait_procs([child], timeout=WAIT_SECONDS)
    assert (len(gone), alive) == (1, [])


def test_kill_reaches_what_the_child_started(tmp_path: Path) -> None:
    """A job that a service started does not outlive it."""
    code = "import subprocess; p = subprocess.Popen(['sleep', '600']); print(p.pid, flush=True); p.wait()"
    log = tmp_path / "child.log"
    child = spawn([sys.executable, "-c", code], {}, log)
    while not log_tail(log):
        assert child.poll() is None
    grandchild = psutil.Process(int(log_tail(log)))

    child.kill()

    assert child.wait(WAIT_SECONDS) == -signal.SIGKILL
    assert psutil.wait_procs([grandchild], timeout=WAIT_SECONDS)[1] == []


def test_a_supervised_process_is_started_again_and_stopped(tmp_path: Path) -> None:
    """With real processes: killed, started again with another id, stopped for good."""
    supervisor = Supervisor([ProcessSpec("sleeper", SLEEP)], tmp_path / "logs")
    supervisor.tick()
    first = supervisor.status()[0].pid
    assert first is not None

    os.kill(first, signal.SIGKILL)
    while (again := supervisor.status()[0]).restarts == 0:
        supervisor.tick()
    supervisor.stop()
    last = supervisor.status()[0]

    assert (again.last_exit, again.state) == (-signal.SIGKILL, "running")
    assert again.pid not in (None, first)
    assert (last.state, last.pid, last.last_exit) == ("stopped", None, -signal.SIGTERM)


def test_nobody_answers_at_a_closed_port() -> None:
    """A service that does not listen yet is not ready; that is no error."""
    assert not answers_ok("http://127.0.0.1:1/ready")
