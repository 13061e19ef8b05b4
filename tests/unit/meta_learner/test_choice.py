"""Arms are drawn by counted propensities, after all filters."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river.linear_model import LinearRegression
from tests.unit.meta_learner.school import School

from homeostat.stats.linear import BayesianLinear
from meta_learner import LearnerSettings
from meta_learner.choice import SKIP, choose
from meta_learner.state import Belief

SETTINGS = LearnerSettings()
ARMS = ["head", "skip", "warm"]


def beliefs(**means: float) -> dict[str, Belief]:
    """Beliefs about a constant context, in payoff units."""
    return {
        name: Belief(BayesianLinear.prior(np.array([mean]), sd=0.5, noise_sd=0.4), LinearRegression())
        for name, mean in means.items()
    }


ONE = np.ones(1)


@settings(max_examples=100, deadline=None)
@given(head=st.floats(-3, 3), warm=st.floats(-3, 3), price=st.floats(0, 1), key=st.text(min_size=1))
def test_propensities_are_a_distribution_with_a_floor(head: float, warm: float, price: float, key: str) -> None:
    """Whatever is believed, no arm that passed the filters is impossible."""
    choice = choose(beliefs(head=head, warm=warm), ARMS, ONE, price, key, SETTINGS)

    assert sum(choice.propensities.values()) == pytest.approx(1.0, abs=1e-12)
    assert min(choice.propensities.values()) >= SETTINGS.floor
    assert list(choice.propensities) == ARMS
    assert choice.chosen in ARMS
    assert choice == choose(beliefs(head=head, warm=warm), ARMS, ONE, price, key, SETTINGS)


def test_arms_are_drawn_as_often_as_their_propensities_say() -> None:
    """Over 3,000 identities the share of each arm is its mean propensity, within 4 standard errors."""
    drawn: Counter[str] = Counter()
    total = dict.fromkeys(ARMS, 0.0)
    n = 3000
    believed = beliefs(head=0.1, warm=0.2)
    for number in range(n):
        choice = choose(believed, ARMS, ONE, 0.01, f"decision {number}", SETTINGS)
        drawn[choice.chosen] += 1
        for name, propensity in choice.propensities.items():
            total[name] += propensity

    for name in ARMS:
        p = total[name] / n
        assert abs(drawn[name] / n - p) < 4 * np.sqrt(p * (1 - p) / n)


def test_a_price_above_every_gain_is_not_paid() -> None:
    """But for the floor, nothing is done; and a gain far above the price is taken."""
    dear = choose(beliefs(head=0.5, warm=1.0), ARMS, ONE, 1.0, "k", SETTINGS)
    cheap = choose(beliefs(head=0.5, warm=5.0), ARMS, ONE, 0.01, "k", SETTINGS)

    assert dear.propensities[SKIP] == pytest.approx(1 - 2 * SETTINGS.floor)
    assert cheap.propensities["warm"] == pytest.approx(1 - 2 * SETTINGS.floor)
    assert dear.ranked()[0] == SKIP


def test_gains_are_in_units_of_the_metric_with_their_interval() -> None:
    """Ten points of accuracy are one unit; skipping gains nothing for sure."""
    choice = choose(beliefs(head=0.5, warm=1.0), ARMS, ONE, 0.0, "k", SETTINGS)

    mean, low, high = choice.gains["warm"]
    assert mean == pytest.approx(0.1)
    assert high - mean == pytest.approx(mean - low) == pytest.approx(1.6448536 * 0.5 * 0.1)
    assert choice.gains[SKIP] == (0.0, 0.0, 0.0)


def test_an_arm_from_published_weights_is_there_when_they_are() -> None:
    """Filters come before chance: without weights its propensity is nowhere."""
    school = School()
    _, without = school.propose()
    school.measure(school.action)
    school.publish()
    _, with_weights = school.propose()

    assert sorted(arm.name for arm in without.arms) == ["head", "skip", "warm"]
    assert sorted(arm.name for arm in with_weights.arms) == ["head", "maml", "skip", "warm"]
    assert {arm.name: arm.initial_weights for arm in with_weights.arms}["maml"] == "a" * 64
    assert {arm.name: arm.initial_weights for arm in with_weights.arms}["warm"] is None
    assert sum(arm.propensity for arm in with_weights.arms) == pytest.approx(1.0)
