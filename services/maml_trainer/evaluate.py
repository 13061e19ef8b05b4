"""Few-shot evaluation on held-out tasks, and the baselines a learned start must beat."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import grad, vmap

from maml_trainer.errors import DivergedError
from maml_trainer.inner import adapt
from maml_trainer.loss import accuracy
from maml_trainer.meta import WEIGHT_RATE, Learned
from maml_trainer.network import Params, forward, init, sizes_of
from maml_trainer.pool import Batch, TaskPool
from maml_trainer.tasks import Task

LR_GRID: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class FewShot:
    """Result per task, in the order of `task_ids` (sorted).

    Args:
        task_ids: Of the held-out tasks.
        losses: Query loss after adaptation (n,); non-finite where it diverged.
        accuracies: In [0, 1] (n,); None for regression.
    """

    task_ids: tuple[str, ...]
    losses: NDArray[np.float64]
    accuracies: NDArray[np.float64] | None


def few_shot_loss(
    params: Params, lrs: Mapping[str, Tensor], tasks: Iterable[Task], k: int, steps: int, *, seed: int = 0
) -> FewShot:
    """Adapt to each task with k shots and score its query set, on the CPU.

    The shots depend only on the tasks, k and the seed, so that two starts are compared on the same
    rows; never raises for divergence, which is a result here.

    Args:
        params: The start; not modified.
        lrs: Inner step size per tensor, 0-d.
        tasks: At least one, none of them trained on.
        k: Rows per class (all where there are fewer), >= 1; rows in all for regression.
        steps: Inner steps, >= 0; more than trained with may diverge.
        seed: Of the drawn shots.
    """
    sizes = sizes_of(params)
    pool = TaskPool(tasks, sizes[0], sizes[-1])
    batch = pool.shots(np.random.default_rng(seed), np.arange(len(pool)), k)

    def outputs_of(task: Batch) -> Tensor:
        return forward(adapt(params, lrs, task[:3], pool.loss, steps=steps, first_order=True), task.query_x)

    with torch.no_grad():
        outputs = vmap(outputs_of)(batch)
        losses = vmap(pool.loss)(outputs, batch.query_y, batch.query_weight)
        hits = vmap(accuracy)(outputs, batch.query_y, batch.query_weight)
    return FewShot(
        tuple(task.task_id for task in pool.tasks),
        losses.double().numpy(),
        hits.double().numpy() if pool.is_classification else None,
    )


def tuned(
    params: Params, tasks: Iterable[Task], k: int, steps: int, *, grid: Sequence[float] = LR_GRID, seed: int = 0
) -> Learned:
    """Give weights that learned no step size the best single one of a grid: a baseline's fair chance.

    Works for a scratch draw, pooled weights, and the previous model's weights.

    Args:
        params: The start.
        tasks: Validation tasks; not those the baseline is then judged on.
        k: As `few_shot_loss`.
        steps: As `few_shot_loss`.
        grid: Step sizes, > 0.
        seed: As `few_shot_loss`.

    Raises:
        DivergedError: No step size of the grid keeps every task finite.
    """
    tasks = tuple(tasks)
    found: list[tuple[float, float]] = []
    for lr in grid:
        loss = few_shot_loss(params, _same(params, lr), tasks, k, steps, seed=seed).losses.mean()
        if np.isfinite(loss):
            found.append((float(loss), lr))
    if not found:
        raise DivergedError(0, "query_loss")
    return Learned(params, _same(params, min(found)[1]))


def pretrain(
    tasks: Iterable[Task], sizes: Sequence[int], seed: int, *, n_steps: int = 500, n_rows: int = 256
) -> Params:
    """Train one network on the rows of all tasks together, support and query, as if they were one task.

    Args:
        tasks: At least one.
        sizes: Widths of the network.
        seed: Of the initial weights and the mini-batches.
        n_steps: Adam steps (cosine decay) of `n_rows` rows each.
        n_rows: Rows of a mini-batch, drawn with replacement.

    Raises:
        DivergedError: A loss became non-finite.
    """
    pool = TaskPool(tasks, sizes[0], sizes[-1])
    x = torch.from_numpy(np.concatenate([part for task in pool.tasks for part in (task.support_x, task.query_x)]))
    y = np.concatenate([part for task in pool.tasks for part in (task.support_y, task.query_y)])
    targets = torch.from_numpy(np.eye(sizes[-1], dtype=np.float32)[y] if pool.is_classification else y[:, None])
    params, weight = init(sizes, seed), torch.ones(n_rows)
    adam = torch.optim.Adam(params.values(), lr=WEIGHT_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, n_steps)
    generator = np.random.default_rng(seed)
    for step in range(n_steps):
        rows = torch.from_numpy(generator.integers(len(x), size=n_rows))

        def loss(p: Params, at: Tensor = rows) -> Tensor:
            return pool.loss(forward(p, x[at]), targets[at], weight)

        for name, gradient in grad(loss)(params).items():
            if not gradient.isfinite().all():
                raise DivergedError(step, "pretrain_gradient")
            params[name].grad = gradient
        adam.step()
        schedule.step()
    return params


def _same(params: Params, lr: float) -> Params:
    return {name: torch.tensor(lr) for name in params}
