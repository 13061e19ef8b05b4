"""The outer loop: meta-training from episodes to a start for new models."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import cos, pi
from time import monotonic
from typing import Any, Final

import numpy as np
import torch

from homeostat.services.maml_trainer.data.task_sampler import Sampler, device_of
from homeostat.services.maml_trainer.errors import DivergedError
from homeostat.services.maml_trainer.meta.algorithms import Rule, is_log, join, split
from homeostat.services.maml_trainer.meta.engines import EngineName, choose, prepared
from homeostat.services.maml_trainer.meta.frozen import constants, trainable
from homeostat.services.maml_trainer.meta.inner_loop import Problem
from homeostat.services.maml_trainer.meta.meta_parameters import INITIAL_LR, MetaParameters, random_init
from homeostat.services.maml_trainer.meta.network import Network
from homeostat.services.maml_trainer.meta.repeatable import make_repeatable
from homeostat.services.maml_trainer.meta.selfcheck import check_engine, kind_of

WEIGHT_RATE: Final = 3e-3
LOG_RATE: Final = 1e-2


@dataclass(frozen=True, slots=True)
class MetaConfig:
    """What, with the episodes and the start, fixes a run to the bit.

    Args:
        network: What is trained.
        seed: Of the initial weights and of every draw, >= 0.
        rule: How it adapts. Evaluate with the same number of steps.
        n_steps: Meta-steps, >= 1.
        tasks_per_step: Episodes in a meta-step, >= 1.
        shots: One is drawn per meta-step, each >= 1.
        rate: First inner step size, > 0.
        gradient_clip: Largest norm of the meta-gradient, > 0.
    """

    network: Network
    seed: int
    rule: Rule = field(default_factory=lambda: Rule("maml"))
    n_steps: int = 500
    tasks_per_step: int = 8
    shots: tuple[int, ...] = (1, 5, 10)
    rate: float = INITIAL_LR
    gradient_clip: float = 5.0

    def __post_init__(self) -> None:
        if not self.shots or min(self.n_steps, self.tasks_per_step, self.rule.inner_steps, *self.shots) < 1:
            raise ValueError(f"every count of a run is at least 1: {self}")
        if self.gradient_clip <= 0 or self.seed < 0 or self.rate <= 0:
            raise ValueError(f"clip > 0, seed >= 0 and a step size > 0 are needed: {self}")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Args:
        step: Meta-steps done.
        n_steps: Of all.
        loss: Objective of the last step.
        tasks_per_second: Of this process.
        gradient_norm: Of the last step's meta-gradient, before it was clipped.
    """

    step: int
    n_steps: int
    loss: float
    tasks_per_second: float
    gradient_norm: float


