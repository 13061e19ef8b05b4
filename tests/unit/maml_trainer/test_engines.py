"""Which engine runs, and what happens where none can be compiled."""

import numpy as np
import pytest
import torch
from structlog.testing import capture_logs
from tests.unit.maml_trainer.small import NETWORK, small_pool
from torch import Tensor

from homeostat.services.maml_trainer.backbones import Conv, Params
from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.errors import SelfCheckFailed
from homeostat.services.maml_trainer.meta import engines
from homeostat.services.maml_trainer.meta.algorithms import Rule, join
from homeostat.services.maml_trainer.meta.engines import COMPILE_FROM_STEPS, choose, functional, prepared, stacked
from homeostat.services.maml_trainer.meta.inner_loop import Problem
from homeostat.services.maml_trainer.meta.network import Network
from homeostat.services.maml_trainer.meta.outer_loop import MetaConfig, OuterLoop

CPU = torch.device("cpu")
MAML = Problem(NETWORK, Rule("maml"), True)
CONV = Problem(Network(Conv((1, 6, 6), (8, 8)), 1), Rule("maml"), True)
CLOSED = Problem(CONV.network, Rule("bayesian_last_layer"), True)


@pytest.fixture(autouse=True)
def compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a compiler, whatever this machine has."""
    monkeypatch.setattr(engines, "compiler_at_hand", lambda: True)


@pytest.mark.parametrize(
    ("problem", "n_steps", "use_compile", "expected"),
    [
        (MAML, 500, None, "stacked"),
        (MAML, COMPILE_FROM_STEPS, None, "compiled"),
        (MAML, COMPILE_FROM_STEPS, False, "stacked"),
        (MAML, 1, True, "compiled"),
        (CONV, COMPILE_FROM_STEPS, None, "functional"),
        (CLOSED, COMPILE_FROM_STEPS, None, "stacked"),
    ],
)
def test_the_run_decides_its_engine(problem: Problem, n_steps: int, use_compile: bool | None, expected: str) -> None:
    """Compiling pays for long runs of small networks, and whoever wants it says so."""
    assert choose(problem, n_steps, CPU, use_compile=use_compile) == expected


def test_without_a_compiler_it_is_eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the log says why."""
    monkeypatch.setattr(engines, "compiler_at_hand", lambda: False)

    with capture_logs() as logs:
        chosen = choose(MAML, COMPILE_FROM_STEPS, CPU, use_compile=None)

    assert chosen == "stacked"
    assert [line["event"] for line in logs] == ["compile_unavailable"]


def broken(problem: Problem) -> engines.Engine:
    """Fail in the first call, as a compiler does."""

    def engine(meta: Params, batch: Batch) -> tuple[Params, Tensor]:
        raise RuntimeError("cc1plus: out of memory")

    return engine


def wrong(problem: Problem) -> engines.Engine:
    """Compile to something else."""
    right = functional(problem)

    def engine(meta: Params, batch: Batch) -> tuple[Params, Tensor]:
        gradient, value = right(meta, batch)
        return {name: 1.01 * tensor for name, tensor in gradient.items()}, value

    return engine


@pytest.mark.parametrize("make", [broken, wrong])
def test_a_compiled_engine_that_fails_is_replaced(monkeypatch: pytest.MonkeyPatch, make: engines.MakeEngine) -> None:
    """The run goes on with the eager engine, and states that one."""
    monkeypatch.setattr(engines, "compiled", make)

    with capture_logs() as logs:
        loop = OuterLoop(small_pool(5), MetaConfig(NETWORK, seed=0, n_steps=2), device="cpu", use_compile=True)

    assert loop.engine == "stacked"
    assert [line["event"] for line in logs] == ["compile_failed"]
    assert loop.advance().step == 1


def test_a_compiled_engine_that_agrees_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name is stated with the weights."""
    monkeypatch.setattr(engines, "compiled", functional)

    loop = OuterLoop(small_pool(5), MetaConfig(NETWORK, seed=0, n_steps=2), device="cpu", use_compile=True)

    assert loop.engine == "compiled"


def refuse(make: engines.MakeEngine) -> None:
    """Find every engine wrong."""
    raise SelfCheckFailed("any", 1.0, 1e-10)


def test_a_compiled_engine_must_pass_the_self_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Agreeing with the eager engine in float32 is not enough: it is held against its definition in float64."""
    monkeypatch.setattr(engines, "compiled", functional)
    batch = small_pool(5).draw(np.random.default_rng(0), 2, 1)
    params = NETWORK.init(0)
    meta = join(params, MAML.rule.initial(NETWORK, params, 0.1))

    with capture_logs() as logs:
        name, _ = prepared("compiled", MAML, meta, batch, refuse)

    assert name == "stacked"
    assert [(line["event"], "SelfCheckFailed" in line["reason"]) for line in logs] == [("compile_failed", True)]


def test_a_body_that_cannot_be_stacked_is_refused() -> None:
    """Convolutions take one kernel for all tasks: each task's own need vmap."""
    with pytest.raises(ValueError, match="stackable"):
        stacked(CONV)


def test_preparing_an_eager_engine_does_no_work() -> None:
    """The sample is for compiled ones."""
    name, _ = prepared("stacked", MAML, {}, Batch(*[torch.empty(0)] * 6), refuse)

    assert name == "stacked"
