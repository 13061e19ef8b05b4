"""The form of a job: what a recipe is given and what it says. Imports next to nothing: a recipe starts often."""

from collections.abc import Mapping
from typing import Annotated

import msgspec

NotNegative = Annotated[float, msgspec.Meta(ge=0.0)]


class Line(msgspec.Struct, frozen=True):
    """What a recipe prints when an arm has finished.

    Args:
        arm: Which.
        path: Its weights, relative to `out` or absolute.
        seconds: Training time.
        rows: Labelled rows it saw.
        loss_curve: Loss per report.
        error: Why there are no weights.
    """

    arm: str
    path: str = ""
    seconds: NotNegative = 0.0
    rows: Annotated[int, msgspec.Meta(ge=0)] = 0
    loss_curve: tuple[float, ...] = ()
    error: str = ""


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
