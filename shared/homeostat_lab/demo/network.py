"""The demo's model: a small multilayer perceptron in numpy, trained by gradient descent."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.core import Halt
from homeostat.serving.mlp import cross_entropy, logits, most_likely
from homeostat_lab.demo.digits import N_CLASSES, PIXELS, Floats, Labels

Weights = dict[str, Floats]
"""`w1` (64, 64), `b1` (64,), `w2` (64, 10), `b2` (10,), all float32."""

HIDDEN: Final = 64
HEAD: Final = ("w2", "b2")


class DivergedError(Halt):
    """The loss became non-finite; carries the step."""

    def __init__(self, step: int) -> None:
        super().__init__(f"the loss is not finite at step {step}; a smaller lr is needed")
        self.step = step


def draw_weights(seed: int) -> Weights:
    """Draw initial weights (He et al. 2015, normal with variance 2 / fan-in); biases are 0."""
    rng = np.random.default_rng(seed)
    return {
        "w1": rng.standard_normal((PIXELS, HIDDEN), dtype=np.float32) * np.float32(np.sqrt(2.0 / PIXELS)),
        "b1": np.zeros(HIDDEN, np.float32),
        "w2": rng.standard_normal((HIDDEN, N_CLASSES), dtype=np.float32) * np.float32(np.sqrt(2.0 / HIDDEN)),
        "b2": np.zeros(N_CLASSES, np.float32),
    }


def predict(weights: Weights, x: Floats) -> tuple[Labels, NDArray[np.float64]]:
    """Predict the class of each row.

    Args:
        weights: Of the model.
        x: (n, 64) float32, standardised images.

    Returns:
        label: (n,) int64 in 0..9.
        confidence: (n,) float64, the largest softmax output.
    """
    return most_likely(logits(weights, x))


def train(
    weights: Weights | None,
    x: Floats,
    y: Labels,
    *,
    lr: float,
    steps: int,
    batch: int = 64,
    momentum: float = 0.9,
    l2: float = 1e-4,
    head_only: bool = False,
    per_tensor_lr: Mapping[str, float] | None = None,
    is_cosine: bool = True,
    seed: int,
    on_step: Callable[[int, float], None] | None = None,
) -> Weights:
    """Train by stochastic gradient descent on the cross-entropy; the same arguments give the same bits.

    Args:
        weights: To start from, not modified; None draws them from the seed.
        x: (n, 64) float32, n >= 1.
        y: (n,) int64 in 0..9.
        lr: Step size at the start, > 0; a factor on `per_tensor_lr` where that is given.
        steps: Gradient steps, >= 1.
        batch: Rows per step, drawn without replacement, epoch after epoch; all rows where n is smaller.
        momentum: In [0, 1).
        l2: Weight decay, added to the gradient of the matrices.
        head_only: Change `w2` and `b2` only.
        per_tensor_lr: Learned step sizes by tensor.
        is_cosine: Let the step size fall to 0 along a half cosine; else it stays.
        seed: Of the initial weights and of the order of the rows.
        on_step: Called with each step and its loss before the update.

    Raises:
        DivergedError: The loss became non-finite.
    """
    start = draw_weights(seed) if weights is None else weights
    trained = {name: tensor.copy() for name, tensor in start.items()}
    names = [name for name in trained if not head_only or name in HEAD]
    rates = {name: lr if per_tensor_lr is None else lr * per_tensor_lr[name] for name in names}
    velocity, decay = {name: np.zeros_like(trained[name]) for name in names}, np.float32(l2)
    order = _batches(np.random.default_rng((seed, 1)), len(y), min(batch, len(y)), steps)
    for step, rows in enumerate(order):
        loss, gradients = cross_entropy(trained, x[rows], y[rows])
        if not np.isfinite(loss):
            raise DivergedError(step)
        if on_step is not None:
            on_step(step, loss)
        share = 0.5 * (1.0 + np.cos(np.pi * step / steps)) if is_cosine else 1.0
        for name in names:
            velocity[name] *= np.float32(momentum)
            velocity[name] -= gradients[name] + decay * trained[name] if name.startswith("w") else gradients[name]
            trained[name] += np.float32(rates[name] * share) * velocity[name]
    return trained


def install(x: Floats, y: Labels, seed: int) -> Weights:
    """Train the model a station starts with, from scratch on its history.

    Args:
        x: (n, 64).
        y: (n,) digits.
        seed: Of the first weights and the order of rows.
    """
    return train(None, x, y, lr=0.1, steps=200, seed=seed)


def _batches(rng: np.random.Generator, n: int, size: int, steps: int) -> list[Labels]:
    per_epoch = n // size
    epochs = -(-steps // per_epoch)
    rows = [rng.permutation(n)[: per_epoch * size].reshape(per_epoch, size) for _ in range(epochs)]
    return list(np.concatenate(rows)[:steps])
