"""A user's own network before it is trained: whether its meta-gradients are exact, and if not, why not."""

from collections.abc import Iterator, Sequence
from typing import Final

import torch
from torch import Tensor

from homeostat.services.maml_trainer.backbones import Module, Params
from homeostat.services.maml_trainer.errors import NetworkRefused, SelfCheckFailed
from homeostat.services.maml_trainer.meta.algorithms import ALGORITHMS, Algorithm
from homeostat.services.maml_trainer.meta.frozen import constants, trainable
from homeostat.services.maml_trainer.meta.network import Network
from homeostat.services.maml_trainer.meta.selfcheck import NotVectorised, self_check

_N_ROWS: Final = 32
_ROUNDING: Final = 1e-9
"""Relative, in float64: another order of sums."""

_SHOWN: Final = 300


def check_own(backbone: Module, algorithms: Sequence[Algorithm] = ALGORITHMS) -> None:
    """Check a user's own network for what a run needs.

    Args:
        backbone: Their module.
        algorithms: Inner rules that will be used.

    Raises:
        NetworkRefused: Its meta-gradient would be wrong or cannot be had; the reason names what in it is the cause.
    """
    for cause in _causes(backbone):
        raise NetworkRefused(backbone.path, cause)
    try:
        self_check(backbones={backbone.path: backbone}, algorithms=algorithms)
    except NotVectorised as failure:
        raise NetworkRefused(backbone.path, f"torch.func cannot go through it: {failure}"[:_SHOWN]) from failure
    except SelfCheckFailed as failure:
        raise NetworkRefused(backbone.path, _cause_of(failure)) from failure
    except (RuntimeError, NotImplementedError) as failure:  # torch's own, of the plain loop: no vmap was there
        raise NetworkRefused(
            backbone.path, f"its gradient cannot be taken for {', '.join(algorithms)}: {failure}"[:_SHOWN]
        ) from failure


def _cause_of(failure: SelfCheckFailed) -> str:
    if failure.is_of_values:
        return (
            f"its gradient is not the slope of its values (off by {failure.error:.2g}, {failure.case}): it has a kink "
            "or a jump (round, floor, sign, a threshold), or a gradient of its own (detach, straight-through)"
        )
    if "bayesian_last_layer" in failure.case:  # no vmap in it: the rows of all tasks go through at once
        what = "its features depend on which rows go through together (a branch that looks at the data, a statistic)"
    else:
        what = "torch.func.vmap is wrong in it"
    return f"its meta-gradient is off by {failure.error:.2g} ({failure.case}): {what}"


def _causes(backbone: Module) -> Iterator[str]:
    """What is wrong with the network by itself, without any meta-gradient; the first is the cause of what follows."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(_N_ROWS, backbone.n_inputs, generator=generator, dtype=torch.float64)
    for dtype in (torch.float32, torch.float64):
        try:
            found = backbone.features(_moved(backbone, generator, dtype), x.to(dtype))
        except Exception as error:  # whatever a user's forward raises
            if dtype == torch.float32:
                yield f"its forward fails on ({_N_ROWS}, {backbone.n_inputs}) float32 rows: {_told(error)}"
            else:
                yield f"it works in a fixed dtype, and is checked in float64: {_told(error)}; use the rows' dtype"
            return
        if found.dtype != dtype:
            yield f"it works in a fixed dtype: {dtype} rows give {found.dtype} features; use the rows' dtype"
            return
    params = _moved(backbone, generator, torch.float64)
    features = backbone.features(params, x)
    if not features.isfinite().all():
        yield "it gives features that are not finite for standard normal rows"
    elif not torch.equal(backbone.features(params, x), features):
        yield "it draws at random: the same rows give other features, and a run would not repeat"
    elif not _is_close(backbone.features(params, x[: _N_ROWS // 2]), features[: _N_ROWS // 2]):
        yield (
            "a row's features depend on the rows beside it (statistics of a batch, attention over rows): "
            "episodes are padded, and judged row by row"
        )
    else:
        yield from _without_gradient(backbone, params, x)


def _without_gradient(backbone: Module, params: Params, x: Tensor) -> Iterator[str]:
    own = trainable(Network(backbone, 1), params)
    if not own:
        return
    leaves = {name: value.clone().requires_grad_() for name, value in own.items()}
    features = backbone.features({**params, **leaves}, x)
    weights = torch.linspace(0.5, 1.5, features.numel(), dtype=features.dtype).reshape(features.shape)
    loss = (features * weights).sum()
    if not loss.requires_grad:
        yield "no gradient reaches any of its parameters: forward cuts them off (detach, no_grad, numpy)"
        return
    found: tuple[Tensor | None, ...] = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    for name, gradient in zip(leaves, found, strict=True):
        shown = name.removeprefix(Module.PREFIX)
        if gradient is None:
            yield f"parameter {shown} is not used by forward: remove it, or set requires_grad=False"
        elif not gradient.isfinite().all():
            yield f"parameter {shown} has a gradient that is not finite for standard normal rows"
        elif not gradient.any():
            yield (
                f"parameter {shown} gets no gradient: it is behind an operation that has none (round, sign, argmax); "
                "set requires_grad=False if it shall stay as it is"
            )


def _moved(backbone: Module, generator: torch.Generator, dtype: torch.dtype) -> Params:
    """Its tensors, the trainable ones a little away from where they begin: zeros there are no proof."""
    network = Network(backbone, 1)
    params = {name: value for name, value in network.init(0, dtype=dtype).items() if name not in network.head}
    moved = {
        name: value + 0.1 * torch.randn(value.shape, generator=generator, dtype=torch.float64).to(dtype)
        for name, value in trainable(network, params).items()
    }
    return {**moved, **constants(network, params)}


def _is_close(actual: Tensor, expected: Tensor) -> bool:
    return bool((actual - expected).norm() <= _ROUNDING * (expected.norm() + 1))


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:_SHOWN]
