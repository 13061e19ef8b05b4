"""Small made-up tasks: quick, of uneven size."""

import numpy as np

from homeostat.services.maml_trainer.data.task_sampler import TaskSampler
from homeostat.services.maml_trainer.data.tasks import Task
from homeostat.services.maml_trainer.meta.network import mlp

SIZES = (4, 6, 3)
NETWORK = mlp(SIZES)


def small_pool(n_tasks: int, *, seed: int = 0) -> TaskSampler:
    """Sampler the tasks for the small network."""
    return TaskSampler(small_tasks(n_tasks, seed=seed), SIZES[0], SIZES[-1])


def small_tasks(n_tasks: int, *, seed: int = 0) -> list[Task]:
    """Make tasks of three classes that planes divide: much the same ones in every task, a little turned in each.

    A network that knows the planes tells the classes apart where one row of each says little.
    """
    planes = np.random.default_rng(7).standard_normal((SIZES[0], SIZES[-1]))
    generator = np.random.default_rng(seed)
    tasks = []
    for i in range(n_tasks):
        n_rows = 30 + 3 * (i % 4)
        x = generator.standard_normal((n_rows, SIZES[0])).astype(np.float32)
        turned = planes + 0.3 * generator.standard_normal(planes.shape)
        y = (x @ turned).argmax(axis=1).astype(np.int64)
        tasks.append(Task(f"task-{seed}-{i:02}", x[:20], y[:20], x[20:], y[20:]))
    return tasks


def clustered_tasks(n_tasks: int, *, seed: int = 0) -> list[Task]:
    """Make tasks of three classes that lie at places of their own in the first two inputs; the others say nothing."""
    generator = np.random.default_rng(seed)
    tasks = []
    for i in range(n_tasks):
        places, y = 2 * generator.standard_normal((3, 2)), np.arange(30, dtype=np.int64) % 3
        telling = places[y] + 0.3 * generator.standard_normal((30, 2))
        x = np.concatenate([telling, generator.standard_normal((30, 2))], axis=1).astype(np.float32)
        tasks.append(Task(f"cluster-{seed}-{i:02}", x[:15], y[:15], x[15:], y[15:]))
    return tasks


def sinusoids(n_tasks: int, *, seed: int = 0, factor: float = 1.0, offset: float = 0.0) -> list[Task]:
    """Make tasks of ten and twenty points of a sine wave each, float64 targets in any units.

    Source: Finn et al. 2017, section 5.1: amplitude .1 to 5, phase 0 to pi, x within 5.
    """
    generator = np.random.default_rng(seed)
    tasks = []
    for i in range(n_tasks):
        amplitude, phase = generator.uniform(0.1, 5), generator.uniform(0, np.pi)
        x = generator.uniform(-5, 5, (30, 1)).astype(np.float32)
        y = offset + factor * amplitude * np.sin(x[:, 0].astype(np.float64) + phase)
        tasks.append(Task(f"sine-{seed}-{i:03}", x[:10], y[:10], x[10:], y[10:]))
    return tasks
