"""The model: gradients are right, training repeats, and its options do what they say."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest

from homeostat_lab.demo.network import DivergedError, draw_weights, install, predict, train
from homeostat_lab.demo.world import World

HISTORY = World(0, stations=1, events=1).history(0)
X, Y = HISTORY.x[:120], HISTORY.y[:120]


def test_training_repeats_bit_for_bit() -> None:
    """The same arguments give the same bytes; another seed gives others."""
    one, two, other = (train(None, X, Y, lr=0.1, steps=20, seed=seed) for seed in (1, 1, 2))

    assert all(one[name].tobytes() == two[name].tobytes() for name in one)
    assert not np.array_equal(one["w1"], other["w1"])


def test_training_leaves_its_start_alone() -> None:
    """Weights that were passed in are the same afterwards."""
    start = draw_weights(0)
    copy = {name: tensor.copy() for name, tensor in start.items()}

    train(start, X, Y, lr=0.1, steps=5, seed=0)

    assert all(np.array_equal(start[name], copy[name]) for name in start)


def test_step_follows_the_gradient() -> None:
    """One plain step moves single entries of every tensor by -lr times a central difference of the loss.

    Loss in float64, difference 1e-4; tolerance 2 % of the largest entry for float32 arithmetic.
    """

    def loss(weights: Mapping[str, npt.NDArray[np.floating]]) -> float:
        w = {name: tensor.astype(np.float64) for name, tensor in weights.items()}
        logits = np.maximum(X @ w["w1"] + w["b1"], 0.0) @ w["w2"] + w["b2"]
        return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(Y)), Y]))

    start = draw_weights(3)
    moved = train(start, X, Y, lr=0.01, steps=1, batch=len(Y), momentum=0.0, l2=0.0, is_cosine=False, seed=0)

    for name, tensor in start.items():
        change = (start[name] - moved[name]).astype(np.float64).ravel() / 0.01
        at = int(np.abs(change).argmax())
        nudge = np.zeros(tensor.size)
        nudge[at] = 1e-4
        up, down = (loss({**start, name: tensor + side * nudge.reshape(tensor.shape)}) for side in (1.0, -1.0))
        assert change[at] == pytest.approx((up - down) / 2e-4, rel=0.02)


def test_head_only_keeps_the_body() -> None:
    """Only the last layer changes."""
    start = draw_weights(0)

    trained = train(start, X, Y, lr=0.1, steps=5, head_only=True, seed=0)

    assert np.array_equal(trained["w1"], start["w1"])
    assert not np.array_equal(trained["w2"], start["w2"])


def test_rate_of_zero_freezes_a_tensor() -> None:
    """A learned step size scales its own tensor only."""
    start = draw_weights(0)
    rates = {"w1": 0.0, "b1": 0.1, "w2": 0.1, "b2": 0.1}

    trained = train(start, X, Y, lr=1.0, steps=5, l2=0.0, per_tensor_lr=rates, seed=0)

    assert np.array_equal(trained["w1"], start["w1"])
    assert not np.array_equal(trained["b1"], start["b1"])


def test_divergence_is_reported_with_its_step() -> None:
    """An absurd step size ends in DivergedError, not in weights that are not finite."""
    with np.errstate(all="ignore"), pytest.raises(DivergedError) as caught:
        train(None, X, Y, lr=1e30, steps=20, seed=0)

    assert caught.value.step >= 1


def test_each_step_reports_its_loss() -> None:
    """The callback sees every step in order, and the loss falls by more than half over a training."""
    seen: list[tuple[int, float]] = []

    train(None, X, Y, lr=0.1, steps=60, seed=0, on_step=lambda step, loss: seen.append((step, loss)))

    assert [step for step, _ in seen] == list(range(60))
    assert seen[-1][1] < seen[0][1] / 2


def test_installed_model_reads_digits() -> None:
    """Trained on 500 history images, at least 90 % of the other 300 are read; confidence lies in [0.1, 1]."""
    weights = install(HISTORY.x[:500], HISTORY.y[:500], seed=0)

    label, confidence = predict(weights, HISTORY.x[500:])

    assert np.mean(label == HISTORY.y[500:]) > 0.90
    assert confidence.min() >= 0.1
    assert confidence.max() <= 1.0
