"""A sorted window, and thresholds that are crossed at a stated rate."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.codec.state import decode_state, encode_state
from homeostat.stats import AdaptiveConformal, Draws
from homeostat.stats.sorted_window import SortedWindow

_values = st.lists(st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float), min_size=1, max_size=60)


@given(_values, st.integers(1, 20))
def test_window_holds_the_last_values_in_both_orders(values: list[float], length: int) -> None:
    """Whatever comes, ties included."""
    window = SortedWindow(length)

    for value in values:
        window.add(value)

    assert window.recent == values[-length:]
    assert window.ordered == sorted(values[-length:])


@given(_values, st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float), st.integers(1, 9))
def test_kth_nearest_is_the_kth_smallest_distance(values: list[float], value: float, k: int) -> None:
    """As sorting all distances says; 0 while there are fewer than k."""
    window = SortedWindow(60)
    for other in values:
        window.add(other)

    distance = window.kth_nearest(value, k)

    assert distance == (sorted(abs(value - other) for other in values)[k - 1] if k <= len(values) else 0.0)


@given(_values, st.floats(0.001, 0.999))
def test_threshold_is_the_conformal_quantile(values: list[float], level: float) -> None:
    """The smallest value with at least (1 - level)(n + 1) values up to it; infinite if there is none."""
    conformal = AdaptiveConformal.start(length=60, rate=0.1, gain=0.0)
    for value in values:
        conformal.learn(value, is_crossed=False)
    conformal.level = level

    needed = (1.0 - level) * (len(values) + 1)

    candidates = [v for v in sorted(values) if sum(w <= v for w in values) >= needed]
    assert conformal.threshold == (candidates[0] if candidates else math.inf)


def _crossings(values: np.ndarray, rate: float) -> np.ndarray:
    conformal = AdaptiveConformal.start(length=250, rate=rate, gain=2.0 * rate)
    crossed = np.zeros(len(values), bool)
    for row, value in enumerate(values.tolist()):
        crossed[row] = value > conformal.threshold
        conformal.learn(value, is_crossed=bool(crossed[row]))
    return crossed


@pytest.mark.parametrize("shape", ["still", "wandering", "stepping", "bursting"])
def test_rate_is_kept_whatever_the_stream_does(shape: str) -> None:
    """1 % within a tenth over 20,000 values, and at most 3 % in any 500; seeded normal noise on four kinds of level."""
    draws = Draws(shape)
    noise, n = draws.normal(20_000), np.arange(20_000)
    level = {
        "still": 0.0 * n,
        "wandering": np.cumsum(draws.normal(20_000)) * 0.2,
        "stepping": 3.0 * (n // 2_500 % 3),
        "bursting": 8.0 * (n % 400 < 6),
    }[shape]

    crossed = _crossings(noise + level, 0.01)

    assert abs(crossed.mean() - 0.01) < 0.001
    sums = np.cumsum(crossed)
    assert (sums[500:] - sums[:-500]).max() <= 15


def test_a_level_of_zero_is_silence_and_silence_ends() -> None:
    """After a burst nothing is crossed for a while, and the burst's own height is soon no news."""
    conformal = AdaptiveConformal.start(length=250, rate=0.01, gain=0.02)
    for value in [0.0, 1.0] * 100:
        conformal.learn(value, is_crossed=False)
    for _ in range(3):
        conformal.learn(9.0, is_crossed=True)

    silent = 0
    while math.isinf(conformal.threshold):
        conformal.learn(0.5, is_crossed=False)
        silent += 1

    assert 20 <= silent <= 80
    assert conformal.level > 0.0


def test_parameters_outside_their_range_are_refused() -> None:
    """A rate of 1 or a window of nothing has no meaning."""
    for length, rate, gain in ((0, 0.1, 0.1), (1, 1.0, 0.1), (1, 0.1, -0.1)):
        with pytest.raises(ValueError, match="must hold"):
            AdaptiveConformal.start(length=length, rate=rate, gain=gain)


def test_conformal_survives_a_snapshot() -> None:
    """What comes back goes on to the same bytes."""
    conformal = AdaptiveConformal.start(length=7, rate=0.1, gain=0.2)
    for value in Draws("conformal").normal(20).tolist():
        conformal.learn(value, is_crossed=value > conformal.threshold)

    restored = decode_state(encode_state(conformal), AdaptiveConformal)
    for each in (conformal, restored):
        each.learn(0.5, is_crossed=True)

    assert restored == conformal
