"""Few-shot evaluation on held-out episodes, by the same adaptation code that trains."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import vmap

from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.data.task_sampler import TaskSampler
from homeostat.services.maml_trainer.data.tasks import Task
from homeostat.services.maml_trainer.meta.inner_loop import Problem, adapt
from homeostat.services.maml_trainer.meta.loss import accuracy
from homeostat.services.maml_trainer.meta.meta_parameters import MetaParameters

# Memory stays bounded however many episodes are judged.
_AT_A_TIME: Final = 50


@dataclass(frozen=True, slots=True, eq=False)
class FewShot:
    """Result per episode, in their order.

    Args:
        losses: Query loss after adaptation (n,): cross-entropy or squared error; non-finite where it diverged.
        accuracies: In [0, 1] (n,); None for regression.
    """

    losses: NDArray[np.float64]
    accuracies: NDArray[np.float64] | None


def few_shot(start: MetaParameters, episodes: Batch, *, steps: int | None = None) -> FewShot:
    """Adapt to each episode and score its query rows, on the CPU.

    Never raises for divergence, which is a result here.

    Args:
        start: Not modified.
        episodes: None of them trained on.
        steps: Inner steps, >= 0; None: as trained. More than trained with may diverge. The closed form
            has none: with 0 the start itself is scored.
    """
    is_classification = _is_classification(episodes)
    rule = start.rule if steps is None else replace(start.rule, inner_steps=steps)
    problem = Problem(start.network, rule, is_classification)
    losses, hits = [], []
    with torch.no_grad():
        for first in range(0, len(episodes.support_x), _AT_A_TIME):
            part = episodes.part(first, first + _AT_A_TIME)
            outputs = _outputs(problem, start, part)
            losses.append(problem.loss(outputs, *part.query[1:]))
            hits.append(accuracy(outputs, *part.query[1:]))
    return FewShot(torch.cat(losses).double().numpy(), torch.cat(hits).double().numpy() if is_classification else None)


def few_shot_loss(
    start: MetaParameters, tasks: Iterable[Task], k: int, steps: int | None = None, *, seed: int = 0
) -> FewShot:
    """Score recorded tasks, in the order of their ids, each with k shots.

    The shots depend only on the tasks, k and the seed: two starts are compared on the same rows.

    Args:
        start: As `few_shot`.
        tasks: At least one, none of them trained on.
        k: Rows per class (all where there are fewer), >= 1; rows in all for regression.
        steps: As `few_shot`.
        seed: Of the drawn shots.
    """
    pool = TaskSampler(tasks, start.network.backbone.n_inputs, start.network.n_outputs)
    return few_shot(start, pool.shots(np.random.default_rng(seed), np.arange(len(pool)), k), steps=steps)


def _outputs(problem: Problem, start: MetaParameters, part: Batch) -> Tensor:
    network = problem.network
    if problem.rule.is_closed_form:
        params = start.params
        if problem.rule.inner_steps > 0:
            params = adapt(problem, params, start.inner, part.support)
        params = network.widened(params, part.query_y.shape[-1])
        return network.forward(params, part.query_x)

    def of(task: Batch) -> Tensor:
        return network.forward(adapt(problem, start.params, start.inner, task.support), task.query_x)

    outputs: Tensor = vmap(of)(part)
    return outputs


def _is_classification(episodes: Batch) -> bool:
    """One-hot targets have two columns or more; numbers have one."""
    return episodes.query_y.shape[-1] > 1
