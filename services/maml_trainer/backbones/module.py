"""A user's own `torch.nn.Module` as a backbone, if `vmap` is exact through it."""

import importlib
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from homeostat.services.maml_trainer.backbones.base import Params
from homeostat.services.maml_trainer.errors import NetworkRefused

_WRONG_UNDER_VMAP: Final = (
    # BatchNorm*, SyncBatchNorm, InstanceNorm*, and their lazy forms
    nn.modules.batchnorm._NormBase,  # noqa: SLF001  # torch has no public name for it
    nn.LayerNorm,
)
_KINDS: Final = (torch.float32, torch.int64, torch.int32, torch.uint8, torch.bool)
"""What weights can be stored as; what is trained is float32."""


class Module:
    """Wraps a module that maps (n, n_inputs) to (n, features); the trainer adds the last layer itself.

    Parameters that require no gradient, and buffers, are never changed: not by adaptation, nor by training.

    Args:
        path: `package.module:function`; `function(n_inputs)` returns the module.
        n_inputs: Width of a row.

    Raises:
        NetworkRefused: There is no such function, the module holds a norm layer whose second-order
            gradients `vmap` gets wrong, draws (dropout), changes its own buffers, has tensors of a kind that cannot
            be stored, or gives no (n, features).
    """

    PREFIX: Final = "body."
    """Of the names of its tensors, beside those of the last layer: published weights are read by them."""

    def __init__(self, path: str, n_inputs: int) -> None:
        self.path, self.n_inputs = path, n_inputs
        self._make = _function(path)
        try:
            self._module = self._drawn(seed=0)
        except Exception as error:  # whatever a user's function raises
            raise NetworkRefused(path, f"{path}({n_inputs}) fails: {type(error).__name__}: {error}"[:500]) from error
        for name, part in self._module.named_modules():
            if isinstance(part, _WRONG_UNDER_VMAP):
                raise NetworkRefused(
                    path,
                    f"{name or 'it'} is a {type(part).__name__}: torch.func.vmap gives silently wrong second-order "
                    "gradients through it (pytorch/functorch#534); use nn.GroupNorm or write the norm by hand",
                )
            if isinstance(part, nn.modules.dropout._DropoutNd):  # noqa: SLF001  # as above
                raise NetworkRefused(path, f"{name or 'it'} draws at random: a run would not repeat")
        for name, value in _named(self._module):
            kinds = _KINDS[:1] if value.requires_grad else _KINDS
            if value.dtype not in kinds:
                allowed = ", ".join(str(kind).removeprefix("torch.") for kind in kinds)
                raise NetworkRefused(path, f"{name} is {value.dtype}; it can be {allowed}")
        self.frozen = frozenset(self.PREFIX + name for name, value in _named(self._module) if not value.requires_grad)
        before = {name: value.clone() for name, value in self._module.named_buffers()}
        try:
            with torch.no_grad():
                out = self._module(torch.zeros(2, n_inputs))
        except Exception as error:  # as above
            raise NetworkRefused(
                path, f"its forward fails on (2, {n_inputs}) zeros: {type(error).__name__}: {error}"[:500]
            ) from error
        for name, value in self._module.named_buffers():
            if not torch.equal(value, before[name]):
                raise NetworkRefused(path, f"its forward changes its buffer {name}: adaptation could not keep it apart")
        if out.ndim != 2 or len(out) != 2:
            raise NetworkRefused(path, f"it maps (2, {n_inputs}) to {tuple(out.shape)}, not to (2, features)")
        self.n_features = int(out.shape[1])

    def _drawn(self, seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self._make(self.n_inputs).train()

    @property
    def n_layers(self) -> int:
        """See `Backbone`: the module's own tensors have its own names."""
        return 0

    @property
    def is_stackable(self) -> bool:
        """See `Backbone`."""
        return False

    def init(self, generator: np.random.Generator, dtype: torch.dtype) -> Params:
        """See `Backbone`. The module draws itself, with torch's generator seeded by ours."""
        module = self._drawn(int(generator.integers(2**31)))
        return {
            self.PREFIX + name: value.detach().to(dtype if value.is_floating_point() else value.dtype)
            for name, value in _named(module)
        }

    def features(self, params: Params, x: Tensor) -> Tensor:
        """See `Backbone`."""
        own = {n.removeprefix(self.PREFIX): value for n, value in params.items() if n.startswith(self.PREFIX)}
        rows = x.reshape(-1, self.n_inputs)
        out: Tensor = functional_call(self._module, own, (rows,))
        return out.reshape(*x.shape[:-1], self.n_features)

    def describe(self) -> dict[str, Any]:
        """See `Backbone`."""
        return {"kind": "module", "path": self.path, "n_inputs": self.n_inputs}


def _function(path: str) -> Callable[[int], nn.Module]:
    module, _, name = path.partition(":")
    try:
        function: Callable[[int], nn.Module] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise NetworkRefused(path, f"there is no such function: {error}") from error
    return function


def _named(module: nn.Module) -> list[tuple[str, Tensor]]:
    return [*module.named_parameters(), *module.named_buffers()]
