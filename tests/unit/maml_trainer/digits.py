"""Few-shot tasks of real digits: each task sees them through a camera turned by its own angle."""

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from homeostat.services.maml_trainer.data.tasks import Task

N_HISTORY_IMAGES = 1000


def rotation(degrees: float) -> NDArray[np.float64]:
    """Return the bilinear operator (64, 64) that turns a flattened 8x8 image about its centre."""
    angle = np.deg2rad(degrees)
    row, column = np.divmod(np.arange(64), 8)
    y, x = row - 3.5, column - 3.5
    source = np.stack([np.cos(angle) * y - np.sin(angle) * x, np.sin(angle) * y + np.cos(angle) * x]) + 3.5
    corner, operator = np.floor(source).astype(int), np.zeros((64, 64))
    for dy in (0, 1):
        for dx in (0, 1):
            r, c = corner[0] + dy, corner[1] + dx
            weight = (1 - np.abs(source[0] - r)) * (1 - np.abs(source[1] - c))
            inside = (r >= 0) & (r < 8) & (c >= 0) & (c < 8)
            operator[np.arange(64)[inside], 8 * r[inside] + c[inside]] = weight[inside]
    return operator


def digit_tasks(n_tasks: int, *, seed: int, held_out: bool, shots: int = 10) -> list[Task]:
    """Make tasks of `shots` support rows per class and 60 query rows.

    Training and held-out tasks share neither images nor angles.
    """
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    mine = order[N_HISTORY_IMAGES:] if held_out else order[:N_HISTORY_IMAGES]
    generator = np.random.default_rng([seed, held_out])
    tasks = []
    for i in range(n_tasks):
        x = images[mine] @ rotation(generator.uniform(-180, 180)).T
        x = ((x - x.mean(axis=1, keepdims=True)) / (x.std(axis=1, keepdims=True) + 1e-6)).astype(np.float32)
        y = labels[mine].astype(np.int64)
        shuffled = generator.permutation(len(y))
        support = np.concatenate([shuffled[y[shuffled] == digit][:shots] for digit in range(10)])
        query = np.setdiff1d(shuffled, support, assume_unique=True)[:60]
        tasks.append(
            Task(f"{'held-out' if held_out else 'history'}-{i:03}", x[support], y[support], x[query], y[query])
        )
    return tasks
