"""The definition in the plainest words: a Python loop over tasks, rows and steps, with `torch.autograd` only.

It shares no adaptation code with the engines. It is what they are checked against, and what their
speed is compared with.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from homeostat.services.maml_trainer.backbones import Params
from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.meta.algorithms import (
    BIAS_VARIANCE,
    LR,
    NOISE,
    SCALE,
    WEIGHT_VARIANCE,
    is_log,
    split,
)
from homeostat.services.maml_trainer.meta.inner_loop import Problem, Rows

Trace = list[list[Params]]
"""Inner gradients by task and step."""


def unpadded(batch: Batch) -> list[tuple[Rows, Rows]]:
    """Take the tasks apart and drop the padding: support and query of each."""
    tasks = []
    for i in range(len(batch.support_x)):
        task = Batch(*(tensor[i] for tensor in batch))
        kept = [tuple(part[rows[2] > 0] for part in rows) for rows in (task.support, task.query)]
        tasks.append((kept[0], kept[1]))
    return tasks  # type: ignore[return-value]  # three tensors each


def loop_gradient(
    problem: Problem, meta: Params, tasks: Sequence[tuple[Rows, Rows]], *, record: Trace | None = None
) -> tuple[Params, Tensor]:
    """Compute gradient and mean objective, as an engine does.

    Args:
        problem: Network and rule.
        meta: Meta-parameters.
        tasks: As from `unpadded`.
        record: Takes the inner gradients.
    """
    leaves = {name: value.detach().clone().requires_grad_() for name, value in meta.items()}
    if problem.rule.algorithm == "reptile":
        return _reptile(problem, leaves, tasks)
    value = loop_objective(problem, leaves, tasks, record=record)
    found = torch.autograd.grad(value, list(leaves.values()), allow_unused=True, materialize_grads=True)
    return dict(zip(leaves, found, strict=True)), value.detach()


def loop_objective(
    problem: Problem,
    meta: Params,
    tasks: Sequence[tuple[Rows, Rows]],
    *,
    record: Trace | None = None,
    frozen: Trace | None = None,
) -> Tensor:
    """Compute the mean objective.

    Args:
        problem: Network and rule.
        meta: Meta-parameters.
        tasks: As from `unpadded`.
        record: Takes the inner gradients.
        frozen: Inner gradients to take instead of computing them.
    """
    params, inner = split(meta)
    losses = []
    for number, (support, query) in enumerate(tasks):
        if problem.rule.is_closed_form:
            losses.append(_closed_form(problem, params, inner, support, query))
            continue
        trace: list[Params] = []
        adapted = _descend(problem, params, inner, support, trace, frozen[number] if frozen is not None else None)
        if record is not None:
            record.append(trace)
        losses.append(_loss(problem, adapted, query))
    return torch.stack(losses).mean()


def _descend(
    problem: Problem, params: Params, inner: Params, support: Rows, trace: list[Params], frozen: list[Params] | None
) -> Params:
    rates = {name.removeprefix(LR): rate for name, rate in inner.items()}
    params = _wide(problem, params, support[1].shape[-1])
    for step in range(problem.rule.inner_steps):
        if frozen is not None:
            gradients = frozen[step]
        else:
            loss = _loss(problem, params, support)
            found = torch.autograd.grad(
                loss, [params[name] for name in rates], create_graph=not problem.rule.is_first_order
            )
            gradients = dict(zip(rates, found, strict=True))
        trace.append({name: value.detach() for name, value in gradients.items()})
        params = {**params, **{name: params[name] - rates[name] * gradients[name] for name in rates}}
    return params


def _wide(problem: Problem, params: Params, n_outputs: int) -> Params:
    weight, bias = problem.network.head
    if params[bias].shape[0] == n_outputs:
        return params
    return {**params, weight: params[weight].repeat(1, n_outputs), bias: params[bias].repeat(n_outputs)}


def _loss(problem: Problem, params: Params, rows: Rows) -> Tensor:
    x, y, _ = rows
    weight, bias = problem.network.head
    features = problem.features(params, x)
    outputs = torch.nn.functional.linear(features, params[weight].T, params[bias])
    if problem.is_classification:
        return torch.nn.functional.cross_entropy(outputs, y.argmax(-1))
    return torch.nn.functional.mse_loss(outputs, y)


def _closed_form(problem: Problem, params: Params, inner: Params, support: Rows, query: Rows) -> Tensor:
    """Solve in the space of features, with an explicit inverse: the other form of the same posterior."""
    x, y = _ones(problem.features(params, support[0])), support[1]
    x_query = _ones(problem.features(params, query[0]))
    weight, bias = problem.network.head
    mean = torch.cat([params[weight], params[bias][None]])
    if mean.shape[1] != y.shape[1]:
        mean = torch.zeros(mean.shape[0], y.shape[1], dtype=mean.dtype)
    noise = inner[NOISE]
    precision = torch.diag(1 / torch.cat([inner[WEIGHT_VARIANCE], inner[BIAS_VARIANCE][None]]))
    covariance = torch.linalg.inv(precision + x.T @ x / noise)
    wanted = y - 1 / y.shape[1] if problem.is_classification else y
    head = covariance @ (precision @ mean + x.T @ wanted / noise)
    outputs = x_query @ head
    if problem.is_classification:
        return torch.nn.functional.cross_entropy(inner[SCALE] * outputs, query[1].argmax(-1))
    spread = torch.stack([row @ covariance @ row for row in x_query])[:, None] + noise
    loss: Tensor = ((query[1] - outputs) ** 2 / spread + torch.log(spread)).mean() / 2
    return loss


def _ones(x: Tensor) -> Tensor:
    return torch.nn.functional.pad(x, (0, 1), value=1.0)


def _reptile(problem: Problem, meta: Params, tasks: Sequence[tuple[Rows, Rows]]) -> tuple[Params, Tensor]:
    params, inner = split(meta)
    moved = {name: torch.zeros_like(value) for name, value in params.items()}
    losses = []
    for support, query in tasks:
        x, y, weight = (torch.cat(parts) for parts in zip(support, query, strict=True))
        adapted = _descend(problem, params, inner, (x, y, weight), [], None)
        losses.append(_loss(problem, adapted, query).detach())
        for name in moved:
            end = adapted[name].detach()
            if end.shape != params[name].shape:
                end = end.mean(-1, keepdim=True)
            moved[name] += (params[name].detach() - end) / len(tasks)
    return {n: torch.zeros_like(v) if is_log(n) else moved[n] for n, v in meta.items()}, torch.stack(losses).mean()
