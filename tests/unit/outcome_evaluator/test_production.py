"""Indicators of the service, before a promotion and since."""

import pytest
from tests.unit.outcome_evaluator.evaluator_driver import PLAN, EvaluatorDriver, first

from homeostat.events import (
    DeploymentObserved,
    OutcomeMeasured,
    RewardWeights,
    SliObserved,
)


def sli(
    driver: EvaluatorDriver, value: float, name: str = "revenue", seconds: float = 60.0, layer: str = "business"
) -> None:
    """The service's own indicator."""
    said = {"name": name, "layer": layer, "value": value, "window_seconds": seconds}
    driver.step(SliObserved.model_validate(said))


@pytest.mark.parametrize("named", [True, False])
def test_a_business_indicator_is_shown_and_counts_if_it_is_named(named: bool) -> None:
    """Means weighted by their windows, before the promotion and since; its name is in the rules."""
    weights = RewardWeights(hours=10.0, indicator="revenue" if named else None)
    driver = EvaluatorDriver(hourly_value=0.01)
    sli(driver, 100.0, seconds=30.0)
    sli(driver, 130.0, seconds=60.0)
    sli(driver, 5.0, "refunds")
    driver.serve(reward_weights=weights)
    driver.serve("promote", champion="warm-1")
    sli(driver, 123.0)
    driver.rounds(PLAN.horizon_labels, v0=1.0)

    outcome = first(driver.emitted, OutcomeMeasured)
    (change,) = outcome.indicators
    assert (change.name, change.before, change.after, change.n_before, change.n_after) == (
        "revenue",
        120.0,
        123.0,
        2,
        1,
    )
    assert outcome.reward is not None
    assert outcome.reward.quality == (30.0 if named else 10.0)


def test_indicators_of_one_name_in_two_layers_are_two() -> None:
    """Each has its own means; the reward takes that of the business."""
    driver = EvaluatorDriver(hourly_value=0.01)
    for before in (100.0, 120.0):
        sli(driver, before)
        sli(driver, 1000.0 * before, layer="cost")
    driver.serve(reward_weights=RewardWeights(hours=1.0, indicator="revenue"))
    driver.serve("promote", champion="warm-1")
    sli(driver, 130.0)
    sli(driver, 7.0, layer="cost")
    driver.rounds(PLAN.horizon_labels, v0=1.0)

    outcome = first(driver.emitted, OutcomeMeasured)
    seen = {(change.name, change.layer): (change.before, change.after) for change in outcome.indicators}
    assert seen == {("revenue", "business"): (110.0, 130.0), ("revenue", "cost"): (110_000.0, 7.0)}
    assert outcome.reward is not None
    assert outcome.reward.quality == 20.0


def test_an_indicator_says_nothing_once_something_else_has_changed() -> None:
    """Somebody has deployed: before and after are not of the action any more, the pairs still are."""
    driver = EvaluatorDriver()
    sli(driver, 100.0)
    driver.serve(reward_weights=RewardWeights(indicator="revenue"))
    driver.serve("promote", champion="warm-1")
    sli(driver, 900.0)
    driver.step(DeploymentObserved(version="v9"))
    sli(driver, 10.0)
    driver.rounds(PLAN.horizon_labels, v0=1.0)

    outcome = first(driver.emitted, OutcomeMeasured)
    assert (outcome.indicators, outcome.reward, outcome.gain) == ((), None, 1.0)


@pytest.mark.parametrize("is_seen_first", [False, True])
def test_a_promotion_that_the_serving_layer_reports_too_is_no_other_change(is_seen_first: bool) -> None:
    """Whichever report comes first, and however often it comes."""
    driver = EvaluatorDriver()
    sli(driver, 100.0)
    driver.serve()
    if is_seen_first:
        driver.step(DeploymentObserved(version="warm-1"))
    driver.serve("promote", champion="warm-1")
    sli(driver, 130.0)
    driver.step(DeploymentObserved(version="warm-1"))
    sli(driver, 130.0)
    driver.rounds(PLAN.horizon_labels, v0=1.0)

    (change,) = first(driver.emitted, OutcomeMeasured).indicators
    assert (change.before, change.after, change.n_after) == (100.0, 130.0, 2)
