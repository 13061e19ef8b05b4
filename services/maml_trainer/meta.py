"""The outer loop: meta-training from a set of tasks to initial weights and inner step sizes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import cos, pi
from typing import Final

import numpy as np
import torch

from maml_trainer.errors import DivergedError
from maml_trainer.inner import LOG_LR, compiled, join, meta_gradient, split
from maml_trainer.network import Params, init, sizes_of
from maml_trainer.pool import TaskPool, device_of
from maml_trainer.tasks import Task

Progress = Callable[[int, int, float], None]

WEIGHT_RATE: Final = 3e-3
LOG_LR_RATE: Final = 1e-2
# Lowest held-out loss at k = 1 among .02, .05, .1, .2 and .5 on turned digits, 100 meta-steps, one seed.
INITIAL_LR: Final = 0.1


@dataclass(frozen=True, slots=True)
class MetaConfig:
    """What, with the tasks and the start, fixes a run to the bit.

    Args:
        sizes: Widths of the network, from input to output.
        seed: Of the initial weights and of every draw, >= 0.
        n_steps: Meta-steps, >= 1.
        tasks_per_step: Tasks in a meta-step, >= 1.
        shots: One is drawn per meta-step, each >= 1.
        inner_steps: Gradient steps on the support set, >= 1. Evaluate with the same number.
        first_order: FOMAML instead of MAML.
        gradient_clip: Largest norm of the meta-gradient, > 0.
    """

    sizes: tuple[int, ...]
    seed: int
    n_steps: int = 500
    tasks_per_step: int = 8
    shots: tuple[int, ...] = (1, 5, 10)
    inner_steps: int = 5
    first_order: bool = False
    gradient_clip: float = 5.0

    def __post_init__(self) -> None:
        if min(self.n_steps, self.tasks_per_step, self.inner_steps, *self.shots, *self.sizes) < 1 or not self.shots:
            raise ValueError(f"every count of a run is at least 1: {self}")
        if self.gradient_clip <= 0 or self.seed < 0 or len(self.sizes) < 2:
            raise ValueError(f"clip > 0, seed >= 0 and two widths are needed: {self}")

    @property
    def algorithm(self) -> str:
        """`fomaml` or `maml`."""
        return "fomaml" if self.first_order else "maml"


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A start for new models: initial weights, and one inner step size per tensor (0-d, > 0)."""

    params: Params
    lrs: Params


def scratch(sizes: tuple[int, ...], seed: int, lr: float = INITIAL_LR) -> Learned:
    """Make the start that knows nothing: a fresh draw and one step size for all tensors."""
    params = init(sizes, seed)
    return Learned(params, {name: torch.tensor(lr) for name in params})


def meta_train(
    tasks: Iterable[Task],
    config: MetaConfig,
    *,
    start: Learned | None = None,
    device: str = "auto",
    use_compile: bool = False,
    progress: Progress | None = None,
) -> Learned:
    """Learn a start from tasks.

    The result depends on the set of tasks, `config`, `start`, the engine (compiled or not), the
    torch build and the kind of processor, to the bit; not on the order of the tasks.

    Args:
        tasks: At least one. Tasks to judge the result on must not be among them.
        config: Of the run.
        start: Continue from here; None is `scratch` with the run's seed.
        device: `auto`, `cpu`, `cuda`.
        use_compile: Run the compiled engine.
        progress: Called after each meta-step with the steps done, their total and the query loss;
            what it raises ends the run.

    Returns:
        Tensors on the CPU, float32, all finite.

    Raises:
        TaskMalformed: A task does not fit.
        DivergedError: A loss or gradient became non-finite.

    Source: Finn et al. 2017, algorithm 1; outer Adam with cosine decay.
    """
    learned = start if start is not None else scratch(config.sizes, config.seed)
    if sizes_of(learned.params) != config.sizes:
        raise ValueError(f"the start has widths {sizes_of(learned.params)}, the run {config.sizes}")
    pool = TaskPool(tasks, config.sizes[0], config.sizes[-1], device=device)
    home = device_of(device)
    meta = {name: value.to(home, copy=True) for name, value in join(learned.params, learned.lrs).items()}
    adam = torch.optim.Adam(
        [
            {"params": [v for n, v in meta.items() if not n.startswith(LOG_LR)], "rate": WEIGHT_RATE},
            {"params": [v for n, v in meta.items() if n.startswith(LOG_LR)], "rate": LOG_LR_RATE},
        ]
    )
    engine = compiled() if use_compile else meta_gradient
    generator = np.random.default_rng(config.seed)
    for step in range(config.n_steps):
        batch = pool.draw(generator, config.tasks_per_step, int(generator.choice(config.shots)))
        gradient, loss = engine(meta, batch, pool.loss, config.inner_steps, config.first_order)
        query_loss = loss.item()
        if not np.isfinite(query_loss):
            raise DivergedError(step, "query_loss")
        for name, value in meta.items():
            value.grad = gradient[name]
        if not torch.nn.utils.clip_grad_norm_(meta.values(), config.gradient_clip).isfinite():
            raise DivergedError(step, "meta_gradient")
        for group in adam.param_groups:
            group["lr"] = group["rate"] * (1 + cos(pi * step / config.n_steps)) / 2
        adam.step()
        if progress is not None:
            progress(step + 1, config.n_steps, query_loss)
    params, lrs = split({name: value.detach().cpu() for name, value in meta.items()})
    return Learned(params, lrs)
