"""Small made-up tasks: quick, of uneven size."""

import numpy as np

from maml_trainer.network import mlp
from maml_trainer.pool import TaskPool
from maml_trainer.tasks import Task

SIZES = (4, 6, 3)
NETWORK = mlp(SIZES)


def small_pool(n_tasks: int, *, seed: int = 0) -> TaskPool:
    """Pool the tasks for the small network."""
    return TaskPool(small_tasks(n_tasks, seed=seed), SIZES[0], SIZES[-1])


def small_tasks(n_tasks: int, *, seed: int = 0) -> list[Task]:
    """Make tasks of three linearly separable classes, each task with its own turn of the plane."""
    generator = np.random.default_rng(seed)
    tasks = []
    for i in range(n_tasks):
        n_rows = 30 + 3 * (i % 4)
        x = generator.standard_normal((n_rows, SIZES[0])).astype(np.float32)
        y = (x @ generator.standard_normal((SIZES[0], SIZES[-1]))).argmax(axis=1).astype(np.int64)
        tasks.append(Task(f"task-{seed}-{i:02}", x[:20], y[:20], x[20:], y[20:]))
    return tasks
