"""Inference of a multi-layer perceptron from its artifact."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from homeostat.core import Reject
from homeostat.serving.mlp import Layers, logits, most_likely


class ArtifactUnusable(Reject):
    """The bytes are no network that can be served."""

    def __init__(self, why: str) -> None:
        super().__init__("artifact_unusable", f"not tensors w1, b1, w2, b2, … of a classifier: {why}")


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A classifier.

    Args:
        layers: See `serving.mlp`, all float32.
    """

    layers: Layers

    @property
    def width(self) -> int:
        """Numbers in one input."""
        return int(self.layers["w1"].shape[0])

    def predict(self, x: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Label inputs.

        Args:
            x: (n, width) float32; not modified.

        Returns:
            Class indices (n,), and the softmax of each as confidence (n,) in (0, 1]. NaN where not even float64 holds
            what the layers make of an input: such a row has no answer.
        """
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            outputs = logits(self.layers, x)
            label, score = most_likely(outputs)
            lost = np.flatnonzero(~np.isfinite(outputs).all(axis=1))
            if len(lost):  # rows whose sums leave float32
                outputs = logits(self.layers, x[lost].astype(np.float64))
                label[lost], score[lost] = most_likely(outputs)
                score[lost[~np.isfinite(outputs).all(axis=1)]] = np.nan
        return label, score


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
    names = [f"{kind}{layer}" for layer in range(1, n_layers + 1) for kind in "wb"]
    if n_layers == 0 or set(tensors) != set(names):
        raise ArtifactUnusable(f"it has {', '.join(sorted(tensors)) or 'none'}")
    layers = {name: np.ascontiguousarray(tensors[name], np.float32) for name in names}
    width = layers["w1"].shape[0] if layers["w1"].ndim else 0
    for layer in range(1, n_layers + 1):
        weight, bias = layers[f"w{layer}"], layers[f"b{layer}"]
        if weight.ndim != 2 or weight.shape[0] != width or bias.shape != weight.shape[1:]:
            raise ArtifactUnusable(f"layer {layer} takes {width} numbers; w is {weight.shape}, b is {bias.shape}")
        if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
            raise ArtifactUnusable(f"layer {layer} has numbers that are not finite")
        width = weight.shape[1]
    if width < 2:
        raise ArtifactUnusable("a classifier has two outputs or more")
    return Network(layers)
