"""Inference of a multi-layer perceptron from its artifact."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from homeostat.core import Reject


class ArtifactUnusable(Reject):
    """The bytes are no network that can be served."""

    def __init__(self, why: str) -> None:
        super().__init__("artifact_unusable", f"not tensors w1, b1, w2, b2, … of a classifier: {why}")


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A classifier: affine layers with ReLU between them and softmax after the last.

    Args:
        weights: Per layer (inputs, outputs) float32.
        biases: Per layer (outputs,) float32.
    """

    weights: tuple[NDArray[np.float32], ...]
    biases: tuple[NDArray[np.float32], ...]

    @property
    def width(self) -> int:
        """Numbers in one input."""
        return int(self.weights[0].shape[0])

    def predict(self, x: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Label inputs.

        Args:
            x: (n, width) float32; not modified.

        Returns:
            Class indices (n,), and the softmax of each as confidence (n,) in (0, 1]. NaN where not even float64 holds
            what the layers make of an input: such a row has no answer.
        """
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            logits = self._logits(x)
            label, score = _most_likely(logits)
            lost = np.flatnonzero(~np.isfinite(logits).all(axis=1))
            if len(lost):  # rows whose sums leave float32
                logits = self._logits(x[lost].astype(np.float64))
                label[lost], score[lost] = _most_likely(logits)
                score[lost[~np.isfinite(logits).all(axis=1)]] = np.nan
        return label, score

    def _logits(self, x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = np.maximum(x @ weight + bias, 0.0)
        return x @ self.weights[-1] + self.biases[-1]


def _most_likely(logits: NDArray[np.floating[Any]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    label = logits.argmax(axis=1)
    top = logits[np.arange(len(logits)), label]
    return label, 1.0 / np.exp(logits - top[:, None]).sum(axis=1, dtype=np.float64)


def load_network(content: bytes) -> Network:
    """Read a network from safetensors: `w1` (inputs, outputs), `b1` (outputs,), `w2`, `b2`, …

    Raises:
        ArtifactUnusable: Not such tensors, shapes that do not follow each other, or not all finite.
    """
    try:
        tensors = load(content)
    except (SafetensorError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ArtifactUnusable(str(error)) from None
    n_layers = len(tensors) // 2
    names = {f"{kind}{layer}" for kind in "wb" for layer in range(1, n_layers + 1)}
    if n_layers == 0 or set(tensors) != names:
        raise ArtifactUnusable(f"it has {', '.join(sorted(tensors)) or 'none'}")
    weights = tuple(np.ascontiguousarray(tensors[f"w{i}"], np.float32) for i in range(1, n_layers + 1))
    biases = tuple(np.ascontiguousarray(tensors[f"b{i}"], np.float32) for i in range(1, n_layers + 1))
    width = weights[0].shape[0] if weights[0].ndim else 0
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True), start=1):
        if weight.ndim != 2 or weight.shape[0] != width or bias.shape != weight.shape[1:]:
            raise ArtifactUnusable(f"layer {layer} takes {width} numbers; w is {weight.shape}, b is {bias.shape}")
        if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
            raise ArtifactUnusable(f"layer {layer} has numbers that are not finite")
        width = weight.shape[1]
    if width < 2:
        raise ArtifactUnusable("a classifier has two outputs or more")
    return Network(weights, biases)
