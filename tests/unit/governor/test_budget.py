"""What an action is charged: by the price list, and in the end by the bill."""

import pytest
from tests.unit.governor.driver import SCOPE, GovernorDriver, money, proposal, verdict
from tests.unit.governor.emits import one

from homeostat.events import (
    Arm,
    BudgetSet,
    InstancePrice,
    RetrainStart,
    RewardWeights,
    RolloutSet,
    RulesSet,
    ScopeConfigured,
)

LIST = RulesSet(
    scope=SCOPE,
    cooldown_ms=0,
    price_per_training_second=0.5,
    prices={"gpu": InstancePrice(per_second=4.0, spot_per_second=1.0), "big": InstancePrice(per_second=3.0)},
    currency="CHF",
    reward_weights=RewardWeights(quality=2.0, latency=0.1, hours=48.0),
)


@pytest.fixture
def court() -> GovernorDriver:
    """A scope with a price list, which believes its bills."""
    court = GovernorDriver()
    court.law(LIST, "olga", subject=SCOPE)
    court.law(ScopeConfigured(scope=SCOPE, settings={"signed_costs": False}), subject=SCOPE)
    return court


@pytest.mark.parametrize(
    ("asked", "price"),
    [
        ({}, 0.5),
        ({"instance": "gpu"}, 4.0),
        ({"instance": "gpu", "spot": True}, 1.0),
        ({"instance": "big", "spot": True}, 3.0),
        ({"instance": "unlisted"}, 0.5),
    ],
)
def test_an_arm_is_charged_by_the_machine_it_asked_for(
    court: GovernorDriver, asked: dict[str, bool | int | float | str], price: float
) -> None:
    """Spot if it has a price, else on demand; the fallback for what is not listed. A failed arm is paid too."""
    arms = (Arm(name="head"), Arm(name="skip"), Arm(name="warm", hyperparameters=asked))
    action, _ = court.propose(**dict(proposal(arms=arms)))

    court.train(action, "head", failed=["warm"])
    court.settle(action, "skipped")

    assert money(court) == (0.0, 2.0 * 0.5 + 2.0 * price)


def test_commands_carry_what_money_is_about(court: GovernorDriver) -> None:
    """Prices for the hand that trains, weights for who measures, and the version of both."""
    action, emits = court.propose()
    start = one(emits, RetrainStart)
    first = one(court.train(action, "warm", "head"), RolloutSet)

    assert (start.prices, start.price_per_second, start.currency) == (LIST.prices, 0.5, "CHF")
    assert (first.reward_weights, first.currency, first.chosen) == (LIST.reward_weights, "CHF", "warm")
    assert start.rules_version == first.rules_version != ""


def test_the_settlement_knows_better_than_the_list(court: GovernorDriver) -> None:
    """A spot price was observed, or the bill was there in time."""
    action, _ = court.propose()
    court.roll(action)

    court.settle(action, "aborted", cost=0.75)

    assert money(court) == (0.0, 0.75)


def test_a_settlement_that_cost_nothing_is_no_unknown_cost(court: GovernorDriver) -> None:
    """A bill of 0 was there in time: the estimate does not count."""
    action, _ = court.propose()
    court.roll(action)

    court.settle(action, "aborted", cost=0.0)

    assert money(court) == (0.0, 0.0)


def test_a_late_bill_replaces_what_was_charged(court: GovernorDriver) -> None:
    """Up or down, any number of times; what nobody knows changes nothing."""
    action, _ = court.propose()
    court.roll(action)
    court.settle(action, "aborted")
    assert money(court) == (0.0, 2.0)

    for cost, spent in ((9.0, 9.0), (9.0, 9.0), (1.5, 1.5), (None, 1.5), (0.0, 0.0), (None, 0.0), (1.5, 1.5)):
        assert court.settle(action, "aborted", cost=cost) == []
        assert money(court) == (0.0, spent)
    court.settle("learner#unknown", cost=50.0)

    assert money(court) == (0.0, 1.5)


def test_an_expired_action_is_charged_what_it_asked_for_until_the_bill_comes(court: GovernorDriver) -> None:
    """Nobody has said what it cost."""
    action, _ = court.propose()
    court.tick(court.state.flight.actions[action].expires_at)
    assert money(court) == (0.0, 5.0)

    court.settle(action, "expired", cost=3.0)

    assert money(court) == (0.0, 3.0)


def test_an_anomalous_bill_stops_the_next_action(court: GovernorDriver) -> None:
    """The guardrail is the budget: what is overspent is not there any more."""
    court.law(BudgetSet(scope=SCOPE, money=20.0, period_ms=10**9), "olga", subject=SCOPE)
    action, _ = court.propose()
    court.roll(action)
    court.settle(action, "aborted")
    court.settle(action, "aborted", cost=19.0)

    said = verdict(court.propose()[1])

    assert said.verdict == "denied"
    assert [rule.rule for rule in said.rules if not rule.passed] == ["money"]


def test_a_bill_of_a_period_that_is_over_is_paid_by_the_next_one(court: GovernorDriver) -> None:
    """Only the difference: the rest was spent in its own time."""
    court.law(BudgetSet(scope=SCOPE, money=20.0, period_ms=1_000), "olga", subject=SCOPE)
    action, _ = court.propose()
    court.roll(action)
    court.settle(action, "aborted")
    court.now += 1_000

    court.settle(action, "aborted", cost=6.0)

    assert money(court) == (0.0, 4.0)


def test_an_arm_that_cost_more_than_was_reserved_leaves_less_for_the_next_action(court: GovernorDriver) -> None:
    """At once, and not only when the action has settled days later."""
    court.law(BudgetSet(scope=SCOPE, money=20.0, period_ms=10**9), "olga", subject=SCOPE)
    court.register(model="acme/camera-2")
    action, _ = court.propose(money=1.0)

    court.train(action, "warm", seconds=38.0)

    window = proposal().window
    assert window is not None
    other = {"model": "acme/camera-2", "window": window.model_copy(update={"subject": "acme/camera-2"})}
    said = verdict(court.propose(money=2.0, **other)[1])
    assert money(court) == (19.0, 0.0)
    assert [(rule.rule, rule.limit) for rule in said.rules if not rule.passed] == [("money", 1.0)]
    court.train(action, failed=["head"], seconds=0.0)
    court.settle(action, "aborted")
    assert money(court) == (0.0, 19.0)
