"""The portable functions are accurate, equal in both forms, and total."""

import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.stats import portable

TOLERANCE = 1e-14
"""Relative, the contract of the module; the measured error is below 1e-15."""
SUBNORMAL = 5e-324

FUNCTIONS = [portable.exp, portable.log, portable.log1p, portable.normal_quantile]
ANY = st.floats() | st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 0.075, 0.925, SUBNORMAL, 1e-310, -1e-310])
PROBABILITIES = st.floats(0.0, 1.0) | st.floats(-740.0, 0.0).map(math.exp)


def assert_close(actual: float, exact: mpmath.mpf) -> None:
    assert abs(mpmath.mpf(actual) - exact) <= max(TOLERANCE * abs(exact), mpmath.mpf(SUBNORMAL))


def same_bits(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or a.hex() == b.hex()


@given(st.floats(-745.0, 709.78) | st.floats(-1e-3, 1e-3))
def test_exp_is_accurate(x: float) -> None:
    """Relative error below 1e-14 over the whole range; half of it in subnormal results is their last bit."""
    with mpmath.workprec(200):
        assert_close(portable.exp(x), mpmath.exp(x))


@given(st.floats(SUBNORMAL, 1.7e308) | st.floats(0.5, 2.0))
def test_log_is_accurate(x: float) -> None:
    """Relative error below 1e-14, also next to 1 and for subnormal arguments."""
    with mpmath.workprec(200):
        assert_close(portable.log(x), mpmath.log(x))


@given(st.floats(-1.0, 1.7e308, exclude_min=True) | st.floats(-1.0, 1.0, exclude_min=True))
def test_log1p_is_accurate(x: float) -> None:
    """Relative error below 1e-14, also for arguments far below the last bit of 1."""
    with mpmath.workprec(1200):
        assert_close(portable.log1p(x), mpmath.log1p(mpmath.mpf(x)))


@settings(max_examples=60)
@given(PROBABILITIES.filter(lambda p: 0.0 < p < 1.0))
def test_normal_quantile_is_accurate(p: float) -> None:
    """Relative error below 1e-14 down to the smallest subnormal probability; Newton's method gives the truth."""
    actual = portable.normal_quantile(p)

    with mpmath.workprec(200):
        exact = mpmath.mpf(actual)
        for _ in range(3):
            excess = mpmath.erfc(-exact / mpmath.sqrt(2)) / 2 - p
            exact -= excess * mpmath.sqrt(2 * mpmath.pi) * mpmath.exp(exact * exact / 2)
        assert_close(actual, exact)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (portable.exp, math.inf, math.inf),
        (portable.exp, -math.inf, 0.0),
        (portable.exp, 709.79, math.inf),
        (portable.exp, -745.14, 0.0),
        (portable.exp, -745.13, SUBNORMAL),
        (portable.exp, 0.0, 1.0),
        (portable.log, 0.0, -math.inf),
        (portable.log, -0.0, -math.inf),
        (portable.log, -1.0, math.nan),
        (portable.log, math.inf, math.inf),
        (portable.log, 1.0, 0.0),
        (portable.log1p, -1.0, -math.inf),
        (portable.log1p, -1.5, math.nan),
        (portable.log1p, -0.0, -0.0),
        (portable.log1p, SUBNORMAL, SUBNORMAL),
        (portable.log1p, math.inf, math.inf),
        (portable.log1p, -math.inf, math.nan),
        (portable.normal_quantile, 0.0, -math.inf),
        (portable.normal_quantile, 1.0, math.inf),
        (portable.normal_quantile, 0.5, 0.0),
        (portable.normal_quantile, 1.1, math.nan),
        (portable.normal_quantile, -0.1, math.nan),
        *[(function, math.nan, math.nan) for function in FUNCTIONS],
    ],
)
def test_limits_are_as_documented(function: Callable[[float], float], x: float, expected: float) -> None:
    """At the ends of their ranges the functions return the limit, outside them NaN; nothing is raised."""
    assert same_bits(function(x), expected)


@pytest.mark.parametrize("function", FUNCTIONS)
@given(st.lists(ANY | st.floats(-1.0, 1.0) | st.floats(-750.0, 710.0), min_size=1, max_size=30))
def test_arrays_and_floats_agree_to_the_bit(function: Callable[..., object], xs: list[float]) -> None:
    """An array of any numbers gives the bits of the numbers one by one, without a warning."""
    array = function(np.array(xs))

    assert isinstance(array, np.ndarray)
    assert array.dtype == np.float64
    for x, y in zip(xs, array.tolist(), strict=True):
        one = function(x)
        assert type(one) is float
        assert same_bits(one, y)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_arrays_and_floats_agree_on_many(function: Callable[..., object]) -> None:
    """The same on 20,000 numbers of every size, in long arrays, where vector instructions are at work."""
    rng = np.random.default_rng(0)
    xs = np.concatenate([rng.uniform(0, 1, 10_000), np.exp(rng.uniform(-700, 700, 5_000)), rng.normal(0, 200, 5_000)])

    array = function(xs)

    assert isinstance(array, np.ndarray)
    assert [y.hex() for y in array.tolist()] == [function(x).hex() for x in xs.tolist()]  # type: ignore[attr-defined]  # a float comes back for a float


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0)])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_shapes_are_kept(function: Callable[..., object], shape: tuple[int, ...]) -> None:
    """The result has the shape of the argument, also without dimensions or elements."""
    result = function(np.full(shape, 0.25))

    assert isinstance(result, np.ndarray)
    assert result.shape == shape


@given(st.lists(st.floats(-1e300, 1e300), max_size=50))
def test_fixed_sum_goes_from_left_to_right(xs: list[float]) -> None:
    """The sum has the bits of a loop, whatever the length."""
    total = xs[0] if xs else 0.0
    for x in xs[1:]:
        total += x

    with np.errstate(over="ignore"):
        assert same_bits(portable.fixed_sum(np.array(xs)), total)


def test_row_sums_and_dot_are_fixed_sums() -> None:
    """Rows of a matrix, and products of two vectors, are summed as a vector is; strides do not matter."""
    rng = np.random.default_rng(1)
    matrix, vector = rng.normal(size=(40, 301)), rng.normal(size=301)
    expected = [portable.fixed_sum(row * vector) for row in matrix]

    assert portable.fixed_row_sums(matrix * vector).tolist() == expected
    assert portable.fixed_row_sums(np.asfortranarray(matrix) * vector).tolist() == expected
    assert [portable.fixed_dot(row, vector) for row in matrix] == expected
