"""The form of a job: what a recipe is given and what it says. Imports next to nothing: a recipe starts often."""

from collections.abc import Mapping
from typing import Final

import msgspec

_MOST_SECONDS: Final = 1e9
_MOST_ROWS: Final = 2**53
_LARGEST_LOSS: Final = 3e38


class Line(msgspec.Struct, frozen=True):
    """What a recipe prints when an arm has finished.

    Args:
        arm: Which.
        path: Its weights, relative to `out` or absolute.
        seconds: Training time.
        rows: Labelled rows it saw.
        loss_curve: Loss per report.
        error: Why there are no weights.
        environment: What trained, where that is not what the hand runs on: versions of libraries, a container, a GPU.
    """

    arm: str
    path: str = ""
    seconds: float = 0.0
    rows: int = 0
    loss_curve: tuple[float, ...] = ()
    error: str = ""
    environment: Mapping[str, str] = {}

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
        out: Folder for `<arm>.safetensors`.
        seed: For every draw.
    """

    arms: tuple[JobArm, ...]
    data: str
    champion: str | None
    out: str
    seed: int
