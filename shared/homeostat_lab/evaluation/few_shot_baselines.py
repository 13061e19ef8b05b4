"""What a learned start must beat: pooled pre-training, and a step size tuned for any weights."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.func import grad_and_value

from homeostat.services.maml_trainer.backbones import Params
from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.data.task_sampler import device_of
from homeostat.services.maml_trainer.data.tasks import Array, Task, canonical
from homeostat.services.maml_trainer.errors import DivergedError
from homeostat.services.maml_trainer.meta.algorithms import Rule
from homeostat.services.maml_trainer.meta.evaluate import few_shot
from homeostat.services.maml_trainer.meta.frozen import constants, trainable
from homeostat.services.maml_trainer.meta.loss import cross_entropy, squared_error
from homeostat.services.maml_trainer.meta.meta_parameters import MetaParameters
from homeostat.services.maml_trainer.meta.network import Network
from homeostat.services.maml_trainer.meta.outer_loop import WEIGHT_RATE

LR_GRID: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def tuned(
    network: Network,
    params: Params,
    episodes: Sequence[Batch],
    steps: int,
    *,
    grid: Sequence[float] = LR_GRID,
    is_head_only: bool = False,
) -> MetaParameters:
    """Give weights that learned no step size the best single one of a grid: a baseline's fair chance.

    Works for a scratch draw, pooled weights, and the previous model's weights.

    Args:
        network: Of the weights.
        params: The start.
        episodes: For validation; not those the baseline is then judged on. Their mean losses are averaged.
        steps: Inner steps it will be judged with.
        grid: Step sizes, > 0.
        is_head_only: The last layer alone adapts.

    Raises:
        DivergedError: No step size of the grid keeps every episode finite.
    """
    rule = Rule("anil" if is_head_only else "maml", steps)
    found: list[tuple[float, float]] = []
    for lr in grid:
        start = MetaParameters(network, rule, params, rule.initial(network, params, lr))
        loss = float(np.mean([few_shot(start, part).losses.mean() for part in episodes]))
        if np.isfinite(loss):
            found.append((loss, lr))
    if not found:
        raise DivergedError(0, "query_loss")
    return MetaParameters(network, rule, params, rule.initial(network, params, min(found)[1]))


def pretrain(
    tasks: Sequence[Task], network: Network, seed: int, *, n_steps: int = 500, n_rows: int = 256, device: str = "cpu"
) -> Params:
    """Train one network on the rows of all tasks together, support and query, as if they were one task.

    Args:
        tasks: At least one.
        network: Its outputs are the labels, or 1 for numbers.
        seed: Of the initial weights and the mini-batches.
        n_steps: Adam steps (cosine decay) of `n_rows` rows each.
        n_rows: Rows of a mini-batch, drawn with replacement.
        device: As `device_of`.

    Returns:
        Tensors on the CPU.

    Raises:
        DivergedError: A loss became non-finite.
    """
    ordered, home = canonical(tasks), device_of(device)
    x = torch.from_numpy(np.concatenate([part for task in ordered for part in (task.support_x, task.query_x)])).to(home)
    y: Array = np.concatenate([part for task in ordered for part in (task.support_y, task.query_y)])
    is_classification = ordered[0].is_classification
    targets = torch.from_numpy(y if is_classification else y[:, None]).to(home)
    drawn = {name: value.to(home) for name, value in network.init(seed).items()}
    params, frozen = trainable(network, drawn), constants(network, drawn)
    weight = torch.ones(n_rows, device=home)
    adam = torch.optim.Adam(params.values(), lr=WEIGHT_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, n_steps)
    generator = np.random.default_rng(seed)

    def loss(p: Params, rows: Tensor) -> Tensor:
        outputs = network.forward({**frozen, **p}, x[rows])
        if is_classification:
            one_hot = torch.nn.functional.one_hot(targets[rows], network.n_outputs).to(outputs.dtype)
            return cross_entropy(outputs, one_hot, weight)
        return squared_error(outputs, targets[rows], weight)

    differentiated = grad_and_value(loss)
    for step in range(n_steps):
        rows = torch.from_numpy(generator.integers(len(x), size=n_rows)).to(home)
        gradients, _ = differentiated(params, rows)
        for name, gradient in gradients.items():
            if not gradient.isfinite().all():
                raise DivergedError(step, "pretrain_gradient")
            params[name].grad = gradient
        adam.step()
        schedule.step()
    return {name: value.detach().cpu() for name, value in {**params, **frozen}.items()}
