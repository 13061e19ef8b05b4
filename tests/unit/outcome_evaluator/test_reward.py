"""What a change was worth: quality, latency, cost, each with its weight."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.outcome_evaluator.evaluator_driver import PLAN, EvaluatorDriver, data_of, first, one, settled

from homeostat.events import (
    CandidateEvaluated,
    OutcomeMeasured,
    OutcomeRevised,
    RewardWeights,
)
from homeostat.services.outcome_evaluator.reward import reward_of


@given(
    gain=st.floats(-1, 1),
    slower=st.none() | st.floats(-2, 2),
    money=st.floats(0, 100),
    hourly=st.floats(0.1, 100),
    quality=st.floats(0.001, 3) | st.just(0.0),
    latency=st.floats(0.001, 3) | st.just(0.0),
    cost=st.floats(0.001, 3) | st.just(0.0),
    hours=st.floats(0.5, 1000),
)
def test_a_reward_is_the_sum_of_its_weighted_terms(
    gain: float,
    slower: float | None,
    money: float,
    hourly: float,
    quality: float,
    latency: float,
    cost: float,
    hours: float,
) -> None:
    """Points times hourly value times hours, minus seconds times price times hours, minus money."""
    weights = RewardWeights(quality=quality, latency=latency, cost=cost, hours=hours)

    reward = reward_of(gain, slower, money, weights, hourly, "EUR")

    assert reward is not None
    assert reward.quality == pytest.approx(quality * 100 * gain * hourly * hours)
    assert reward.latency == pytest.approx(-latency * (slower or 0.0) * hours)
    assert reward.cost == pytest.approx(-cost * money)
    assert reward.total == reward.quality + reward.latency + reward.cost


def test_the_reward_of_an_outcome_follows_its_bill() -> None:
    """Each arm has its own, as if it served; without a worth of the model there is none."""
    weights = RewardWeights(quality=0.5, cost=2.0, hours=10.0)
    driver = settled(("warm", 4.0), ("head", 2.0), hourly_value=0.02, weights=weights)

    reward = first(driver.emitted, OutcomeMeasured).reward
    assert reward is not None
    assert (reward.quality, reward.cost, reward.total) == (10.0, -6.0, 4.0)
    arms = {e.arm: e.reward for e in data_of(driver.emitted, CandidateEvaluated)}
    assert {arm: found and found.total for arm, found in arms.items()} == {"warm": 6.0, "head": 8.0}
    late = one(driver.bill(1.0), OutcomeRevised).reward
    assert late is not None
    assert (late.quality, late.cost, late.total) == (10.0, -2.0, 8.0)
    assert first(settled(("warm", 4.0)).emitted, OutcomeMeasured).reward is None


def test_latency_is_compared_on_the_same_requests() -> None:
    """Whoever answers first; a request that one of them did not answer says nothing."""
    driver = EvaluatorDriver()
    driver.serve(reward_weights=RewardWeights(latency=10.0, hours=2.0))
    for request, (own, other) in zip(driver.requests(3), ((0.25, 0.125), (0.5, 0.25), (None, 9.0)), strict=True):
        driver.sample("warm-1", [request], [0.0], role="canary", latency=[own])
        driver.sample("v0", [request], [0.0], latency=[other])
    driver.sample("v0", driver.requests(1), [0.0], latency=[99.0])
    driver.serve("promote", champion="warm-1")
    driver.rounds(PLAN.horizon_labels)

    outcome = first(driver.emitted, OutcomeMeasured)
    assert outcome.latency_change == pytest.approx(0.1875)
    assert outcome.reward is not None
    assert outcome.reward.latency == pytest.approx(-0.1875 * 20.0)
    head, warm = data_of(driver.emitted, CandidateEvaluated)
    assert (head.latency_change, warm.latency_change) == (None, outcome.latency_change)
