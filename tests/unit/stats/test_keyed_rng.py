"""Draws are functions of their key."""

import itertools
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from homeostat.stats import Draws, portable

GOLDEN_UNIFORM = [0.645906657861642, 0.02216411649820349, 0.9027541026740576]
GOLDEN_NORMAL = [0.3742925364270192, -2.0109737166160806, 1.297405227977773]


def test_golden_values() -> None:
    """These numbers never change: published decisions were drawn with them."""
    assert Draws("source|1.0|0").uniform(3).tolist() == GOLDEN_UNIFORM
    assert Draws("source|1.0|0").normal(3).tolist() == GOLDEN_NORMAL


@given(st.text(max_size=20), st.lists(st.integers(0, 7), max_size=8))
def test_cuts_change_nothing(key: str, sizes: list[int]) -> None:
    """Drawing in pieces gives the numbers of drawing at once."""
    whole = Draws(key).uniform(sum(sizes))
    pieces = Draws(key)

    assert np.concatenate([np.empty(0), *[pieces.uniform(n) for n in sizes]]).tobytes() == whole.tobytes()


def test_keys_are_independent() -> None:
    """Sequences of neighbouring keys do not correlate: |r| < 5 / sqrt(n) in each of 100 pairs."""
    n = 2_000
    rows = np.array([Draws(f"source|{i}.0|0").normal(n) for i in range(101)])

    correlations = [np.corrcoef(a, b)[0, 1] for a, b in itertools.pairwise(rows)]

    assert max(map(abs, correlations)) < 5 / math.sqrt(n)


def test_uniform_is_uniform() -> None:
    """100,000 numbers stay inside (0, 1) and their Kolmogorov distance is below the 0.1 % point, 1.95 / sqrt(n)."""
    n = 100_000
    xs = np.sort(Draws("uniform").uniform(n))

    distance = max(np.max(np.arange(1, n + 1) / n - xs), np.max(xs - np.arange(n) / n))

    assert xs[0] > 0.0
    assert xs[-1] < 1.0
    assert distance < 1.95 / math.sqrt(n)


def test_normal_is_the_quantile_of_uniform() -> None:
    """Inversion uses one number for one, so the count of numbers used never depends on their values."""
    assert Draws("k").normal(50).tolist() == portable.normal_quantile(Draws("k").uniform(50)).tolist()
