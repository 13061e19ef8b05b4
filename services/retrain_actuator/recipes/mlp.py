"""Train classifiers of fully connected layers in plain numpy.

`python -m homeostat.services.retrain_actuator.recipes.mlp JOB.json` runs it.

Hyperparameters of an arm, all optional:

    initial_weights  champion (default), published (the arm's own, for example meta-learned) or random
    layers           all (default) or head: only the last layer learns
    rows             train on the last so many rows; 0 is all
    steps            gradient steps, 200
    batch            rows of a step, 64
    lr               step size at the start, falling as a cosine, 0.1; where it is not given and the initial
                     weights bring learned step sizes (`lr.w1`, …), those are used, on all rows at every step
    momentum         0.9;  l2  1e-4
    hidden           width of the hidden layer where there is no champion to take the shape of, 64
"""

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from homeostat.core import Reject
from homeostat.recipe import Job, JobArm, Line
from homeostat.serving.mlp import cross_entropy

Tensors: TypeAlias = dict[str, NDArray[np.float32]]
_LR: Final = "lr."
_REPORTS: Final = 10
"""Points of a loss curve."""


class RecipeFailed(Reject):
    """An arm cannot be trained as asked; the detail says why."""

    def __init__(self, detail: str) -> None:
        super().__init__("recipe_failed", detail)


def train(path: Path) -> Iterator[Line]:
    """Train every arm of a job, in order; the same job gives the same weights on one machine.

    Yields:
        A line per arm as it finishes.
    """
    job = msgspec.json.decode(path.read_bytes(), type=Job)
    with np.load(job.data) as data:
        x, y = data["x"], data["y"].astype(np.int64)
    for arm in job.arms:
        started = perf_counter()
        try:
            yield _train_arm(job, arm, x, y, started)
        except RecipeFailed as refusal:
            yield Line(arm.arm, seconds=perf_counter() - started, error=refusal.detail)
        except (SafetensorError, OSError, ValueError) as error:
            yield Line(arm.arm, seconds=perf_counter() - started, error=str(error))


def _train_arm(job: Job, arm: JobArm, x: NDArray[np.float32], y: NDArray[np.int64], started: float) -> Line:
    rows = int(arm.hyperparameters.get("rows", 0))
    x, y = x[-rows:], y[-rows:]
    generator = np.random.default_rng([job.seed, *arm.arm.encode()])
    tensors, learned = _initial(job, arm, x.shape[1], int(y.max()) + 1, generator)
    if tensors["w1"].shape[0] != x.shape[1]:
        raise RecipeFailed(f"weights take {tensors['w1'].shape[0]} numbers, the data has {x.shape[1]}")
    if y.min() < 0 or y.max() >= len(tensors[f"b{len(tensors) // 2}"]):
        raise RecipeFailed(f"a label is outside the classes of the weights: {int(y.min())} to {int(y.max())}")
    curve = _descend(tensors, learned, arm, x, y, generator)
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise RecipeFailed("training diverged: weights are not finite")
    name = f"{arm.arm}.safetensors"
    save_file(tensors, Path(job.out) / name)
    return Line(arm.arm, name, perf_counter() - started, len(x), curve)


def _initial(
    job: Job, arm: JobArm, width: int, n_classes: int, generator: np.random.Generator
) -> tuple[Tensors, Tensors]:
    """Return the tensors to start from and their learned step sizes, if any."""
    start = arm.hyperparameters.get("initial_weights", "champion")
    path = {"champion": job.champion, "published": arm.initial_weights, "random": job.champion}.get(str(start), "")
    if path == "":
        raise RecipeFailed(f"initial_weights is champion, published or random, not {start!r}")
    if path is None:
        if start != "random":
            raise RecipeFailed(f"there are no {start} weights to start from")
        hidden = int(arm.hyperparameters.get("hidden", 64))
        shapes = {"w1": (width, hidden), "b1": (hidden,), "w2": (hidden, n_classes), "b2": (n_classes,)}
    else:
        found = {name: np.array(tensor, np.float32) for name, tensor in load_file(path).items()}
        tensors = {name: tensor for name, tensor in found.items() if "." not in name}  # nor what a prior adds
        learned = {name.removeprefix(_LR): rate for name, rate in found.items() if name.startswith(_LR)}
        if start != "random":
            return tensors, {} if "lr" in arm.hyperparameters or set(learned) != set(tensors) else learned
        shapes = {name: tensor.shape for name, tensor in tensors.items()}
    drawn: Tensors = {}
    for name, shape in sorted(shapes.items()):
        scale = math.sqrt(2.0 / shape[0]) if len(shape) == 2 else 0.0
        drawn[name] = (generator.standard_normal(shape) * scale).astype(np.float32)
    return drawn, {}


def _descend(
    tensors: Tensors,
    learned: Tensors,
    arm: JobArm,
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    generator: np.random.Generator,
) -> tuple[float, ...]:
    """Gradient descent on the mean cross-entropy, in place; return the loss curve."""
    values = arm.hyperparameters
    steps, batch = int(values.get("steps", 200)), int(values.get("batch", 64))
    lr, momentum, l2 = (float(values.get(name, d)) for name, d in (("lr", 0.1), ("momentum", 0.9), ("l2", 1e-4)))
    first = len(tensors) // 2 if values.get("layers", "all") == "head" else 1
    velocity = {name: np.zeros_like(tensor) for name, tensor in tensors.items()}
    order, curve = np.arange(0), []
    for step in range(steps):
        rows: NDArray[np.intp] | slice = slice(None)
        if not learned and len(x) > batch:
            if len(order) < batch:
                order = np.concatenate([order, generator.permutation(len(x))])
            rows, order = order[:batch], order[batch:]
        loss, gradients = cross_entropy(tensors, x[rows], y[rows], first)
        rate = lr * (1.0 + math.cos(math.pi * step / steps)) / 2.0
        for name, gradient in gradients.items():
            if learned:
                tensors[name] -= learned[name] * gradient
            else:
                decay = l2 * tensors[name] if name.startswith("w") else 0.0
                velocity[name] = np.float32(momentum) * velocity[name] + gradient + decay
                tensors[name] -= np.float32(rate) * velocity[name]
        if step % max(1, steps // _REPORTS) == 0 or step == steps - 1:
            curve.append(loss)
    return tuple(value for value in curve if math.isfinite(value))


def main() -> None:
    """Train the job named on the command line; print a JSON line per arm."""
    for line in train(Path(sys.argv[1])):
        sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