class OuterLoop:
    """A run that can be stopped after any step and taken up again, in another process, to the same bits.

    The result depends on the pool, `config`, `start`, the engine, the torch build and the kind of
    processor; not on where it was interrupted.

    Args:
        pool: Episodes. Tasks to judge the result on must not be in it.
        config: Of the run.
        start: Continue from these weights; None is `scratch` with the run's seed.
        device: `auto`, `cpu`, `cuda`.
        use_compile: As `choose`.
        is_mixed_precision: bfloat16 where torch deems it safe (autocast); weights and optimiser stay float32.

    Raises:
        ValueError: The start is of another network or rule.

    Source: Finn et al. 2017, algorithm 1; outer Adam with cosine decay.
    """

    def __init__(
        self,
        pool: Sampler,
        config: MetaConfig,
        *,
        start: MetaParameters | None = None,
        device: str = "auto",
        use_compile: bool | None = None,
        is_mixed_precision: bool = False,
    ) -> None:
        learned = start or random_init(config.network, config.seed, rule=config.rule, rate=config.rate)
        if learned.network.describe() != config.network.describe() or learned.rule != config.rule:
            raise ValueError(f"the start is {learned.network}, {learned.rule}; the run {config.network}, {config.rule}")
        self.config, self.step, self._pool = config, 0, pool
        self._home, self._is_mixed = device_of(device), is_mixed_precision
        make_repeatable(self._home)
        network = config.network
        meta = join(trainable(network, learned.params), learned.inner)
        self._meta = {name: value.detach().to(self._home, copy=True) for name, value in meta.items()}
        frozen = constants(network, learned.params)
        self._frozen = {name: value.detach().to(self._home, copy=True) for name, value in frozen.items()}
        self._adam = torch.optim.Adam(
            [
                {"params": [v for n, v in self._meta.items() if not is_log(n)], "rate": WEIGHT_RATE},
                {"params": [v for n, v in self._meta.items() if is_log(n)], "rate": LOG_RATE},
            ],
            fused=True,  # small tensors: one call instead of ten for each
        )
        problem = Problem(network, config.rule, pool.is_classification, self._frozen)
        sample = pool.draw(np.random.default_rng(config.seed), config.tasks_per_step, config.shots[0])
        wanted = choose(problem, config.n_steps, self._home, use_compile=use_compile)
        self.engine: EngineName
        self.engine, self._engine = prepared(
            wanted,
            problem,
            self._meta,
            sample,
            lambda make: check_engine(make, problem.rule.algorithm, kind_of(problem)),
        )
        self._generator = np.random.default_rng(config.seed)
        self._n_tasks, self._seconds = 0, 0.0

    def advance(self) -> Progress:
        """Do one meta-step.

        Raises:
            DivergedError: The objective or the gradient became non-finite.
        """
        began, config = monotonic(), self.config
        k = int(self._generator.choice(config.shots))
        batch = self._pool.draw(self._generator, config.tasks_per_step, k)
        with torch.autocast(self._home.type, dtype=torch.bfloat16, enabled=self._is_mixed):
            gradient, loss = self._engine(self._meta, batch)
        value = loss.item()
        if not np.isfinite(value):
            raise DivergedError(self.step, "query_loss")
        for name, tensor in self._meta.items():
            tensor.grad = gradient[name]
        norm = torch.nn.utils.clip_grad_norm_(self._meta.values(), config.gradient_clip).item()
        if not np.isfinite(norm):
            raise DivergedError(self.step, "meta_gradient")
        for group in self._adam.param_groups:
            group["lr"] = group["rate"] * (1 + cos(pi * self.step / config.n_steps)) / 2
        self._adam.step()
        self.step += 1
        self._n_tasks += len(batch.support_x)
        self._seconds += monotonic() - began
        return Progress(self.step, config.n_steps, value, self._n_tasks / max(self._seconds, 1e-9), norm)

    @property
    def learned(self) -> MetaParameters:
        """What has been learned so far: on the CPU, finite; what is trained is float32, what is frozen as it was."""
        params, inner = split({name: value.detach().cpu().clone() for name, value in self._meta.items()})
        frozen = {name: value.cpu().clone() for name, value in self._frozen.items()}
        return MetaParameters(self.config.network, self.config.rule, {**params, **frozen}, inner)

    @property
    def inner_means(self) -> dict[str, float]:
        """The rule's numbers by name, step sizes or prior, each averaged over its tensor."""
        _, inner = split({name: value.detach() for name, value in self._meta.items() if is_log(name)})
        return {name: value.mean().item() for name, value in inner.items()}

    def state(self) -> dict[str, Any]:
        """Copy everything that the following steps depend on; plain values and tensors."""
        return {
            "step": self.step,
            "engine": self.engine,
            "meta": {name: value.detach().cpu().clone() for name, value in self._meta.items()},
            "adam": self._adam.state_dict(),
            "generator": self._generator.bit_generator.state,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state` of the same run.

        Raises:
            ValueError: It was made by another engine: the bits would differ.
        """
        if state["engine"] != self.engine:
            raise ValueError(f"the state is of the {state['engine']} engine, this is the {self.engine} one")
        for name, value in self._meta.items():
            value.detach().copy_(state["meta"][name])
        self._adam.load_state_dict(state["adam"])
        self._generator.bit_generator.state = state["generator"]
        self.step = int(state["step"])


def meta_train(
    pool: Sampler,
    config: MetaConfig,
    *,
    start: MetaParameters | None = None,
    device: str = "auto",
    use_compile: bool | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> MetaParameters:
    """Run an `OuterLoop` to its end; arguments and errors are its own.

    Args:
        pool: As there.
        config: As there.
        start: As there.
        device: As there.
        use_compile: As there.
        progress: Called after each meta-step; what it raises ends the run.
    """
    loop = OuterLoop(pool, config, start=start, device=device, use_compile=use_compile)
    while loop.step < config.n_steps:
        done = loop.advance()
        if progress is not None:
            progress(done)
    return loop.learned
