"""The start-up gate: the engines' meta-gradients against their definition, in float64.

Three independent ways must agree: the engine, a plain loop of `autograd.grad` over unpadded rows,
and finite differences of the loop's objective. FOMAML is no gradient of the query loss, so its
differences are taken of its own definition: the inner gradients held at their values. Reptile is no
gradient of anything: the loop alone defines it.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from maml_trainer.batch import Batch
from maml_trainer.bodies import Body, Conv, Mlp, Module, Params
from maml_trainer.engines import MakeEngine, functional, stacked
from maml_trainer.errors import NetworkRefused, SelfCheckFailed
from maml_trainer.inner import Problem
from maml_trainer.loop import Trace, loop_gradient, loop_objective, unpadded
from maml_trainer.network import Network
from maml_trainer.rules import ALGORITHMS, Algorithm, Rule, join

Kind = Literal["drawn classes", "labels", "numbers"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

LOOP_TOLERANCE: Final = 1e-10
DIFFERENCE_TOLERANCE: Final = 1e-5
# Small against the distance to the next kink of a ReLU, large against float64's rounding.
STEP: Final = 1e-6
N_CLASSES: Final = 3
BODIES: Final[dict[str, Body]] = {"mlp": Mlp((5, 8, 6)), "conv": Conv((1, 6, 6), (8, 8))}


def self_check(
    make: MakeEngine | None = None,
    bodies: Mapping[str, Body] = BODIES,
    algorithms: Sequence[Algorithm] = ALGORITHMS,
    kinds: Sequence[Kind] = KINDS,
) -> None:
    """Compare algorithms on bodies, by default for labels, drawn classes and numbers.

    Deterministic; takes a second or two.

    Args:
        make: The engine; None checks each eager one that fits the body.
        bodies: By name, for the message.
        algorithms: Inner rules.
        kinds: Of targets.

    Raises:
        SelfCheckFailed: A relative error above 1e-10 (loop) or 1e-5 (finite differences).
    """
    for name, body in bodies.items():
        for kind, n_outputs, is_classification in _kinds(body):
            if kind not in kinds:
                continue
            batch = _batch(body.n_inputs, is_classification)
            network = Network(body, n_outputs)
            for algorithm in algorithms:
                steps = 1 if algorithm == "bayesian_last_layer" else 2
                problem = Problem(network, Rule(algorithm, steps), is_classification)
                case = f"{algorithm}, {name}, {kind}, {steps} inner steps"
                _check(case, problem, batch, [make] if make is not None else list(_eager(problem)))


@cache
def check_engine(make: MakeEngine, algorithm: Algorithm, kind: Kind) -> None:
    """Check one engine for what a run needs, on the small perceptron; what has passed is not checked again.

    For the compiled one, which the check at the start leaves out: half a minute for each rule and kind.

    Raises:
        SelfCheckFailed: As `self_check`; or whatever the compiler says.
    """
    self_check(make, {"mlp": BODIES["mlp"]}, (algorithm,), (kind,))


def check_own(body: Module) -> None:
    """Check a user's own network.

    Raises:
        NetworkRefused: `vmap` is not exact through it, or cannot go through it.
    """
    try:
        self_check(bodies={body.path: body})
    except SelfCheckFailed as failure:
        detail = f"its meta-gradient is off by {failure.error:.2g} ({failure.case}): torch.func.vmap is wrong in it"
        raise NetworkRefused(body.path, detail) from failure
    except RuntimeError as failure:  # torch's own, for what vmap does not take
        raise NetworkRefused(body.path, f"torch.func.vmap cannot go through it: {failure}"[:500]) from failure


def kind_of(problem: Problem) -> Kind:
    """Name the kind of a problem's targets."""
    if not problem.is_classification:
        return "numbers"
    return "drawn classes" if problem.network.n_outputs == 1 else "labels"


def _kinds(body: Body) -> Iterator[tuple[Kind, int, bool]]:
    yield "drawn classes", 1, True
    if body.is_stackable:  # what the last layer is does not depend on the body
        yield "labels", N_CLASSES, True
        yield "numbers", 1, False


def _eager(problem: Problem) -> Iterator[MakeEngine]:
    yield functional
    if problem.network.body.is_stackable or problem.rule.is_closed_form:
        yield stacked


def _check(case: str, problem: Problem, batch: Batch, engines: list[MakeEngine]) -> None:
    params = problem.network.init(seed=2, dtype=torch.float64)
    inner = problem.rule.initial(problem.network, params, 0.05)
    generator = np.random.default_rng(4)
    start = join(params, inner)
    meta = {n: v + 0.1 * torch.from_numpy(generator.standard_normal(tuple(v.shape))) for n, v in start.items()}
    tasks = unpadded(batch)
    trace: Trace = []
    expected, _ = loop_gradient(problem, meta, tasks, record=trace)
    for make in engines:
        gradient, _ = make(problem)(meta, batch)
        _compare(f"{case}, loop", _flat(gradient), _flat(expected), LOOP_TOLERANCE)
    if problem.rule.algorithm == "reptile":
        return
    frozen = trace if problem.rule.is_first_order else None
    slopes, differences = [], []
    for _ in range(3):
        direction = {n: torch.from_numpy(generator.standard_normal(tuple(v.shape))) for n, v in meta.items()}
        ends = []
        for sign in (1.0, -1.0):
            moved = {n: (v + sign * STEP * direction[n]).requires_grad_() for n, v in meta.items()}
            ends.append(loop_objective(problem, moved, tasks, frozen=frozen).detach())
        differences.append((ends[0] - ends[1]) / (2 * STEP))
        slopes.append(torch.stack([(expected[n] * direction[n]).sum() for n in meta]).sum())
    _compare(f"{case}, finite differences", torch.stack(slopes), torch.stack(differences), DIFFERENCE_TOLERANCE)


def _batch(n_inputs: int, is_classification: bool) -> Batch:
    """Uneven episodes, so that the padding is under test too."""
    generator = np.random.default_rng(0)

    def part(n: int) -> tuple[Tensor, Tensor, Tensor]:
        x = generator.standard_normal((2, n, n_inputs))
        labels = generator.integers(N_CLASSES, size=(2, n))
        y = np.eye(N_CLASSES)[labels] if is_classification else np.sin(x[..., :1] + 1)
        weight = np.ones((2, n))
        weight[1, -2:] = 0.0
        return torch.from_numpy(x), torch.from_numpy(y), torch.from_numpy(weight)

    return Batch(*part(7), *part(9))


def _flat(tensors: Params) -> Tensor:
    return torch.cat([tensors[name].detach().reshape(-1) for name in sorted(tensors)])


def _compare(case: str, actual: Tensor, expected: Tensor, tolerance: float) -> None:
    error = ((actual - expected).norm() / expected.norm()).item()
    # Written so that NaN fails.
    if not error <= tolerance:
        raise SelfCheckFailed(case, error, tolerance)
