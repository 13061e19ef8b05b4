"""A recipe of one's own: what it is given, what it says, and `run`, which does all but the fitting.

    from homeostat.recipe import Lesson, run

    def fit(lesson: Lesson) -> bytes:
        return joblib_bytes(RandomForestClassifier().fit(lesson.x, lesson.y))

    if __name__ == "__main__":
        run(fit, media_type="application/x-joblib")

A recipe is a process, `… {job}`: it reads the job file that its last argument names, trains the arms in order, and
prints a JSON line (`Line`) after each. Imports next to nothing: a recipe starts often.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

SAFETENSORS: Final = "application/vnd.safetensors"
"""Media type of weights that are looked at before they are taken: all of them must be finite."""

ANYTHING: Final = "application/octet-stream"

_MOST_SECONDS: Final = 1e9
_MOST_ROWS: Final = 2**53
_LARGEST_LOSS: Final = 3e38


class Line(msgspec.Struct, frozen=True):
    """What a recipe prints when an arm has finished.

    Args:
        arm: Which.
        path: What it has saved, relative to `out` or absolute.
        seconds: Training time.
        rows: Labelled rows it saw.
        loss_curve: Loss per report.
        error: Why there are no weights.
        environment: What trained, where that is not what the hand runs on: versions of libraries, a container, a GPU.
        media_type: Of what it has saved; what is no safetensors is taken as it is, if there is any of it.
    """

    arm: str
    path: str = ""
    seconds: float = 0.0
    rows: int = 0
    loss_curve: tuple[float, ...] = ()
    error: str = ""
    environment: Mapping[str, str] = {}
    media_type: str = SAFETENSORS

    @property
    def is_possible(self) -> bool:
        """Whether its numbers are such as a report may hold."""
        is_run = 0.0 <= self.seconds <= _MOST_SECONDS and 0 <= self.rows <= _MOST_ROWS
        return is_run and all(abs(loss) <= _LARGEST_LOSS for loss in self.loss_curve)


class JobArm(msgspec.Struct, frozen=True):
    """An arm as a recipe sees it; `initial_weights` is a path."""

    arm: str
    hyperparameters: Mapping[str, bool | int | float | str]
    initial_weights: str | None


class Job(msgspec.Struct, frozen=True):
    """The file that a recipe gets.

    Args:
        arms: To be trained in this order, one line printed after each.
        data: npz with x (n, width) float32 and y (n,) float64, in time order.
        champion: Weights of the version that serves, a path.
        out: Folder for what is saved.
        seed: For every draw.
    """

    arms: tuple[JobArm, ...]
    data: str
    champion: str | None
    out: str
    seed: int


class Lesson(msgspec.Struct, frozen=True):
    """What one arm learns from, and how.

    Args:
        arm: Its name.
        x: Captured inputs, (n, width) float32, in time order.
        y: Their labels, (n,) float64: class indices or values.
        hyperparameters: Of the arm.
        seed: For every draw.
        champion: What serves, as it was saved; None if there is nothing.
        initial_weights: What the arm starts from, as it was saved; None without any.
    """

    arm: str
    x: NDArray[np.float32]
    y: NDArray[np.float64]
    hyperparameters: Mapping[str, bool | int | float | str]
    seed: int
    champion: bytes | None
    initial_weights: bytes | None


def run(fit: Callable[[Lesson], bytes], *, media_type: str = ANYTHING, job: Path | None = None) -> None:
    """Train every arm of a job: the main program of a recipe.

    Args:
        fit: Learns, and returns what shall be saved. What it raises is the error of that arm; the others go on.
        media_type: Of what it returns.
        job: The job file; None: the last argument of the command line.
    """
    asked = msgspec.json.decode((job or Path(sys.argv[-1])).read_bytes(), type=Job)
    with np.load(asked.data) as data:
        x, y = data["x"], data["y"]
    for arm in asked.arms:
        started = perf_counter()
        lesson = Lesson(
            arm.arm, x, y, arm.hyperparameters, asked.seed, _read(asked.champion), _read(arm.initial_weights)
        )
        try:
            saved, name = fit(lesson), f"{arm.arm}.artifact"
            (Path(asked.out) / name).write_bytes(saved)
            line = Line(arm.arm, name, perf_counter() - started, len(y), media_type=media_type)
        except Exception as error:  # anybody's code
            line = Line(arm.arm, seconds=perf_counter() - started, error=f"{type(error).__name__}: {error}")
        sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
        sys.stdout.buffer.flush()


def _read(path: str | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()
