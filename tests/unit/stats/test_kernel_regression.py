"""Choosing by descriptors only where that has paid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.stats.kernel_regression import overruling


def world(seed: int, n: int, *, signal: float) -> tuple[np.ndarray, np.ndarray]:
    """Results of 5 configurations on n tasks that depend on two of ten descriptors, or not."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(n, 10))
    weights = np.random.default_rng(1).normal(size=(2, 5))
    results = 0.8 + 0.03 * signal * np.tanh(features[:, :2]) @ weights + 0.005 * generator.normal(size=(n, 5))
    return results, features


def test_what_descriptors_say_is_followed_where_it_pays() -> None:
    """With a planted dependence, more than a quarter of what a perfect choice would gain is gained."""
    results, features = world(0, 90, signal=1.0)
    mean = results[:60].mean(0)
    gained = possible = 0.0

    for i in range(60, 90):
        shift = overruling(results[:60], features[:60], features[i])
        chosen = int((mean if shift is None else mean + shift).argmax())
        gained += results[i, chosen] - results[i, mean.argmax()]
        possible += results[i].max() - results[i, mean.argmax()]

    assert gained > 0.25 * possible


def test_noise_seldom_overrules_the_mean() -> None:
    """Where descriptors say nothing, the best on average is left in most worlds."""
    overruled = 0

    for seed in range(40):
        results, features = world(seed, 40, signal=0.0)
        overruled += overruling(results, features, features[0]) is not None

    assert overruled <= 12  # at one standard error, about one in six by chance, and margins are chosen


@given(seed=st.integers(0, 1000), scale=st.sampled_from([0.01, 3.0, 100.0]))
def test_descriptors_count_by_rank(seed: int, scale: float) -> None:
    """Stretching a descriptor changes nothing, and a missing one is no obstacle."""
    results, features = world(seed, 30, signal=1.0)
    features[::3, 4] = np.nan

    one = overruling(results, features, features[5])
    other = overruling(results, features * scale, features[5] * scale)

    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert one == pytest.approx(other, abs=1e-12)


@pytest.mark.parametrize(("n", "d"), [(5, 3), (30, 0)])
def test_too_little_to_go_by_changes_nothing(n: int, d: int) -> None:
    """A handful of tasks, or no descriptors."""
    results, features = world(0, n, signal=1.0)

    assert overruling(results, features[:, :d], features[0, :d]) is None


def test_descriptors_that_never_vary_change_nothing() -> None:
    """They cannot tell tasks apart."""
    results, _ = world(0, 30, signal=1.0)

    assert overruling(results, np.ones((30, 3)), np.ones(3)) is None
