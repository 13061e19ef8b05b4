"""Runs trainings in this thread: rows, a recipe and a clock that are made up."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from homeostat.core import CommandExecution, Report
from homeostat.events import CandidateTrained, Range
from homeostat.recipe import Line
from homeostat.services.retrain_actuator.history import Rows

ACTION = "/homeostat/meta_learner/x#1.0"


ROWS: Rows = (np.ones((5, 2), np.float32), np.arange(5, dtype=np.float64))


class FixedHistory:
    """Rows, or what stands in their way, one answer after the other."""

    def __init__(self, *answers: Rows | Exception) -> None:
        self.answers = list(answers)

    def labelled(self, window: Range, subject: str) -> Rows:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


_WILD: dict[str, dict[str, Any]] = {
    "slow": {"seconds": -1.0},
    "steep": {"loss_curve": (1e300, 1.0)},
    "large": {"rows": 10**30},
}


class Recipe:
    """Trains by writing one tensor; arms called `bad…` fail, `nan…` are not finite, `lost…` write nothing,
    and `crash…` end the run; `slow`, `steep` and `large` tell of impossible numbers, `where` of another machine.
    """

    def __init__(self) -> None:
        self.jobs: list[dict[str, object]] = []

    def __call__(self, path: Path) -> Iterable[Line]:
        job = json.loads(path.read_bytes())
        self.jobs.append(job)
        for arm in job["arms"]:
            name = arm["arm"]
            if name.startswith("crash"):
                return
            if name.startswith("bad"):
                yield Line(name, error="it did not converge")
                continue
            if not name.startswith("lost"):
                value = np.nan if name.startswith("nan") else float(job["seed"] % 7)
                save_file({"w1": np.full((2, 2), value, np.float32)}, Path(job["out"]) / f"{name}.safetensors")
            numbers: dict[str, Any] = {"seconds": 0.5, "rows": 5, "loss_curve": (2.0, 1.0)} | _WILD.get(name, {})
            if name == "where":
                numbers["environment"] = {"gpu": "H200", "python": "3.99", "no name": "x", "": "x", "long": "x" * 3000}
            yield Line(name, f"{name}.safetensors", **numbers)


class Clock:
    """Time that moves by half a second each time it is read."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 0.5
        return self.now


def run(task: CommandExecution | None) -> list[Report]:
    assert task is not None
    found: list[Report] = []
    for _ in range(200):
        found += task.poll()
        if task.is_done:
            return found
    raise AssertionError("the task does not end")


def arms(reports: list[Report]) -> dict[str, str]:
    """Arm to its error, empty if it was trained."""
    return {report.data.arm: report.data.error for report in reports if isinstance(report.data, CandidateTrained)}
