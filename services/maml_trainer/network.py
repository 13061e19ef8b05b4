"""The network: a multilayer perceptron as named tensors and a pure function.

No module object and no norm layer: `torch.func.vmap` gives silently wrong second-order gradients
through the fused norms, and a dictionary of arrays can be served without torch.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

Params = dict[str, Tensor]


def init(sizes: Sequence[int], seed: int, *, dtype: torch.dtype = torch.float32) -> Params:
    """Draw initial parameters; the same sizes and seed give the same bits.

    Args:
        sizes: Widths from input to output, at least two, each >= 1.
        seed: Seed of numpy's default generator, >= 0.
        dtype: Floating dtype; drawn in float64, then rounded.

    Returns:
        `w1`, `b1`, `w2`, `b2`, … on the CPU: weights (in, out), biases (out,) of zeros.

    Source: He et al. 2015, normal with variance 2 / fan-in.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"a network needs two or more widths, each >= 1, got {tuple(sizes)}")
    generator = np.random.default_rng(seed)
    params: Params = {}
    for layer, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
        weight = generator.standard_normal((n_in, n_out)) * np.sqrt(2.0 / n_in)
        params[f"w{layer}"] = torch.from_numpy(weight).to(dtype)
        params[f"b{layer}"] = torch.zeros(n_out, dtype=dtype)
    return params


def forward(params: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """Compute the outputs: ReLU between layers, nothing after the last.

    Args:
        params: As from `init`.
        x: Rows (…, in).

    Returns:
        Logits or predictions (…, out); differentiable any number of times almost everywhere.
    """
    n_layers = len(params) // 2
    for layer in range(1, n_layers + 1):
        x = x @ params[f"w{layer}"] + params[f"b{layer}"]
        if layer < n_layers:
            x = torch.relu(x)
    return x


def sizes_of(params: Mapping[str, Tensor]) -> tuple[int, ...]:
    """Read the widths back from parameters.

    >>> sizes_of(init((4, 3, 2), seed=0))
    (4, 3, 2)
    """
    weights = [params[f"w{layer}"] for layer in range(1, len(params) // 2 + 1)]
    return (weights[0].shape[0], *(weight.shape[1] for weight in weights))
