"""The first step size."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.maml_trainer.small import NETWORK, sinusoids, small_pool

from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.data.task_sampler import TaskSampler
from homeostat.services.maml_trainer.data.tasks import Task
from homeostat.services.maml_trainer.meta.algorithms import ALGORITHMS, Algorithm, Rule
from homeostat.services.maml_trainer.meta.meta_parameters import INITIAL_LR
from homeostat.services.maml_trainer.meta.network import mlp
from homeostat.services.maml_trainer.meta.outer_loop import MetaConfig, meta_train
from homeostat.services.maml_trainer.meta.rates import first_rate


def drawn(pool: TaskSampler) -> dict[int, Batch]:
    """Some episodes at each number of shots."""
    return {k: pool.draw(np.random.default_rng(0), 16, k) for k in (1, 5, 10)}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_works_is_left_alone(algorithm: Algorithm) -> None:
    """Inputs of size one need no smaller steps."""
    assert first_rate(NETWORK, 0, Rule(algorithm), drawn(small_pool(20))) == INITIAL_LR


@pytest.mark.parametrize("size", [1.0, 10.0, 100.0])
def test_large_inputs_do_not_end_a_run_at_its_first_step(size: float) -> None:
    """Gradient descent on wide inputs diverges with the usual step; with the one that is chosen a run survives."""
    tasks = sinusoids(20)
    pool = TaskSampler([_stretched(task, size) for task in tasks], 1, 1)
    network = mlp((1, 64, 64, 1))
    rate = first_rate(network, 0, Rule("maml"), drawn(pool))

    learned = meta_train(pool, MetaConfig(network, seed=0, n_steps=20, rate=rate), device="cpu")

    assert rate < INITIAL_LR
    assert all(value.isfinite().all() for value in learned.params.values())


def _stretched(task: Task, size: float) -> Task:
    return replace(
        task,
        support_x=task.support_x * np.float32(size),
        query_x=task.query_x * np.float32(size),
    )
