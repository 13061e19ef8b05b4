"""A network: a backbone and a linear last layer, as named tensors and a pure function.

No module object: `torch.func.vmap` gives silently wrong second-order gradients through the fused
norms, and a dictionary of arrays can be served without torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from homeostat.services.maml_trainer.backbones import Backbone, Conv, Mlp, Module, Params
from homeostat.services.maml_trainer.backbones.mlp import dense, linear
from homeostat.services.maml_trainer.errors import WeightsMalformed


@dataclass(frozen=True, slots=True)
class Network:
    """A backbone with a last layer.

    Args:
        backbone: Rows to features.
        n_outputs: Numbers or classes; 1 where the classes of an episode are drawn: then the one
            column is shared by however many classes there are, and no class has a weight of its own.

    Source: Ye & Chao 2021 (UNICORN-MAML) for the shared column.
    """

    backbone: Backbone
    n_outputs: int

    def __post_init__(self) -> None:
        if self.n_outputs < 1:
            raise ValueError(f"a network needs at least one output, got {self.n_outputs}")

    @property
    def head(self) -> tuple[str, str]:
        """Names of the last layer's weight (features, outputs) and bias (outputs,)."""
        layer = self.backbone.n_layers + 1
        return f"w{layer}", f"b{layer}"

    def init(self, seed: int, *, dtype: torch.dtype = torch.float32) -> Params:
        """Draw initial tensors on the CPU; the same network and seed give the same bits.

        Args:
            seed: Of numpy's default generator, >= 0.
            dtype: Floating dtype.
        """
        generator = np.random.default_rng(seed)
        params = self.backbone.init(generator, dtype)
        weight, bias = self.head
        params[weight], params[bias] = dense(generator, self.backbone.n_features, self.n_outputs, dtype)
        return params

    def widened(self, params: Params, n_outputs: int) -> Params:
        """Give every one of `n_outputs` classes the shared column; nothing to do where each has its own."""
        if self.n_outputs == n_outputs:
            return params
        weight, bias = self.head
        wide = {weight: params[weight].expand(*params[weight].shape[:-1], n_outputs)}
        wide[bias] = params[bias].expand(*params[bias].shape[:-1], n_outputs)
        return {**params, **wide}

    def last(self, params: Params, features: Tensor) -> Tensor:
        """Map features (…, n, features) to outputs (…, n, out)."""
        weight, bias = self.head
        return linear(features, params[weight], params[bias])

    def forward(self, params: Params, x: Tensor) -> Tensor:
        """Map rows (…, n, in) to logits or predictions (…, n, out)."""
        return self.last(params, self.backbone.features(params, x))

    def describe(self) -> dict[str, Any]:
        """State the network in plain values, for `network_of`."""
        return {**self.backbone.describe(), "n_outputs": self.n_outputs}


def mlp(sizes: Sequence[int]) -> Network:
    """Make a multilayer perceptron of these widths, from input to output, at least two."""
    if len(sizes) < 2:
        raise ValueError(f"a network needs two or more widths, got {tuple(sizes)}")
    return Network(Mlp(tuple(sizes[:-1])), sizes[-1])


def network_of(description: Mapping[str, Any]) -> Network:
    """Make the network that `describe` described.

    Raises:
        WeightsMalformed: It describes none.
        NetworkRefused: A user's module is not there or not usable.
    """
    try:
        kind, n_outputs = description["kind"], int(description["n_outputs"])
        if kind == "mlp":
            return mlp((*(int(width) for width in description["widths"]), n_outputs))
        if kind == "conv":
            channels, height, width = (int(side) for side in description["image"])
            filters = tuple(int(n) for n in description["filters"])
            return Network(Conv((channels, height, width), filters), n_outputs)
        if kind == "module":
            return Network(Module(str(description["path"]), int(description["n_inputs"])), n_outputs)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsMalformed(f"no network is described by {dict(description)}: {error}") from error
    raise WeightsMalformed(f"there is no network of the kind {kind!r}")
