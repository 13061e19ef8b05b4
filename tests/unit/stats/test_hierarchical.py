"""Arms that share what they have in common, against one big regression."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.stats.hierarchical import Sums, payoffs
from homeostat.stats.keyed_rng import Draws
from homeostat.stats.portable import FloatArray

SDS = {"shared_sd": 1.3, "own_sd": 0.7, "noise_sd": 0.6}


def world(seed: int, k: int, d: int, n: int) -> tuple[Sums, FloatArray, list[tuple[int, FloatArray, float]]]:
    """Random observations, their sums, and a context."""
    generator = np.random.default_rng(seed)
    seen = [(int(generator.integers(k)), generator.normal(size=d), float(generator.normal())) for _ in range(n)]
    sums = Sums.empty(k, d)
    for arm, x, y in seen:
        sums.observe(arm, x, y)
    return sums, generator.normal(size=d), seen


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 4), st.integers(0, 25))
def test_it_is_the_regression_on_stacked_weights(seed: int, k: int, d: int, n: int) -> None:
    """Mean and covariance are those of one dense normal posterior of (w, v_1, ..., v_k)."""
    sums, x, seen = world(seed, k, d, n)
    rows = np.zeros((len(seen), d * (k + 1)))
    for row, (arm, context, _) in zip(rows, seen, strict=True):
        row[:d] = row[d * (arm + 1) : d * (arm + 2)] = context
    prior = np.diag([SDS["shared_sd"] ** 2] * d + [SDS["own_sd"] ** 2] * (k * d))
    precision = np.linalg.inv(prior) + rows.T @ rows / SDS["noise_sd"] ** 2
    asked = np.concatenate([np.tile(x, (k, 1)), np.kron(np.eye(k), x)], axis=1)
    covariance = asked @ np.linalg.inv(precision) @ asked.T
    mean = asked @ np.linalg.solve(precision, rows.T @ [y for *_, y in seen] / SDS["noise_sd"] ** 2)

    found = payoffs(sums, x, **SDS)

    np.testing.assert_allclose(found.mean, mean, atol=1e-9)
    np.testing.assert_allclose(found.shared @ found.shared.T + np.diag(found.own**2), covariance, atol=1e-9)
    np.testing.assert_allclose(found.sd**2, np.diag(covariance), atol=1e-9)


def test_a_source_that_is_left_out_was_never_there() -> None:
    """Sums without one source are, to the bit, the sums of the others."""
    one, x, _ = world(1, 3, 4, 20)
    other, _, _ = world(2, 3, 4, 20)
    both = Sums(one.products + other.products, one.moments + other.moments, one.n + other.n)

    alone = payoffs(one, x, **SDS)

    assert not np.array_equal(payoffs(both, x, **SDS).mean, alone.mean)
    np.testing.assert_array_equal(payoffs(one, x, **SDS).mean, alone.mean)


def test_a_cap_bounds_what_a_source_can_say() -> None:
    """A thousand equal lies weigh no more than the cap."""
    lies = Sums.empty(2, 1)
    for _ in range(1000):
        lies.observe(0, np.ones(1), 10.0)

    assert lies.capped(50.0).n.tolist() == [50.0, 0.0]
    assert lies.capped(50.0).moments[0, 0] == pytest.approx(500.0)


def test_draws_have_the_posterior_s_moments() -> None:
    """Mean and covariance of many joint draws."""
    sums, x, _ = world(3, 3, 4, 12)
    found = payoffs(sums, x, **SDS)

    drawn = found.samples(Draws("key"), 4000)

    np.testing.assert_allclose(drawn.mean(axis=0), found.mean, atol=0.1)
    np.testing.assert_allclose(np.cov(drawn.T), found.shared @ found.shared.T + np.diag(found.own**2), atol=0.25)


def test_more_arms_do_not_change_what_is_known() -> None:
    """A new arm starts at what all have in common."""
    sums, x, _ = world(4, 2, 3, 30)

    before, after = payoffs(sums, x, **SDS), payoffs(sums.widened(3), x, **SDS)

    np.testing.assert_allclose(after.mean[:2], before.mean, atol=1e-12)
    assert after.sd[2] > max(after.sd[:2])


def test_an_observation_that_is_not_finite_changes_nothing() -> None:
    """The sums would never recover from it."""
    sums = Sums.empty(1, 1)

    with pytest.raises(ValueError, match="finite"):
        sums.observe(0, np.array([np.nan]), 0.0)

    assert sums.n[0] == 0.0
