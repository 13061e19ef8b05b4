"""The normal distribution and expected improvement."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.stats.expected_improvement import expected_improvement, normal_probability


@given(x=st.floats(-45.0, 45.0))
def test_the_probability_is_that_of_the_error_function(x: float) -> None:
    """It agrees with the C library's complementary error function, in the tails too."""
    probability = float(normal_probability(np.array([x]))[0])

    assert probability == pytest.approx(0.5 * math.erfc(-x / math.sqrt(2.0)), rel=1e-6, abs=1e-14)


@given(mean=st.floats(-3.0, 3.0), sd=st.floats(0.01, 3.0), best=st.floats(-3.0, 3.0))
def test_the_improvement_is_the_mean_of_what_exceeds_the_best(mean: float, sd: float, best: float) -> None:
    """It agrees with numerical integration."""
    y = mean + sd * np.linspace(-9.0, 9.0, 20_001)
    density = np.exp(-0.5 * ((y - mean) / sd) ** 2) / (sd * math.sqrt(2.0 * math.pi))

    value = float(expected_improvement(np.array([mean]), np.array([sd]), best)[0])

    assert value == pytest.approx(np.trapezoid(np.maximum(0.0, y - best) * density, y), abs=1e-5)


@given(sd=st.floats(1e-6, 10.0), gap=st.floats(0.0, 1e3))
def test_the_improvement_is_never_negative(sd: float, gap: float) -> None:
    """However far below the best the mean lies."""
    assert expected_improvement(np.array([-gap]), np.array([sd]), 0.0)[0] >= 0.0
