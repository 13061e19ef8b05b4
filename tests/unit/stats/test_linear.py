"""The sequential regression is the closed form, and its samples have its distribution."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.stats import BayesianLinear, Draws

D = 7


def data(key: str, n: int, d: int = D) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], list[float]]:
    draws = Draws(key)
    x = draws.normal(n * d).reshape(n, d)
    return x, (x.sum(axis=1) * 0.3 + draws.normal(n) * 0.4).tolist()


def fitted(key: str, n: int, weights: list[float] | None = None) -> BayesianLinear:
    model = BayesianLinear.prior(np.linspace(-1, 1, D), sd=1.5, noise_sd=0.4)
    x, y = data(key, n)
    for i in range(n):
        model.observe(x[i], y[i], weights[i] if weights else 1.0)
    return model


@settings(max_examples=20)
@given(st.integers(0, 300), st.integers(0, 9))
def test_posterior_is_the_closed_form(n: int, seed: int) -> None:
    """Mean and covariance agree with the solve of the normal equations to 1e-9, weights included."""
    x, y = data(f"closed|{seed}", n)
    weights = (Draws(f"weights|{seed}").uniform(n) * 2 + 0.01).tolist()

    model = fitted(f"closed|{seed}", n, weights)

    precision = np.eye(D) / 1.5**2 + (x.T * weights) @ x / 0.4**2
    right = np.linspace(-1, 1, D) / 1.5**2 + (x.T * weights) @ np.array(y) / 0.4**2
    np.testing.assert_allclose(model.covariance, np.linalg.inv(precision), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(model.mean, np.linalg.solve(precision, right), rtol=1e-9, atol=1e-9)


def test_long_histories_stay_near_the_closed_form() -> None:
    """After 20,000 observations of correlated features the covariance is symmetric to the bit and right to 1e-9."""
    n = 20_000
    x, y = data("long", n)
    x[:, 1] = x[:, 0] + 0.01 * x[:, 1]
    model = BayesianLinear.prior(np.zeros(D), sd=1.5, noise_sd=0.4)

    for i in range(n):
        model.observe(x[i], y[i])

    exact = np.linalg.inv(np.eye(D) / 1.5**2 + x.T @ x / 0.4**2)
    assert (model.covariance == model.covariance.T).all()
    np.testing.assert_allclose(model.covariance, exact, rtol=0, atol=1e-9 * np.abs(exact).max())


def test_predictions_are_moments_of_the_weights() -> None:
    """Mean and variance of x·w follow from those of w; before any data the variance is sd^2 |x|^2."""
    x = np.arange(1.0, D + 1)
    prior, model = BayesianLinear.prior(np.ones(D), sd=1.5, noise_sd=0.4), fitted("moments", 50)

    np.testing.assert_allclose(prior.predict(x), (x.sum(), 1.5**2 * (x * x).sum()))
    np.testing.assert_allclose(model.predict(x), (x @ model.mean, x @ model.covariance @ x), rtol=1e-9)


def test_samples_have_the_posterior_distribution() -> None:
    """Moments of 20,000 draws lie within 5 standard errors of the posterior's."""
    n = 20_000
    model = fitted("distribution", 10)

    draws = model.samples(Draws("samples"), n)

    sd = np.sqrt(np.diag(model.covariance))
    assert (np.abs(draws.mean(axis=0) - model.mean) < 5 * sd / math.sqrt(n)).all()
    errors = (np.cov(draws.T) - model.covariance) / np.outer(sd, sd)
    assert np.abs(errors).max() < 5 * math.sqrt(2 / n)


def test_many_samples_are_single_samples_in_a_row() -> None:
    """One call for n draws gives the bits of n calls."""
    model, one_by_one = fitted("row", 30), Draws("k")

    many = model.samples(Draws("k"), 5)

    assert many.tobytes() == b"".join(model.sample(one_by_one).tobytes() for _ in range(5))


@pytest.mark.parametrize(
    ("x", "y", "weight"),
    [
        (np.zeros(D + 1), 0.0, 1.0),
        (np.full(D, math.nan), 0.0, 1.0),
        (np.ones(D), math.inf, 1.0),
        (np.ones(D), 0.0, 0.0),
        (np.ones(D), 0.0, math.inf),
    ],
)
def test_refused_observations_change_nothing(
    x: np.ndarray[tuple[int], np.dtype[np.float64]], y: float, weight: float
) -> None:
    """What is no observation is refused before any change."""
    model, same = fitted("refused", 5), fitted("refused", 5)

    with pytest.raises(ValueError, match=r"expected|finite"):
        model.observe(x, y, weight)

    assert model.mean.tobytes() + model.covariance.tobytes() == same.mean.tobytes() + same.covariance.tobytes()


def test_priors_are_checked_and_copied() -> None:
    """A prior needs a vector and positive spreads, and does not share its mean with the caller."""
    mean = np.zeros(D)
    model = BayesianLinear.prior(mean, sd=1.0, noise_sd=1.0)
    model.observe(np.ones(D), 1.0)

    assert (mean == 0.0).all()
    for bad_mean, sd, noise_sd in ((np.zeros((2, 2)), 1.0, 1.0), (np.zeros(0), 1.0, 1.0), (mean, 0.0, 1.0)):
        with pytest.raises(ValueError, match="prior"):
            BayesianLinear.prior(bad_mean, sd=sd, noise_sd=noise_sd)
