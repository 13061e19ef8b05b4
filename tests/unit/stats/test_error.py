"""What an error is: in no unit, in [0, 1], and of a scale that a few odd rows do not decide."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from homeostat.stats.error import ErrorScale, Floats, error_of

ROWS = arrays(np.float64, 120, elements=st.floats(-100.0, 100.0).map(lambda value: round(value, 3)))
UNITS = st.floats(1e-9, 1e9)
SHIFTS = st.integers(-(2**20), 2**20).map(float)


def errors(prediction: Floats, label: Floats, scale: ErrorScale | None = None) -> Floats:
    """Errors of rows in order, the scale learned from them."""
    return error_of(prediction, label, (scale or ErrorScale()).update(prediction, label))


def noise(n: int, seed: int = 0) -> Floats:
    """Answers around a truth of 0."""
    return np.random.default_rng(seed).standard_normal(n)


@given(prediction=ROWS, label=ROWS, exponent=st.integers(-60, 60))
def test_a_power_of_two_changes_no_bit(prediction: Floats, label: Floats, exponent: int) -> None:
    """Of the errors; the scale is in the unit of the target."""
    scale, scaled, unit = ErrorScale(), ErrorScale(), 2.0**exponent

    plain, other = errors(prediction, label, scale), errors(prediction * unit, label * unit, scaled)

    assert plain.tobytes() == other.tobytes()
    assert scaled.value == scale.value * unit


@given(prediction=ROWS, label=ROWS, unit=UNITS)
def test_any_other_unit_changes_rounding_only(prediction: Floats, label: Floats, unit: float) -> None:
    """Metres, inches, parsecs."""
    np.testing.assert_allclose(errors(prediction * unit, label * unit), errors(prediction, label), atol=1e-8)


@given(counts=arrays(np.int64, (2, 120), elements=st.integers(0, 30)), unit=UNITS)
def test_no_unit_decides_a_tie(counts: NDArray[np.int64], unit: float) -> None:
    """Answers that are as far off as each other, or off by just half a scale, are so in any unit."""
    label = np.full(120, 15.0)
    plain, other = ErrorScale(), ErrorScale()
    champion, candidate = counts.astype(np.float64)

    units = plain.update(champion, label), other.update(champion * unit, label * unit)
    pairs = [error_of(said, label, units[0]) for said in (champion, candidate)]
    scaled = [error_of(said * unit, label * unit, units[1]) for said in (champion, candidate)]

    np.testing.assert_array_equal(np.sign(pairs[0] - pairs[1]), np.sign(scaled[0] - scaled[1]))
    np.testing.assert_array_equal(pairs[0] >= 0.5, scaled[0] >= 0.5)


@given(prediction=ROWS, label=ROWS, shift=SHIFTS)
def test_where_zero_lies_does_not_matter(prediction: Floats, label: Floats, shift: float) -> None:
    """Celsius and kelvin: a constant added to answer and truth."""
    np.testing.assert_allclose(errors(prediction + shift, label + shift), errors(prediction, label), atol=1e-6)


@given(prediction=ROWS, label=ROWS, cut=st.integers(0, 120))
def test_how_rows_are_cut_does_not_matter(prediction: Floats, label: Floats, cut: int) -> None:
    """The unit of a row depends on the rows before it, in one call or in two."""
    scale, parts = ErrorScale(), ErrorScale()

    whole = errors(prediction, label, scale)
    first = errors(prediction[:cut], label[:cut], parts)
    rest = errors(prediction[cut:], label[cut:], parts)

    assert whole.tobytes() == np.concatenate((first, rest)).tobytes()
    assert parts == scale


@given(
    prediction=arrays(np.float64, 700, elements=st.floats(width=64)),
    label=arrays(np.float64, 700, elements=st.floats(width=64)),
)
def test_whatever_comes_an_error_is_between_nothing_and_a_whole(prediction: Floats, label: Floats) -> None:
    """Infinite, missing, beyond any measurement; NaN only where answer, truth or unit is missing."""
    scale = ErrorScale()

    units = np.broadcast_to(scale.update(prediction, label), 700)
    found = error_of(prediction, label, units)

    is_known = ~np.isnan(prediction) & np.isfinite(label) & ~np.isnan(units)
    np.testing.assert_array_equal(np.isnan(found), ~is_known)
    assert np.all((found[is_known] >= 0.0) & (found[is_known] <= 1.0))
    assert np.isfinite(scale.value)


def test_the_farther_off_the_larger_without_end() -> None:
    """Of two answers that are both far off the nearer is the better: a thousand scales from one thousand and one."""
    distances = np.array([0.0, 0.1, 0.5, 0.50001, 1.0, 20.0, 1000.0, 1001.0])

    found = error_of(distances, np.zeros(8), 1.0)

    assert np.all(np.diff(found) > 0.0)
    assert found[:3].tolist() == pytest.approx([0.0, 0.1, 0.5], abs=1e-9)
    assert found[-1] < 1.0


def test_a_typical_error_counts_as_a_fifth() -> None:
    """Once the first fifty rows are known; none of them has an error itself."""
    prediction = np.full(60, 7.0)

    found = errors(prediction, np.full(60, 4.0))

    assert np.isnan(found[:50]).all()
    assert found[50:].tolist() == pytest.approx([0.2] * 10, abs=1e-9)


@pytest.mark.parametrize("outlier", [1e6, 1e30, 1e300, np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("n", [1, 15])
def test_odd_first_rows_do_not_decide_the_scale(outlier: float, n: int) -> None:
    """Fifteen of the first fifty, however far off they are: the scale is at most doubled."""
    prediction = noise(400)
    clean, odd = ErrorScale(), ErrorScale()
    clean.update(prediction, np.zeros(400))

    prediction[:n] = outlier
    odd.update(prediction, np.zeros(400))

    assert 0.5 * clean.value < odd.value < 2.0 * clean.value


@pytest.mark.parametrize("draw", ["standard_cauchy", "standard_normal", "standard_exponential"])
def test_heavy_tails_leave_room_on_both_sides(draw: str) -> None:
    """The mean error of what has not moved is near a quarter, whatever the law of the distances."""
    prediction = getattr(np.random.default_rng(1), draw)(2000)

    assert 0.15 < np.nanmean(errors(prediction, np.zeros(2000))) < 0.35


def test_a_model_that_was_always_right_and_breaks_is_wrong() -> None:
    """A distance counts as a whole until fifty of them say what is usual."""
    scale, right = ErrorScale(), np.arange(600.0)
    before = errors(right, right, scale)

    after = errors(right[:120] + 3.0, right[:120], scale)

    assert np.isnan(before[:500]).all()
    assert before[500:].tolist() == [0.0] * 100
    assert after[:50].tolist() == [1.0] * 50
    assert after[50:].tolist() == pytest.approx([0.2] * 70, abs=1e-9)


def test_rows_that_are_right_do_not_make_the_others_large() -> None:
    """Rain: nine of ten days have none. Of the others the usual one counts as a fifth."""
    prediction = np.where(np.arange(5000) % 10 == 0, noise(5000), 0.0)

    found = errors(prediction, np.zeros(5000))

    assert 0.15 < found[600:][prediction[600:] != 0.0].mean() < 0.35


def test_what_differs_by_rounding_is_right() -> None:
    """Or the unit would decide which answers are: 0.1 + 0.2 is 0.3 in thousandths, and is not in wholes."""
    prediction: NDArray[np.float64] = np.array([0.1 + 0.2, 300.0, 1e9 + 0.3 - 1e9, np.nextafter(5.0, 6.0)])
    label = np.array([0.3, 300.0, 0.3, 5.0])

    assert error_of(prediction, label, 0.0).tolist() == [0.0, 0.0, 1.0, 0.0]


def test_a_classifier_is_right_or_wrong() -> None:
    """And unknown without an answer or a truth."""
    found = error_of(np.array([1.0, 2.0, np.nan, 1.0]), np.array([1.0, 1.0, 1.0, np.nan]), None)

    assert found[:2].tolist() == [0.0, 1.0]
    assert np.isnan(found[2:]).all()


def test_a_scale_is_learned_once() -> None:
    """Whatever comes later: errors of all champions are comparable."""
    scale = ErrorScale()
    scale.update(noise(60), np.zeros(60))
    known = replace(scale)

    assert scale.update(1e6 * noise(100), np.zeros(100)) == known.value
    assert scale == known
