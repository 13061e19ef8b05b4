"""What anybody could predict without meta-training: a constant, and a linear model of the support set.

Both know what the training episodes say of tasks in general: the mean of the targets, the scale of the inputs, and how
far to trust a support set of this size. What does not beat them is not worth a network.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.meta.loss import cross_entropy, squared_error

Name = Literal["constant", "linear"]
NAMES: Final[tuple[Name, ...]] = get_args(Name)

_GRID: Final = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Rows that the prior counts for: with the first a support set is believed, with the last hardly."""

_DESCENT_STEPS: Final = 100
_KERNEL_NUMBERS: Final = 5_000_000
"""Of the support sets that are solved at a time: memory stays bounded, however large they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """What training episodes say of all tasks.

    Args:
        mean: Of the inputs (d,).
        scale: Of the inputs (d,); 1 where an input is constant.
        target: Mean of the targets (out,): a number, or the share of each class.
    """

    mean: Tensor
    scale: Tensor
    target: Tensor

    @classmethod
    def of(cls, episodes: Batch) -> "Prior":
        """Take it from the rows of episodes, support and query."""
        x, y, weight = (
            torch.cat([part.double().flatten(0, 1) for part in (episodes[at], episodes[at + 3])]) for at in range(3)
        )
        rows, targets = x[weight > 0], y[weight > 0]
        scale = rows.std(0, correction=0)
        n_outputs = targets.shape[1]
        seen = int(n_outputs > 1)  # Laplace's rule: a class that nobody has seen has a share, too
        target = (targets.sum(0) + seen) / (len(targets) + seen * n_outputs)
        return cls(rows.mean(0), torch.where(scale > 0, scale, 1.0), target)

    def target_of(self, n_outputs: int) -> Tensor:
        """Mean of the targets; equal shares where an episode has another number of drawn classes."""
        return self.target if len(self.target) == n_outputs else torch.full((n_outputs,), 1 / n_outputs).double()


def losses(name: Name, training: Batch, judged: Batch) -> NDArray[np.float64]:
    """Score a trivial predictor on the query rows of each episode, as `few_shot` does.

    How far it trusts a support set is what serves it best on the training episodes.

    Args:
        name: Which.
        training: Episodes of training tasks, on the CPU, with as many shots as `judged`.
        judged: Episodes of held-out tasks, t of them.

    Returns:
        Cross-entropy or squared error (t,).
    """
    prior = Prior.of(training)
    predict = {"constant": _constant, "linear": linear}[name]
    best = min(_GRID, key=lambda rows: _scores(partial(predict, prior, rows), training).mean())
    return _scores(partial(predict, prior, best), judged)


def _scores(predict: Callable[[Batch], Tensor], episodes: Batch) -> NDArray[np.float64]:
    loss = cross_entropy if episodes.query_y.shape[-1] > 1 else squared_error
    found = [loss(predict(part), part.query_y, part.query_weight) for part in _parts(episodes)]
    return torch.cat(found).numpy()


def _parts(episodes: Batch) -> Iterator[Batch]:
    n = episodes.support_x.shape[1]
    step = max(1, _KERNEL_NUMBERS // (n * max(n, episodes.query_x.shape[1])))
    for first in range(0, len(episodes.support_x), step):
        yield Batch(*(tensor.double() for tensor in episodes.part(first, first + step)))


def _constant(prior: Prior, rows: float, task: Batch) -> Tensor:
    """The same for every query row: the mean of the support targets, drawn to that of all tasks."""
    weight = task.support_weight[..., None]
    target = prior.target_of(task.support_y.shape[-1])
    mean = (rows * target + (weight * task.support_y).sum(-2)) / (rows + weight.sum(-2))
    outputs = mean.log() if len(target) > 1 else mean
    return outputs[..., None, :].expand_as(task.query_y)


def linear(prior: Prior, rows: float, task: Batch) -> Tensor:
    """Ridge regression, or logistic regression with the same penalty, of the support set; solved in its rows.

    Args:
        prior: Of all tasks.
        rows: What the penalty weighs, in rows, > 0.
        task: One; not changed.

    Returns:
        Of each query row the prediction, or the logits.
    """
    support = _inputs(prior, task.support_x) * task.support_weight[..., None]
    query = _inputs(prior, task.query_x)
    within, across = support @ support.mT, query @ support.mT
    target = prior.target_of(task.support_y.shape[-1])
    if len(target) == 1:
        penalised = within + rows * torch.eye(within.shape[-1], dtype=within.dtype)
        residual = (task.support_y - target) * task.support_weight[..., None]
        found: Tensor = target + across @ torch.linalg.solve(penalised, residual)
        return found
    return target.log() + across @ _logistic(within, target.log(), rows, task)


def _inputs(prior: Prior, x: Tensor) -> Tensor:
    """Standardised, so that a row has a squared length of about one, and a constant beside them."""
    z = (x - prior.mean) / (prior.scale * x.shape[-1] ** 0.5)
    found: Tensor = torch.cat([z, torch.ones_like(z[..., :1])], dim=-1)
    return found


def _logistic(within: Tensor, offset: Tensor, rows: float, task: Batch) -> Tensor:
    """Descend with momentum in the weights, written as sums of support rows.

    Source: Nesterov 1983; the step is one over the largest curvature, of which the largest row sum is a bound.
    """
    step = 1 / (within.abs().sum(-1).amax(-1) / 2 + rows)[..., None, None]
    at = before = torch.zeros_like(task.support_y)
    for n in range(_DESCENT_STEPS):
        ahead = at + n / (n + 3) * (at - before)
        wrong = torch.softmax(offset + within @ ahead, dim=-1) - task.support_y
        at, before = ahead - step * (wrong * task.support_weight[..., None] + rows * ahead), at
    return at
