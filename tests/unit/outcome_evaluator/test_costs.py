"""What actions cost by the price list: seconds of every arm, listed or spot prices, until the bill comes."""

import pytest
from tests.unit.outcome_evaluator.evaluator_driver import (
    ACTION,
    PLAN,
    EvaluatorDriver,
    data_of,
    first,
    indicators,
    one,
    settled,
)

from homeostat.core import Reject
from homeostat.events import (
    ActionSettled,
    CandidateEvaluated,
    OutcomeMeasured,
    OutcomeRevised,
)
from homeostat.events.logs import DAY_MS


def test_an_action_costs_what_all_its_arms_took() -> None:
    """Shadows and failed ones too, by the price that came with each report."""
    driver = EvaluatorDriver()
    driver.train("warm", 4.0)
    driver.train("head", 2.0, price_per_second=0.25, instance="small")
    driver.train("scratch", 10.0, version=None, artifact=None, error="diverged")
    driver.train("warm", 4.0)
    driver.serve()
    driver.serve("promote", champion="warm-1")

    driver.rounds(PLAN.horizon_labels, v0=1.0)

    outcome = first(driver.emitted, OutcomeMeasured)
    assert (outcome.money, outcome.currency, outcome.is_billed) == (7.5, "EUR", False)
    assert {item.arm: (item.instance, item.money) for item in outcome.items} == {
        "warm": ("default", 2.0),
        "head": ("small", 0.5),
        "scratch": ("default", 5.0),
    }
    assert {e.arm: e.money for e in data_of(driver.emitted, CandidateEvaluated)} == {"head": 0.5, "warm": 2.0}
    assert one(driver.emitted, ActionSettled).cost == 7.5
    assert indicators(driver.emitted, "cost_per_action") == [7.5]
    assert indicators(driver.emitted, "cost_per_model_day") == [2.0, 2.5, 7.5, 7.5]


def test_an_arm_that_reports_after_the_settlement_revises_what_was_said() -> None:
    """It has cost money all the same."""
    driver = settled(("warm", 4.0))

    emits = driver.train("scratch", 40.0)

    revision = one(emits, OutcomeRevised)
    assert (revision.money, [item.arm for item in revision.items]) == (22.0, ["warm", "scratch"])
    assert one(emits, ActionSettled).cost == 22.0
    assert indicators(emits, "cost_per_action") == [22.0]
    assert data_of(driver.train("scratch", 40.0), OutcomeRevised) == []


def test_a_promotion_that_is_followed_keeps_its_account() -> None:
    """However many trainings fail meanwhile."""
    driver = settled(("warm", 4.0))
    for number in range(40):
        driver.train("warm", 1.0, f"learner#1{number}.0", version=None, artifact=None, error="diverged")

    emits = driver.serve(champion="warm-1", canary=None, weight=0.0, candidates=())

    final = one(emits, OutcomeRevised)
    assert (final.money, [item.arm for item in final.items]) == (2.0, ["warm"])
    assert one(emits, ActionSettled).cost == 2.0


def test_a_spot_price_holds_for_its_window() -> None:
    """Observed beats listed, for spot machines of its kind, as long as it is fresh."""
    driver = EvaluatorDriver()
    driver.now = 0
    driver.spot("gpu", 0.125, seconds=60.0)
    driver.train("fresh", 8.0, instance="gpu", is_spot=True)
    driver.train("on-demand", 8.0, instance="gpu")
    driver.train("other", 8.0, instance="cpu", is_spot=True)
    driver.now = 60_001
    driver.train("stale", 8.0, instance="gpu", is_spot=True)

    items = {item.arm: item.money for item in driver.state.costs.accounts[ACTION].items}
    assert items == {"fresh": 1.0, "on-demand": 4.0, "other": 4.0, "stale": 4.0}


def test_the_books_are_bounded() -> None:
    """Actions, kinds of machines and bills that nobody will ask for again."""
    driver = EvaluatorDriver()
    for number in range(100):
        driver.train("warm", 1.0, f"learner#{number}.0")
        driver.spot(f"kind-{number}", 1.0)

    assert len(driver.state.costs.accounts) == 16
    assert len(driver.state.costs.spot_prices.by_kind) == 32
    for number in range(32):
        driver.bill(1.0, "learner#99.0", f"b-{number}")
    with pytest.raises(Reject, match="at most"):
        driver.bill(1.0, "learner#99.0", "one-more")


def test_a_day_begins_with_nothing_spent() -> None:
    """A bill of yesterday's training counts today, as in a budget."""
    driver = EvaluatorDriver()
    driver.now = DAY_MS
    driver.train("warm", 2.0)
    driver.now = 2 * DAY_MS

    assert indicators(driver.bill(5.0), "cost_per_model_day") == [4.0]


def test_a_failed_retrain_costs_what_its_arms_took() -> None:
    """And is told once, whatever is read again."""
    driver = EvaluatorDriver()
    driver.train("warm", 6.0, version=None, artifact=None, error="diverged")

    driver.fail("retrain")
    driver.fail("retrain")

    assert (one(driver.emitted, OutcomeMeasured).money, one(driver.emitted, ActionSettled).cost) == (3.0, 3.0)


def test_a_command_read_again_after_its_arms_were_trained_is_no_failure() -> None:
    """Its rollout may not have been reported yet."""
    driver = EvaluatorDriver()
    driver.train("warm", 6.0)

    assert driver.fail("retrain") == []
