"""The sequential logistic regression finds the weights, knows what it does not know, and is symmetric to the bit."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.codec import decode_state, encode_state
from homeostat.stats import Draws
from homeostat.stats.logistic import BayesianLogistic, logistic
from homeostat.stats.portable import fixed_dot

TRUE = np.array([0.5, 1.5, -2.0, 0.0])


def taught(n: int) -> BayesianLogistic:
    """Outcomes of a known model."""
    model, draws = BayesianLogistic.prior(4, sd=3.0), Draws("logistic")
    for _ in range(n):
        x = np.concatenate(([1.0], draws.normal(3)))
        model.observe(x, float(draws.uniform(1)[0]) < logistic(float(x @ TRUE)))
    return model


@given(st.floats(-800, 800))
def test_the_logistic_curve_is_right_and_symmetric(x: float) -> None:
    """Against the library, in both tails, without overflow."""
    expected = 1.0 / (1.0 + math.exp(-x)) if x > -700 else 0.0

    assert logistic(x) == pytest.approx(expected, abs=1e-14)
    assert logistic(x) + logistic(-x) == pytest.approx(1.0, abs=1e-14)


def test_one_pass_comes_near_the_best_weights() -> None:
    """Within three standard deviations of the truth after 4,000 outcomes, and those are small."""
    model = taught(4000)

    sds = np.sqrt(np.diag(model.covariance))
    assert (np.abs(model.mean - TRUE) < 3.0 * sds).all()
    assert sds.max() < 0.15


def test_it_agrees_with_the_mode_of_the_posterior() -> None:
    """Newton's method on all outcomes at once is the oracle, to a fifth of a standard deviation."""
    n, draws = 3000, Draws("mode")
    x = np.concatenate((np.ones((n, 1)), draws.normal(3 * n).reshape(n, 3)), axis=1)
    y = draws.uniform(n) < 1.0 / (1.0 + np.exp(-x @ TRUE))
    model = BayesianLogistic.prior(4, sd=3.0)
    for i in range(n):
        model.observe(x[i], bool(y[i]))

    mode = np.zeros(4)
    for _ in range(20):
        p = 1.0 / (1.0 + np.exp(-x @ mode))
        curvature = (x * (p * (1.0 - p))[:, None]).T @ x + np.eye(4) / 9.0
        mode += np.linalg.solve(curvature, x.T @ (y - p) - mode / 9.0)
    sds = np.sqrt(np.diag(np.linalg.inv(curvature)))
    assert (np.abs(model.mean - mode) < 0.5 * sds).all()
    np.testing.assert_allclose(np.sqrt(np.diag(model.covariance)), sds, rtol=0.1)


def test_the_covariance_stays_symmetric_to_the_bit() -> None:
    """So the sums over rows are those over columns."""
    model = taught(500)

    assert (model.covariance == model.covariance.T).all()


def test_sums_run_from_left_to_right() -> None:
    """Row by row, as a loop would: the order that every machine has."""
    model, x = taught(50), Draws("order").normal(4)

    total = np.zeros(4)
    for i in range(4):
        total = total + model.covariance[i] * x[i]

    assert model.moments(x)[1] == fixed_dot(x, total)


def test_doubt_pulls_a_prediction_to_one_half() -> None:
    """Far from what was seen the average over the posterior is less sure than its middle."""
    model = taught(30)
    far = np.array([0.0, 0.0, 0.0, 50.0])

    assert abs(model.predict(far) - 0.5) < abs(logistic(float(far @ model.mean)) - 0.5)


def test_it_resumes_from_a_snapshot() -> None:
    """The bytes bring the same state back."""
    model = taught(20)

    again = decode_state(encode_state(model), BayesianLogistic)

    assert (again.mean == model.mean).all()
    assert (again.covariance == model.covariance).all()


@pytest.mark.parametrize("x", [np.zeros(3), np.full(4, np.nan)])
def test_what_cannot_be_observed_changes_nothing(x: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    """It is refused before anything moved."""
    model = taught(5)
    before = model.mean.copy()

    with pytest.raises(ValueError, match=r"expected|finite"):
        model.observe(x, True)

    assert (model.mean == before).all()
    with pytest.raises(ValueError, match="positive"):
        BayesianLogistic.prior(0, sd=1.0)


def test_an_offset_is_a_feature_of_known_weight() -> None:
    """What something else has explained already moves the weights no further."""
    told, free = BayesianLogistic.prior(1, sd=1.0), BayesianLogistic.prior(1, sd=1.0)
    one = np.ones(1)
    for _ in range(30):
        told.observe(one, True, offset=8.0)
        free.observe(one, True)

    assert abs(told.logit(one)) < 0.1 < free.logit(one)
    assert told.moments(one)[1] > free.moments(one)[1]
