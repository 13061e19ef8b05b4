"""The inner loop and the meta-gradient: grad∘vmap∘grad.

Source: Finn et al. 2017 (MAML and its first-order form), with the step sizes learned as in
Li et al. 2017 (Meta-SGD), one per tensor instead of one per number.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.func import grad, grad_and_value, vmap

from maml_trainer.loss import Loss
from maml_trainer.network import Params, forward
from maml_trainer.pool import Batch

LOG_LR = "log_lr."

MetaGradient = Callable[[Params, Batch, Loss, int, bool], tuple[Params, Tensor]]


def adapt(
    params: Params,
    lrs: Mapping[str, Tensor],
    support: tuple[Tensor, Tensor, Tensor],
    loss: Loss,
    *,
    steps: int,
    first_order: bool,
) -> Params:
    """Inner loop: gradient steps on one task's support set.

    Args:
        params: Leaf tensors by name; not modified.
        lrs: Step size of each tensor of `params`, 0-d, > 0.
        support: x (n, d), targets (n, out), weights (n,).
        loss: Of outputs, targets, weights.
        steps: Inner steps, >= 0.
        first_order: Whether the inner gradients count as constants (FOMAML).

    Returns:
        Adapted parameters, same names and shapes; differentiable with respect to `params` and
        `lrs`. They may be non-finite: the caller checks.
    """
    x, y, weight = support

    def support_loss(p: Params) -> Tensor:
        return loss(forward(p, x), y, weight)

    for _ in range(steps):
        gradients = grad(support_loss)(params)
        if first_order:
            gradients = {name: gradient.detach() for name, gradient in gradients.items()}
        params = {name: value - lrs[name] * gradients[name] for name, value in params.items()}
    return params


def split(meta: Params) -> tuple[Params, Params]:
    """Separate meta-parameters into parameters and step sizes, exponentiated."""
    params = {name: value for name, value in meta.items() if not name.startswith(LOG_LR)}
    return params, {name: meta[LOG_LR + name].exp() for name in params}


def join(params: Params, lrs: Params) -> Params:
    """Make meta-parameters: the inverse of `split`. Logs keep a learned step size positive."""
    return {**params, **{LOG_LR + name: lrs[name].log() for name in params}}


def meta_gradient(meta: Params, batch: Batch, loss: Loss, steps: int, first_order: bool) -> tuple[Params, Tensor]:
    """Differentiate the mean query loss after adaptation, over the tasks of a batch.

    Args:
        meta: As from `join`.
        batch: t >= 1 tasks.
        loss: Of outputs, targets, weights.
        steps: Inner steps, >= 1.
        first_order: FOMAML instead of MAML.

    Returns:
        Gradient by name of `meta`, and the query loss, 0-d.
    """

    def task_loss(meta: Params, task: Batch) -> Tensor:
        params, lrs = split(meta)
        adapted = adapt(params, lrs, task[:3], loss, steps=steps, first_order=first_order)
        return loss(forward(adapted, task.query_x), task.query_y, task.query_weight)

    def mean_loss(meta: Params) -> Tensor:
        losses: Tensor = vmap(task_loss, in_dims=(None, 0))(meta, batch)
        return losses.mean()

    gradient, value = grad_and_value(mean_loss)(meta)
    return gradient, value


def compiled() -> MetaGradient:
    """Compile `meta_gradient`; any number of tasks and shots without a new compile.

    The first calls cost 12 s to over a minute: for long runs, and before joining a consumer group.
    """
    return torch.compile(meta_gradient, dynamic=True)
