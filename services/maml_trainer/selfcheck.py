"""The start-up gate: the engine's meta-gradient against its definition, in float64.

Three independent ways must agree: the engine, a plain loop of `autograd.grad` over unpadded rows,
and finite differences of the loss. FOMAML is no gradient of the query loss, so its differences are
taken of its own definition: the inner gradients held at their values.
"""

from typing import Final

import numpy as np
import torch
from torch import Tensor

from maml_trainer.errors import SelfCheckFailed
from maml_trainer.inner import MetaGradient, join, meta_gradient, split
from maml_trainer.network import Params, init
from maml_trainer.pool import Batch, TaskPool
from maml_trainer.tasks import Task

LOOP_TOLERANCE: Final = 1e-10
DIFFERENCE_TOLERANCE: Final = 1e-5
INNER_STEPS: Final = (1, 5)
# Small against the distance to the next kink of a ReLU, large against float64's rounding.
STEP: Final = 1e-6
SIZES: Final = (5, 8, 6, 3)

Trace = list[list[Params]]


def self_check(engine: MetaGradient = meta_gradient) -> None:
    """Compare MAML and FOMAML, at 1 and 5 inner steps, classification and regression.

    Deterministic; takes about a second.

    Args:
        engine: What is going to train.

    Raises:
        SelfCheckFailed: A relative error above 1e-10 (loop) or 1e-5 (finite differences).
    """
    for kind, n_outputs in (("classification", SIZES[-1]), ("regression", 1)):
        sizes = (*SIZES[:-1], n_outputs)
        pool = TaskPool(_tasks(kind == "classification"), sizes[0], n_outputs, dtype=torch.float64)
        batch = pool.draw(np.random.default_rng(1), len(pool), k=3)
        params = init(sizes, seed=2, dtype=torch.float64)
        lrs = {name: torch.tensor(0.05 + 0.02 * i, dtype=torch.float64) for i, name in enumerate(params)}
        meta = join(params, lrs)
        for first_order in (False, True):
            for steps in INNER_STEPS:
                case = f"{'fomaml' if first_order else 'maml'}, {steps} inner steps, {kind}"
                _check(case, engine, meta, batch, pool, steps, first_order)


def _check(
    case: str, engine: MetaGradient, meta: Params, batch: Batch, pool: TaskPool, steps: int, first_order: bool
) -> None:
    gradient, _ = engine(meta, batch, pool.loss, steps, first_order)
    leaves = {name: value.clone().requires_grad_() for name, value in meta.items()}
    inner: Trace = []
    value = _plain_loss(leaves, batch, pool.is_classification, steps, first_order, record=inner)
    expected = dict(zip(leaves, torch.autograd.grad(value, list(leaves.values())), strict=True))
    _compare(f"{case}, loop", _flat(gradient), _flat(expected), LOOP_TOLERANCE)

    frozen = inner if first_order else None
    generator = np.random.default_rng(3)
    slopes, differences = [], []
    for _ in range(8):
        direction = {n: torch.from_numpy(generator.standard_normal(tuple(v.shape))) for n, v in meta.items()}
        ends = [
            _plain_loss(
                {n: (v + sign * STEP * direction[n]).requires_grad_() for n, v in meta.items()},
                batch,
                pool.is_classification,
                steps,
                first_order,
                frozen=frozen,
            )
            for sign in (1.0, -1.0)
        ]
        differences.append((ends[0] - ends[1]).detach() / (2 * STEP))
        slopes.append(torch.stack([(gradient[n] * direction[n]).sum() for n in meta]).sum())
    _compare(f"{case}, finite differences", torch.stack(slopes), torch.stack(differences), DIFFERENCE_TOLERANCE)


def _plain_loss(
    meta: Params,
    batch: Batch,
    is_classification: bool,
    steps: int,
    first_order: bool,
    *,
    record: Trace | None = None,
    frozen: Trace | None = None,
) -> Tensor:
    """Mean query loss by an ordinary loop; `record` collects the inner gradients, `frozen` replaces them."""
    start, lrs = split(meta)
    losses = []
    for task in range(len(batch.support_x)):
        params, trace = start, []
        for step in range(steps):
            if frozen is not None:
                gradients = frozen[task][step]
            else:
                loss = _plain_task_loss(params, batch[:3], task, is_classification)
                found = torch.autograd.grad(loss, list(params.values()), create_graph=not first_order)
                gradients = dict(zip(params, found, strict=True))
            trace.append({name: value.detach() for name, value in gradients.items()})
            params = {name: value - lrs[name] * gradients[name] for name, value in params.items()}
        if record is not None:
            record.append(trace)
        losses.append(_plain_task_loss(params, batch[3:], task, is_classification))
    return torch.stack(losses).mean()


def _plain_task_loss(params: Params, data: tuple[Tensor, ...], task: int, is_classification: bool) -> Tensor:
    x, y, weight = (tensor[task] for tensor in data)
    x, y = x[weight > 0], y[weight > 0]
    for layer in range(1, len(params) // 2):
        x = torch.nn.functional.linear(x, params[f"w{layer}"].T, params[f"b{layer}"]).clamp(min=0)
    last = len(params) // 2
    outputs = torch.nn.functional.linear(x, params[f"w{last}"].T, params[f"b{last}"])
    if is_classification:
        return torch.nn.functional.cross_entropy(outputs, y.argmax(-1))
    return torch.nn.functional.mse_loss(outputs, y)


def _tasks(is_classification: bool) -> list[Task]:
    """Uneven tasks, so that the padding is under test too."""
    generator = np.random.default_rng(0)
    tasks = []
    for i in range(3):
        x = generator.standard_normal((14 + 2 * i, SIZES[0])).astype(np.float32)
        y = generator.integers(SIZES[-1], size=len(x)) if is_classification else np.sin(x[:, 0] + i)
        n = 6 + i
        tasks.append(Task(f"check-{i}", x[:n], y[:n], x[n:], y[n:]))
    return tasks


def _flat(tensors: Params) -> Tensor:
    return torch.cat([tensors[name].detach().reshape(-1) for name in sorted(tensors)])


def _compare(case: str, actual: Tensor, expected: Tensor, tolerance: float) -> None:
    error = ((actual - expected).norm() / expected.norm()).item()
    # Written so that NaN fails.
    if not error <= tolerance:
        raise SelfCheckFailed(case, error, tolerance)
