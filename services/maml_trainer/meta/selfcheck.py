"""The start-up gate: the engines' meta-gradients against their definition, in float64.

Three independent ways must agree: the engine, a plain loop of `autograd.grad` over unpadded rows,
and finite differences of the loop's objective. FOMAML is no gradient of the query loss, so its
differences are taken of its own definition: the inner gradients held at their values. Reptile is no
gradient of anything: the loop alone defines it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Final, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from homeostat.core import Halt
from homeostat.services.maml_trainer.backbones import Backbone, Conv, Mlp, Params
from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.errors import SelfCheckFailed
from homeostat.services.maml_trainer.meta.algorithms import ALGORITHMS, Algorithm, Rule, join
from homeostat.services.maml_trainer.meta.engines import MakeEngine, functional, stacked
from homeostat.services.maml_trainer.meta.frozen import constants, trainable
from homeostat.services.maml_trainer.meta.inner_loop import Problem
from homeostat.services.maml_trainer.meta.network import Network
from homeostat.services.maml_trainer.meta.reference import Trace, loop_gradient, loop_objective, unpadded

Kind = Literal["drawn classes", "labels", "numbers"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

LOOP_TOLERANCE: Final = 1e-10
DIFFERENCE_TOLERANCE: Final = 1e-5
# Small against the distance to the next kink of a ReLU, large against float64's rounding.
STEPS: Final = (1e-6, 1e-7, 1e-8)
# An update that is nothing (all is frozen, or all classes share a column) is rounding, whatever its direction.
_LEAST: Final = 1e-3
N_CLASSES: Final = 3
BACKBONES: Final[dict[str, Backbone]] = {"mlp": Mlp((5, 8, 6)), "conv": Conv((1, 6, 6), (8, 8))}


class NotVectorised(Halt):
    """An engine cannot do for many tasks at once what the loop does for each."""


def self_check(
    make: MakeEngine | None = None,
    backbones: Mapping[str, Backbone] = BACKBONES,
    algorithms: Sequence[Algorithm] = ALGORITHMS,
    kinds: Sequence[Kind] = KINDS,
) -> None:
    """Compare algorithms on backbones, by default for labels, drawn classes and numbers.

    Deterministic; takes a second or two.

    Args:
        make: The engine; None checks each eager one that fits the backbone.
        backbones: By name, for the message.
        algorithms: Inner rules.
        kinds: Of targets.

    Raises:
        SelfCheckFailed: A relative error above 1e-10 (loop) or 1e-5 (finite differences).
        NotVectorised: An engine refuses a backbone.
    """
    for name, backbone in backbones.items():
        for kind, n_outputs, is_classification in _kinds(backbone):
            if kind not in kinds:
                continue
            batch = _batch(backbone.n_inputs, is_classification)
            network = Network(backbone, n_outputs)
            for algorithm in algorithms:
                steps = 1 if algorithm == "bayesian_last_layer" else 2
                problem = Problem(network, Rule(algorithm, steps), is_classification)
                case = f"{algorithm}, {name}, {kind}, {steps} inner steps"
                _check(case, problem, batch, [make] if make is not None else list(_eager(problem)))


@cache
def check_engine(make: MakeEngine, algorithm: Algorithm, kind: Kind) -> None:
    """Check one engine for what a run needs, on the small perceptron; what has passed is not checked again.

    For the compiled one, which the check at the start leaves out: half a minute for each rule and kind.

    Args:
        make: The engine.
        algorithm: That the run uses.
        kind: Of its targets.

    Raises:
        SelfCheckFailed: As `self_check`; or whatever the compiler says.
    """
    self_check(make, {"mlp": BACKBONES["mlp"]}, (algorithm,), (kind,))


def kind_of(problem: Problem) -> Kind:
    """Name the kind of a problem's targets."""
    if not problem.is_classification:
        return "numbers"
    return "drawn classes" if problem.network.n_outputs == 1 else "labels"


def _kinds(backbone: Backbone) -> Iterator[tuple[Kind, int, bool]]:
    yield "drawn classes", 1, True
    if backbone.is_stackable:  # what the last layer is does not depend on the backbone
        yield "labels", N_CLASSES, True
        yield "numbers", 1, False


def _eager(problem: Problem) -> Iterator[MakeEngine]:
    yield functional
    if problem.network.backbone.is_stackable or problem.rule.is_closed_form:
        yield stacked


def _check(case: str, problem: Problem, batch: Batch, engines: list[MakeEngine]) -> None:
    params = problem.network.init(seed=2, dtype=torch.float64)
    inner = problem.rule.initial(problem.network, params, 0.05)
    problem = replace(problem, constants=constants(problem.network, params))
    generator = np.random.default_rng(4)
    start = join(trainable(problem.network, params), inner)
    meta = {n: v + 0.1 * torch.from_numpy(generator.standard_normal(tuple(v.shape))) for n, v in start.items()}
    tasks = unpadded(batch)
    trace: Trace = []
    expected, _ = loop_gradient(problem, meta, tasks, record=trace)
    for make in engines:
        try:
            gradient, _ = make(problem)(meta, batch)
        except RuntimeError as error:  # torch's own, for what vmap does not take: the loop above took it
            raise NotVectorised(str(error)) from error
        _compare(f"{case}, loop", _flat(gradient), _flat(expected), LOOP_TOLERANCE)
    if problem.rule.algorithm == "reptile":
        return
    frozen = trace if problem.rule.is_first_order else None
    slopes, differences = [], []
    for _ in range(3):
        direction = {n: torch.from_numpy(generator.standard_normal(tuple(v.shape))) for n, v in meta.items()}
        slope = torch.stack([(expected[n] * direction[n]).sum() for n in meta]).sum()

        def value(distance: float, direction: Params = direction) -> Tensor:
            moved = {n: (v + distance * direction[n]).requires_grad_() for n, v in meta.items()}
            return loop_objective(problem, moved, tasks, frozen=frozen).detach()

        slopes.append(slope)
        differences.append(_difference(value, slope))
    slope, difference = torch.stack(slopes), torch.stack(differences)
    _compare(f"{case}, finite differences", slope, difference, DIFFERENCE_TOLERANCE, of_values=True)


def _difference(value: Callable[[float], Tensor], slope: Tensor) -> Tensor:
    """Take the central difference, over the longest step that agrees with the slope, else the one that comes closest.

    In a wide network some ReLU has its kink within the longest step; what is no slope disagrees over all of them.
    """
    found = []
    for step in STEPS:
        found.append((value(step) - value(-step)) / (2 * step))
        if (found[-1] - slope).abs() <= DIFFERENCE_TOLERANCE * slope.abs():
            return found[-1]
    return min(found, key=lambda difference: float((difference - slope).abs().nan_to_num(torch.inf)))


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


def _compare(case: str, actual: Tensor, expected: Tensor, tolerance: float, *, of_values: bool = False) -> None:
    error = ((actual - expected).norm() / expected.norm().clamp_min(_LEAST)).item()
    # Written so that NaN fails.
    if not error <= tolerance:
        raise SelfCheckFailed(case, error, tolerance, is_of_values=of_values)
