"""The classifier that recipes train and the server serves: layers `w1`, `b1`, `w2`, …, ReLU between, softmax behind."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]
Layers: TypeAlias = Mapping[str, Floats]
"""Per layer, counted from 1: `w…` (inputs, outputs) and `b…` (outputs,); nothing else."""


def layer_inputs(layers: Layers, x: Floats) -> list[Floats]:
    """Return what each layer takes: `x`, then the outputs of the hidden layers.

    Args:
        layers: At least one.
        x: (n, inputs of the first layer); not modified.
    """
    inputs = [x]
    for layer in range(1, len(layers) // 2):
        inputs.append(np.maximum(inputs[-1] @ layers[f"w{layer}"] + layers[f"b{layer}"], 0.0))
    return inputs


def logits(layers: Layers, x: Floats) -> Floats:
    """Return (n, classes) logits; see `layer_inputs`."""
    return _logits(layers, layer_inputs(layers, x)[-1])


def most_likely(outputs: Floats) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the class of each row of logits (n,), and its softmax (n,) in (0, 1]."""
    label = outputs.argmax(axis=1)
    top = outputs[np.arange(len(outputs)), label]
    return label, 1.0 / np.exp(outputs - top[:, None]).sum(axis=1, dtype=np.float64)


def cross_entropy(layers: Layers, x: Floats, y: NDArray[np.int64], first: int = 1) -> tuple[float, dict[str, Floats]]:
    """Return the mean cross-entropy of a batch, and its gradients.

    Args:
        layers: Not modified.
        x: (n, inputs), n >= 1.
        y: (n,) classes, each below the outputs of the last layer.
        first: Layer from which on gradients are wanted, counted from 1.
    """
    inputs, n_layers = layer_inputs(layers, x), len(layers) // 2
    p = _logits(layers, inputs[-1])
    p -= p.max(axis=1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=1, keepdims=True)
    every = np.arange(len(y))
    loss = float(-np.log(np.maximum(p[every, y], 1e-12)).mean())
    p[every, y] -= 1.0
    p /= len(y)
    delta, gradients = p, dict[str, Floats]()
    for layer in range(n_layers, first - 1, -1):
        gradients[f"w{layer}"], gradients[f"b{layer}"] = inputs[layer - 1].T @ delta, delta.sum(axis=0)
        if layer > first:
            delta = (delta @ layers[f"w{layer}"].T) * (inputs[layer - 1] > 0.0)
    return loss, gradients


def _logits(layers: Layers, x: Floats) -> Floats:
    last = len(layers) // 2
    outputs: Floats = x @ layers[f"w{last}"] + layers[f"b{last}"]
    return outputs
