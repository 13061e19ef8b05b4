"""How many tasks a second an engine learns from, beside the plain Python loop on the same tasks."""

import time
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch

from homeostat.services.maml_trainer.backbones import Params
from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.meta.algorithms import Algorithm, Rule, join
from homeostat.services.maml_trainer.meta.engines import compiled, functional, stacked
from homeostat.services.maml_trainer.meta.inner_loop import Problem
from homeostat.services.maml_trainer.meta.network import Network, mlp
from homeostat.services.maml_trainer.meta.reference import loop_gradient, unpadded

Way = Literal["loop", "functional", "stacked", "compiled"]

N_WARM_UP = 3
"""Steps before the first that counts: the first may compile."""

_SIZES = (1, 40, 40, 1)


def sinusoid_problem(algorithm: Algorithm, inner_steps: int = 1) -> Problem:
    """Make the small regression problem that MAML is timed on: 1-40-40-1.

    Source: Finn et al. 2017, section 5.1.
    """
    return Problem(mlp(_SIZES), Rule(algorithm, inner_steps), is_classification=False)


def sinusoids(n_tasks: int, shots: int) -> Batch:
    """Make a batch of sine waves, `shots` support and as many query rows each."""
    generator = np.random.default_rng(0)

    def part() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        x = generator.uniform(-5, 5, (n_tasks, shots, 1)).astype(np.float32)
        y = (generator.uniform(0.1, 5, (n_tasks, 1, 1)) * np.sin(x)).astype(np.float32)
        return torch.from_numpy(x), torch.from_numpy(y), torch.ones(n_tasks, shots)

    return Batch(*part(), *part())


def tasks_per_second(way: Way, problem: Problem, batch: Batch, *, seconds: float) -> float:
    """Time whole meta-steps, the optimiser's included, on one thread; the first, which may compile, are not counted.

    Args:
        way: An engine, or the loop.
        problem: Network and rule.
        batch: The tasks of each step.
        seconds: At least so long.
    """
    torch.set_num_threads(1)
    meta = _start(problem.network, problem.rule)
    adam = torch.optim.Adam(meta.values(), lr=1e-3, fused=True)
    gradient = _gradient(way, problem, batch)

    def step() -> None:
        found = gradient(meta)
        for name, value in meta.items():
            value.grad = found[name]
        adam.step()

    for _ in range(N_WARM_UP):
        step()
    n, spent, began = 0, 0.0, time.perf_counter()
    while n == 0 or spent < seconds:
        step()
        n, spent = n + 1, time.perf_counter() - began
    return n * len(batch.support_x) / spent


def _gradient(way: Way, problem: Problem, batch: Batch) -> Callable[[Params], Params]:
    if way == "loop":
        tasks = unpadded(batch)
        return lambda meta: loop_gradient(problem, meta, tasks)[0]
    engine = {"functional": functional, "stacked": stacked, "compiled": compiled}[way](problem)
    return lambda meta: engine(meta, batch)[0]


def _start(network: Network, rule: Rule) -> Params:
    params = network.init(0)
    return {name: value.clone() for name, value in join(params, rule.initial(network, params, 0.01)).items()}
