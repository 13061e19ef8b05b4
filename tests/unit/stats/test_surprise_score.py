"""What is new against a stream's own past, and how new."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.codec.state import decode_state, encode_state
from homeostat.stats import Draws, Surprise
from homeostat.stats.matrix_profile import ShapeNovelty
from homeostat.stats.surprise_score import Peak


def _surprise(memory: int = 600) -> Surprise:
    return Surprise.start(memory=memory, nearest=5, lengths=(8, 48), weights=(1.0, 1.0, 0.75), fading=0.0002, lift=1.4)


def _brute(values: list[float], m: int, memory: int) -> float | None:
    """Distance of the last m values to the nearest earlier stretch, from the definition."""
    last, n = np.array(values[-m:]), len(values)
    ages = [age for age in range(m, memory + 1) if n - age - m >= 0]
    if not ages or max(ages) < m + 20:
        return None
    return min(float(np.sqrt(np.mean((last - np.array(values[n - age - m : n - age])) ** 2))) for age in ages)


@given(st.lists(st.integers(-9, 9).map(float), min_size=60, max_size=120), st.integers(40, 90))
@settings(max_examples=8, deadline=None)
def test_shape_novelty_is_the_distance_to_the_nearest_earlier_stretch(values: list[float], memory: int) -> None:
    """As the definition says, for two lengths at once and a memory shorter or longer than the stream."""
    shapes = ShapeNovelty.start(lengths=(1, 6), memory=memory)

    for n, value in enumerate(values, start=1):
        measured = shapes.update(value)

        for distance, m in zip(measured, (1, 6), strict=True):
            expected = _brute(values[:n], m, memory)
            assert (distance is None) == (expected is None)
            assert (distance or 0.0) == pytest.approx(expected or 0.0, rel=1e-9, abs=1e-5)


def test_an_outlier_leaves_no_rounding_behind() -> None:
    """After a value of 1e12 has left, distances of noise are right to 1e-6 once the sums were made anew."""
    noise = Draws("outlier").normal(700).tolist()
    noise[40] = 1e12
    shapes = ShapeNovelty.start(lengths=(6,), memory=100)
    for value in noise[:511]:
        shapes.update(value)
    shapes.largest = 10.0  # the floor for rounding would hide what is looked for here

    for n in range(512, 700):
        assert shapes.update(noise[n - 1]) == pytest.approx([_brute(noise[:n], 6, 100)], rel=1e-6)


def test_what_recurs_is_no_news() -> None:
    """A daily pattern with 2 % noise: half a day turned round is a surprise, twenty days of the same are none."""
    noise = Draws("recurs").normal(2_400)
    day = np.where(np.arange(48) < 20, 1.0, np.linspace(2.0, 5.0, 48))
    values = np.tile(day, 50) + 0.02 * noise
    values[2_000:2_024] = values[1_976:2_000][::-1]
    surprise = _surprise()

    said = np.array([surprise.update(value) for value in values.tolist()])

    assert said[2_000:2_024].max() > 1.5
    assert said[1_000:2_000].max() < 0.83


def test_the_first_move_of_a_constant_is_a_surprise_and_the_constant_is_none() -> None:
    """Nothing moves, nothing is said; then the largest surprise there is."""
    surprise = _surprise()

    said = [surprise.update(3.0) for _ in range(300)]

    assert max(said) == 0.0
    assert surprise.update(3.5) == 10.0


@given(st.integers(-20, 20))
@settings(max_examples=10, deadline=None)
def test_surprise_has_no_unit(power: int) -> None:
    """A stream in units of a power of two says the same to the last bit."""
    values = Draws("unit").normal(300)
    one, other = _surprise(150), _surprise(150)

    said = [one.update(value) for value in values.tolist()]

    assert said == [other.update(value) for value in np.ldexp(values, power).tolist()]


def test_a_great_excess_does_not_hide_the_next() -> None:
    """After a height of 500 the memory has grown by 1.4, not by 500; without a new one it fades."""
    peak = Peak(fading=0.001, lift=1.4)
    for value in Draws("peak").normal(400).tolist():
        peak.relative(value * value)
    before = peak.peak

    assert peak.relative(500.0) == 10.0
    assert before < peak.peak <= 1.4 * before
    for _ in range(2_000):
        peak.relative(0.5)
    assert peak.peak < 0.2 * before


def test_parameters_that_do_not_fit_are_refused() -> None:
    """Lengths that do not ascend, a memory too short for them, one weight too few."""
    for lengths, memory in (((8, 4), 100), ((), 100), ((8,), 15), ((0,), 15)):
        with pytest.raises(ValueError, match="must ascend"):
            ShapeNovelty.start(lengths=lengths, memory=memory)
    with pytest.raises(ValueError, match="one more than"):
        Surprise.start(memory=100, nearest=1, lengths=(8,), weights=(1.0,), fading=0.0, lift=1.0)


def test_surprise_survives_a_snapshot() -> None:
    """A restored measure goes on to the same bytes."""
    values = Draws("snapshot").normal(400).tolist()
    surprise = _surprise(150)
    for value in values[:300]:
        surprise.update(value)

    restored = decode_state(encode_state(surprise), Surprise)
    said = [(surprise.update(value), restored.update(value)) for value in values[300:]]

    assert all(one == other for one, other in said)
    assert encode_state(restored) == encode_state(surprise)
