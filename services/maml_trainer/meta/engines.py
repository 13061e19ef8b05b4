"""Meta-gradients of a batch of tasks at once. All engines compute the same; the plain loop says what.

An engine maps meta-parameters and a batch to the gradient by name and the mean objective, 0-d.
Results agree to rounding and repeat to the bit; between engines the last bits differ.
"""

import shutil
from collections.abc import Callable
from typing import Final, Literal

import structlog
import torch
from torch import Tensor
from torch.func import grad_and_value, vmap

from homeostat.services.maml_trainer.backbones import Params
from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.meta.algorithms import is_log, split
from homeostat.services.maml_trainer.meta.inner_loop import Problem, adapt, all_rows, objective

Engine = Callable[[Params, Batch], tuple[Params, Tensor]]
EngineName = Literal["functional", "stacked", "compiled"]
MakeEngine = Callable[[Problem], Engine]

# Compiling took 18-125 s here, and once per process and rule as long again to check it; at 25 small tasks a step the
# compiled engine saves some 3 ms a step.
COMPILE_FROM_STEPS: Final = 20_000
# float32 in another order of sums: 1e-6 was seen.
_COMPILED_TOLERANCE: Final = 1e-3
_COMPILERS: Final = ("c++", "g++", "clang++")

log = structlog.get_logger(__name__)


def functional(problem: Problem) -> Engine:
    """grad∘vmap∘grad: any network, any rule."""

    def mean_objective(meta: Params, batch: Batch) -> Tensor:
        params, inner = split(meta)
        if problem.rule.is_closed_form:  # nothing of the network differs between tasks: one pass for all rows
            return objective(problem, params, inner, batch).mean()
        losses: Tensor = vmap(lambda task: objective(problem, params, inner, task))(batch)
        return losses.mean()

    def reptile(meta: Params, batch: Batch) -> tuple[Params, Tensor]:
        params, inner = split(meta)

        def moved(task: Batch) -> tuple[Params, Tensor]:
            adapted = adapt(problem, params, inner, all_rows(task))
            return adapted, problem.loss(problem.forward(adapted, task.query_x), *task.query[1:])

        with torch.no_grad():
            adapted, losses = vmap(moved)(batch)
            return _reptile_gradient(problem, meta, adapted), losses.mean()

    if problem.rule.algorithm == "reptile":
        return reptile
    differentiated = grad_and_value(mean_objective)

    def engine(meta: Params, batch: Batch) -> tuple[Params, Tensor]:
        gradient, value = differentiated(meta, batch)
        return gradient, value

    return engine


def stacked(problem: Problem) -> Engine:
    """One slice of each tensor per task, one backward pass for all: the fastest without a compiler.

    Tasks do not share slices, so the gradient of the summed loss is each task's own.

    Raises:
        ValueError: The network's backbone cannot carry a leading dimension, and needs to.
    """
    if not _can_stack(problem):
        raise ValueError(f"the stacked engine needs a stackable backbone: {problem.network}")
    is_second_order = not problem.rule.is_first_order

    def by_backward(loss: Callable[[Params], Tensor], at: Params) -> Params:
        names = list(at)
        leaves = [at[name] if at[name].requires_grad else at[name].requires_grad_() for name in names]
        total = loss(dict(zip(names, leaves, strict=True))).sum()
        found = torch.autograd.grad(total, leaves, create_graph=is_second_order, retain_graph=True)
        return dict(zip(names, found, strict=True))

    def sliced(params: Params, n_tasks: int) -> Params:
        return {name: value.expand(n_tasks, *value.shape) for name, value in params.items()}

    def engine(meta: Params, batch: Batch) -> tuple[Params, Tensor]:
        n_tasks = len(batch.support_x)
        leaves = {name: value.detach().requires_grad_() for name, value in meta.items()}
        with torch.enable_grad():
            params, inner = split(leaves)
            if problem.rule.algorithm == "reptile":
                adapted = adapt(problem, sliced(params, n_tasks), inner, all_rows(batch), by_backward)
                with torch.no_grad():
                    outputs = problem.forward(adapted, batch.query_x)
                    value = problem.loss(outputs, *batch.query[1:]).mean()
                    return _reptile_gradient(problem, meta, adapted), value
            own = params if problem.rule.is_closed_form else sliced(params, n_tasks)
            value = objective(problem, own, inner, batch, by_backward).mean()
            found = torch.autograd.grad(value, list(leaves.values()), allow_unused=True, materialize_grads=True)
        return dict(zip(leaves, found, strict=True)), value.detach()

    return engine


