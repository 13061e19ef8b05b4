"""Adaptation to one task, and what the outer loop minimises: the same functions train and serve.

Source: Finn et al. 2017 (MAML and its first-order form), Raghu et al. 2020 (ANIL), Li et al. 2017
(Meta-SGD: learned step sizes; per tensor for the others), Nichol et al. 2018 (Reptile).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.func import grad

from homeostat.services.maml_trainer.backbones import Params
from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.meta.algorithms import LR, Rule
from homeostat.services.maml_trainer.meta.closed_form import posterior, predictive_loss
from homeostat.services.maml_trainer.meta.loss import Loss, cross_entropy, squared_error
from homeostat.services.maml_trainer.meta.network import Network

Rows = tuple[Tensor, Tensor, Tensor]
"""x, targets, weights."""

Gradient = Callable[[Callable[[Params], Tensor], Params], Params]
"""Gradient of a loss at a point: `torch.func.grad`, or one backward pass for a stack of tasks."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is learned: a network under an inner rule.

    Args:
        network: Rows to outputs.
        rule: How it adapts.
        is_classification: Labels instead of numbers.
        constants: Tensors of the network that nothing changes, where the parameters come without them.
    """

    network: Network
    rule: Rule
    is_classification: bool
    constants: Params = field(default_factory=dict)

    @property
    def loss(self) -> Loss:
        """Of outputs, targets, weights."""
        return cross_entropy if self.is_classification else squared_error

    def features(self, params: Params, x: Tensor) -> Tensor:
        """Map rows to features."""
        return self.network.backbone.features({**self.constants, **params}, x)

    def forward(self, params: Params, x: Tensor) -> Tensor:
        """Map rows to outputs."""
        return self.network.last(params, self.features(params, x))


def by_func(loss: Callable[[Params], Tensor], at: Params) -> Params:
    """See `Gradient`; composes with `vmap` and with itself."""
    found: Params = grad(loss)(at)
    return found


def adapt(problem: Problem, params: Params, inner: Params, support: Rows, gradient: Gradient = by_func) -> Params:
    """Adapt to one task's support set.

    Args:
        problem: Network and rule.
        params: Tensors of the network; not modified.
        inner: The rule's positive numbers.
        support: x (n, d), targets (n, out), weights (n,); a leading dimension stacks tasks where the
            rule is a closed form, or `params` and `gradient` are made for it.
        gradient: How the inner gradient is taken.

    Returns:
        Adapted tensors of all names, the last layer as wide as the targets; differentiable with
        respect to `params` and `inner`. They may be non-finite: the caller checks.
    """
    network, rule = problem.network, problem.rule
    x, y, weight = support
    if rule.is_closed_form:
        features = problem.features(params, x).to(weight.dtype)
        with torch.autocast(x.device.type, enabled=False):  # no factorisation is exact enough in 16 bits
            found = posterior(network, params, inner, features, y, weight, is_classification=problem.is_classification)
        return {**params, network.head[0]: found.weight, network.head[1]: found.bias}
    params = network.widened(params, y.shape[-1])
    rates = {name.removeprefix(LR): rate for name, rate in inner.items()}
    fast = {name: params[name] for name in rates}
    is_head_only = set(fast) == set(network.head)
    features = problem.features(params, x) if is_head_only else x

    def support_loss(at: Params) -> Tensor:
        outputs = network.last(at, features) if is_head_only else problem.forward({**params, **at}, x)
        return problem.loss(outputs, y, weight)

    for _ in range(rule.inner_steps):
        gradients = gradient(support_loss, fast)
        if rule.is_first_order:
            gradients = {name: found.detach() for name, found in gradients.items()}
        fast = {name: value - rates[name] * gradients[name] for name, value in fast.items()}
    return {**params, **fast}


def objective(problem: Problem, params: Params, inner: Params, task: Batch, gradient: Gradient = by_func) -> Tensor:
    """Compute what is minimised: the query loss after adaptation, or its predictive likelihood.

    Reptile has no such loss; its query loss, after training on all rows, is for people to watch.

    Args:
        problem: Network and rule.
        params: Tensors of the network.
        inner: The rule's positive numbers.
        task: One episode.
        gradient: Of a support loss.
    """
    network, rule = problem.network, problem.rule
    if rule.is_closed_form and not problem.is_classification:
        n, rows = task.support_x.shape[-2], torch.cat([task.support_x, task.query_x], dim=-2)
        features = problem.features(params, rows).to(rows.dtype)
        with torch.autocast(rows.device.type, enabled=False):
            return predictive_loss(
                network,
                params,
                inner,
                (features[..., :n, :], features[..., n:, :]),
                (task.support_y, task.query_y),
                (task.support_weight, task.query_weight),
            )
    adapted = adapt(problem, params, inner, task.support, gradient)
    return problem.loss(problem.forward(adapted, task.query_x), task.query_y, task.query_weight)


def all_rows(task: Batch) -> Rows:
    """Support and query rows together: Reptile does not divide a task."""
    return (
        torch.cat([task.support_x, task.query_x], dim=-2),
        torch.cat([task.support_y, task.query_y], dim=-2),
        torch.cat([task.support_weight, task.query_weight], dim=-1),
    )
