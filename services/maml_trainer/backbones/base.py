"""The interface of a backbone: everything of a network but its last layer."""

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

Params = dict[str, Tensor]


class Backbone(Protocol):
    """Rows in, features out: a pure function of named tensors, exact under `torch.func.vmap`."""

    @property
    def n_inputs(self) -> int:
        """Width of a row."""

    @property
    def n_features(self) -> int:
        """Width of what comes out."""

    @property
    def n_layers(self) -> int:
        """Number of layers; the last layer of the network is `w<n_layers + 1>`."""

    @property
    def is_stackable(self) -> bool:
        """Whether tensors may carry a leading dimension, one slice per episode, without `vmap`."""

    @property
    def frozen(self) -> frozenset[str]:
        """Names of tensors that no training changes: they are used as they are, and stored with the others."""

    def init(self, generator: np.random.Generator, dtype: torch.dtype) -> Params:
        """Draw initial tensors, on the CPU; drawn in float64, then rounded."""

    def features(self, params: Params, x: Tensor) -> Tensor:
        """Map rows (…, n, n_inputs) to (…, n, n_features); differentiable twice almost everywhere."""

    def describe(self) -> dict[str, Any]:
        """State, as plain values, what `describe` of an equal backbone states."""