def _reptile_gradient(problem: Problem, meta: Params, adapted: Params) -> Params:
    """Mean of start minus adapted; a shared last column moves by the mean of its classes."""
    gradient: Params = {}
    for name, value in meta.items():
        if is_log(name):
            gradient[name] = torch.zeros_like(value)
            continue
        moved = adapted[name].detach().mean(0)
        if moved.shape != value.shape:
            moved = moved.mean(-1, keepdim=True)
        gradient[name] = value.detach() - moved
    return gradient


def compiled(problem: Problem) -> Engine:
    """`functional`, compiled once for any number of tasks and rows; the first calls take 20 s to two minutes."""
    return torch.compile(functional(problem), dynamic=True)


def choose(problem: Problem, n_steps: int, device: torch.device, *, use_compile: bool | None) -> EngineName:
    """Choose an engine, by nothing but what the run is.

    Args:
        problem: Network and rule.
        n_steps: Outer steps.
        device: Where it runs.
        use_compile: None leaves it to the number of steps and to the rule: what is one pass already,
            or mostly convolution, gains little.

    Returns:
        Its name; `compiled` only where a C++ compiler is (on a GPU, Triton brings its own).
    """
    eager = _eager(problem)
    wanted = use_compile
    if wanted is None:
        wanted = (
            n_steps >= COMPILE_FROM_STEPS and problem.network.backbone.is_stackable and not problem.rule.is_closed_form
        )
    if not wanted:
        return eager
    if device.type == "cpu" and not compiler_at_hand():
        log.warning("compile_unavailable", reason="no C++ compiler", engine=eager)
        return eager
    return "compiled"


def compiler_at_hand() -> bool:
    """Whether there is a C++ compiler, which the compiled engine needs on a CPU."""
    return any(shutil.which(name) for name in _COMPILERS)


def prepared(
    name: EngineName, problem: Problem, meta: Params, sample: Batch, check: Callable[[MakeEngine], None]
) -> tuple[EngineName, Engine]:
    """Make an engine ready; a compiled one is compiled now, agrees with the eager one on a sample, and is checked.

    Args:
        name: Wanted.
        problem: Network and rule.
        meta: Meta-parameters to try it on; not modified.
        sample: Episodes to try it on.
        check: Raises if a compiled engine does not compute its definition in float64.

    Returns:
        The engine and its name: an eager one where compiling fails, with a line in the log.
    """
    eager = _eager(problem)
    if name != "compiled":
        return name, {"functional": functional, "stacked": stacked}[name](problem)
    engine = compiled(problem)
    try:
        found, _ = engine(meta, sample)
        expected, _ = functional(problem)(meta, sample)
        off = max(float((found[n] - expected[n]).norm() / (expected[n].norm() + 1e-6)) for n in meta)
        if not off < _COMPILED_TOLERANCE:
            raise ArithmeticError(f"the compiled gradient is off by {off:.2g}")
        check(compiled)
    except Exception as failure:  # the compiler's errors have no common base; eager is always right
        log.warning("compile_failed", reason=f"{type(failure).__name__}: {failure}"[:300], engine=eager)
        return eager, prepared(eager, problem, meta, sample, check)[1]
    return "compiled", engine


def _eager(problem: Problem) -> EngineName:
    return "stacked" if _can_stack(problem) else "functional"


def _can_stack(problem: Problem) -> bool:
    """A closed form has no tensors of a task's own: any backbone will do."""
    return problem.network.backbone.is_stackable or problem.rule.is_closed_form
