"""Recipes as real processes: limits, time-outs, cancelling."""

import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import numpy as np
import psutil
import pytest

from homeostat.artifacts import ArtifactStore
from homeostat.core import CommandExecution, Event, Report
from homeostat.events import ActionFailed, CandidateTrained, Range
from homeostat.services.retrain_actuator.hand import RetrainActuator
from homeostat.services.retrain_actuator.history import Rows
from homeostat.services.retrain_actuator.targets.subprocess import SubprocessLauncher

RECIPE = """
import json, os, struct, subprocess, sys, time
job = json.load(open(sys.argv[1]))
for arm in job["arms"]:
    name = arm["arm"]
    if name == "hang":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        open("pids", "w").write(f"{os.getpid()} {child.pid}")
        time.sleep(600)
    if name == "spin":
        while True: pass
    if name == "greedy":
        block = bytearray(1 << 33)
    if name == "secret":
        print(json.dumps({"arm": name, "error": repr(os.environ.get("HOMEOSTAT_SASL_PASSWORD"))}), flush=True)
        continue
    header = b'{"w1":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    with open(os.path.join(job["out"], name + ".safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + struct.pack("<f", 1.0))
    print("chatter that is no result", flush=True)
    print(json.dumps({"arm": name, "path": name + ".safetensors", "seconds": 0.1, "rows": 2}), flush=True)
"""


class TwoRows:
    """A history of two rows."""

    def labelled(self, window: Range, subject: str) -> Rows:
        return np.zeros((2, 2), np.float32), np.zeros(2)


class Clock:
    """Time that moves when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hangs(tmp_path: Path) -> Callable[[list[Report]], bool]:
    """Whether the arm `hang` has begun."""
    return lambda _: any(path.read_text().count(" ") for path in (tmp_path / "jobs").glob("*/attempt-1/pids"))


@pytest.fixture
def hand(tmp_path: Path, store: ArtifactStore, clock: Clock) -> RetrainActuator:
    script = tmp_path / "recipe.py"
    script.write_text(RECIPE)
    launcher = SubprocessLauncher({"test": (sys.executable, str(script), "{job}")}, memory_bytes=1 << 30)
    return RetrainActuator(TwoRows(), store, launcher, tmp_path / "jobs", clock=clock)


def until(task: CommandExecution | None, is_enough: Callable[[list[Report]], bool]) -> list[Report]:
    """Poll until it is enough, or fail after a minute."""
    assert task is not None
    found: list[Report] = []
    limit = monotonic() + 60
    while monotonic() < limit:
        found += task.poll()
        if is_enough(found):
            return found
    raise AssertionError(f"the task goes on after {found}")


def done(task: CommandExecution | None) -> list[Report]:
    return until(task, lambda _: task is not None and task.is_done)


def is_running(pid: int) -> bool:
    """Whether a process still computes; one that nobody has waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def errors(reports: list[Report]) -> dict[str, str]:
    return {report.data.arm: report.data.error for report in reports if isinstance(report.data, CandidateTrained)}


def test_a_process_trains_every_arm(hand: RetrainActuator, command: Callable[..., Event]) -> None:
    """Lines that are no results are passed over."""
    assert errors(done(hand.start(command("warm", "scratch")))) == {"warm": "", "scratch": ""}


def test_an_arm_that_hangs_is_killed_and_the_rest_is_trained(
    hand: RetrainActuator, command: Callable[..., Event], clock: Clock, hangs: Callable[[list[Report]], bool]
) -> None:
    """A time-out costs its arm only."""
    task = hand.start(command("warm", "hang", "scratch", timeout_seconds=9.0))
    assert task is not None
    reports = until(task, hangs)
    reports += task.poll()  # what was printed before it hung: a line that is read later gives the arm new time

    clock.now = 9.0
    found = errors(reports + done(task))

    assert found.pop("hang") == "not finished within 9 s"
    assert found == {"warm": "", "scratch": ""}


def test_a_command_whose_arms_all_hang_has_timed_out(
    hand: RetrainActuator, command: Callable[..., Event], clock: Clock, hangs: Callable[[list[Report]], bool]
) -> None:
    """The reason says so."""
    task = hand.start(command("hang", timeout_seconds=9.0))
    until(task, hangs)

    clock.now = 9.0
    reports = done(task)

    assert isinstance(reports[-1].data, ActionFailed)
    assert reports[-1].data.reason == "timed_out"


def test_an_arm_beyond_its_memory_fails(hand: RetrainActuator, command: Callable[..., Event]) -> None:
    """The limit holds, and the error names the reason."""
    found = errors(done(hand.start(command("greedy", "warm"))))

    assert "MemoryError" in found["greedy"]
    assert found["warm"] == ""


def test_processor_time_is_limited(tmp_path: Path) -> None:
    """A process that computes for longer than it may is ended by the system."""
    script, job = tmp_path / "spin.py", tmp_path / "job.json"
    script.write_text("while True: pass")

    run = SubprocessLauncher({"spin": (sys.executable, str(script))}).launch("spin", job, cpu_seconds=1.0)

    limit = monotonic() + 60
    while run.poll() is None and monotonic() < limit:
        pass
    assert run.poll() not in (None, 0)


def test_cancelling_kills_everything_it_started(
    hand: RetrainActuator, command: Callable[..., Event], tmp_path: Path, hangs: Callable[[list[Report]], bool]
) -> None:
    """The recipe and its own children are gone; nothing more is reported."""
    task = hand.start(command("hang"))
    until(task, hangs)
    (pids,) = (tmp_path / "jobs").glob("*/attempt-1/pids")
    assert task is not None

    task.cancel()

    limit = monotonic() + 60
    while any(is_running(int(pid)) for pid in pids.read_text().split()):
        assert monotonic() < limit
    assert task.is_done
    assert list(task.poll()) == []


def test_a_recipe_does_not_see_our_settings(
    hand: RetrainActuator, command: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passwords stay with the host."""
    monkeypatch.setenv("HOMEOSTAT_SASL_PASSWORD", "secret")

    assert errors(done(hand.start(command("secret"))))["secret"] == "None"
