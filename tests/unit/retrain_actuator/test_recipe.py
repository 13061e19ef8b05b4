"""A recipe of one's own: any learner, any bytes."""

import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from homeostat.artifacts import ArtifactStore
from homeostat.core import Event, Report
from homeostat.events import CandidateTrained, Range
from homeostat.recipe import Job, JobArm, Lesson, Line, run
from homeostat.services.retrain_actuator.hand import RetrainActuator
from homeostat.services.retrain_actuator.history import Rows
from homeostat.services.retrain_actuator.targets.subprocess import SubprocessLauncher

FOREST = """
import pickle
from sklearn.ensemble import RandomForestClassifier
from homeostat.recipe import Lesson, run

def fit(lesson: Lesson) -> bytes:
    forest = RandomForestClassifier(int(lesson.hyperparameters.get("trees", 5)), random_state=lesson.seed % 2**32)
    return pickle.dumps(forest.fit(lesson.x, lesson.y))

run(fit, media_type="application/x-pickle")
"""
X = np.arange(40, dtype=np.float32).reshape(20, 2)
Y = (X[:, 0] > 20).astype(np.float64)


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """Two arms, one of which has weights to start from."""
    (tmp_path / "out").mkdir()
    (tmp_path / "champion").write_bytes(b"serves")
    np.savez(tmp_path / "data.npz", x=X, y=Y)
    arms = (JobArm("one", {"depth": 3}, None), JobArm("two", {}, str(tmp_path / "champion")))
    data = Job(arms, str(tmp_path / "data.npz"), str(tmp_path / "champion"), str(tmp_path / "out"), 7)
    path = tmp_path / "job.json"
    path.write_bytes(msgspec.json.encode(data))
    return path


def test_each_arm_is_fitted_on_what_it_says(job: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """In order; a line each, and what was returned in a file."""
    lessons: list[Lesson] = []

    def fit(lesson: Lesson) -> bytes:
        lessons.append(lesson)
        return lesson.arm.encode()

    run(fit, media_type="text/plain", job=job)

    lines = [msgspec.json.decode(line, type=Line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [(line.arm, line.rows, line.error, line.media_type) for line in lines] == [
        ("one", 20, "", "text/plain"),
        ("two", 20, "", "text/plain"),
    ]
    assert [(job.parent / "out" / line.path).read_bytes() for line in lines] == [b"one", b"two"]
    assert [(one.champion, one.initial_weights, one.seed) for one in lessons] == [
        (b"serves", None, 7),
        (b"serves", b"serves", 7),
    ]
    assert np.array_equal(lessons[0].x, X)
    assert np.array_equal(lessons[0].y, Y)
    assert lessons[0].hyperparameters == {"depth": 3}


def test_an_arm_that_breaks_leaves_the_others_alone(job: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Its error says what was raised."""

    def fit(lesson: Lesson) -> bytes:
        if lesson.arm == "one":
            raise KeyError("colour")
        return b"x"

    run(fit, job=job)

    lines = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [(line["arm"], line["error"]) for line in lines] == [("one", "KeyError: 'colour'"), ("two", "")]


class Window:
    """A history of the rows of this module."""

    def labelled(self, window: Range, subject: str) -> Rows:
        return X, Y


def test_a_random_forest_is_trained_in_its_own_process(
    command: Callable[..., Event], store: ArtifactStore, tmp_path: Path
) -> None:
    """As a user's is: the hand asks no more of what it saves than that there is something."""
    recipe = tmp_path / "recipe.py"
    recipe.write_text(FOREST)
    launcher = SubprocessLauncher({"test": (sys.executable, str(recipe), "{job}")})
    execution = RetrainActuator(Window(), store, launcher, tmp_path / "jobs").start(command("warm"))
    assert execution is not None

    reports: list[Report] = []
    while not execution.is_done:
        reports += execution.poll()

    (trained,) = [report.data for report in reports if isinstance(report.data, CandidateTrained)]
    assert (trained.error, trained.rows) == ("", 20)
    assert trained.artifact is not None
    forest = pickle.loads(store.get(trained.artifact))
    assert forest.predict(X).tolist() == Y.tolist()
