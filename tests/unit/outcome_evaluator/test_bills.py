"""Bills: they replace estimates, are shared among the actions of a period, and correct what was emitted."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.outcome_evaluator.evaluator_driver import (
    ACTION,
    FAMILY,
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
    OutcomeMeasured,
    OutcomeRevised,
)
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, INDICATORS


def test_a_late_bill_corrects_what_was_said() -> None:
    """The outcome for the family, the money for the governor; the rest of the outcome stays."""
    driver = settled(("warm", 4.0), ("head", 2.0))
    before = first(driver.emitted, OutcomeMeasured)

    emits = driver.bill(5.0)

    revision = one(emits, OutcomeRevised)
    assert (revision.money, revision.is_billed) == (5.0, True)
    assert revision.model_dump(exclude={"money", "is_billed"}) == before.model_dump(exclude={"money", "is_billed"})
    assert (one(emits, ActionSettled).cost, one(emits, ActionSettled).state) == (5.0, "promoted")
    assert {(e.log, e.subject) for e in emits if e.log != INDICATORS} == {(EXPERIENCE, FAMILY), (GOVERNANCE, "acme")}
    assert indicators(emits, "bill_ratio") == [pytest.approx(5 / 3)]
    assert indicators(emits, "cost_anomaly") == []
    assert indicators(emits, "cost_per_model_day") == [5.0]
    assert data_of(driver.bill(5.0), OutcomeRevised) == []
    assert one(driver.bill(1.0, bill="b-2"), OutcomeRevised).money == 6.0


def test_a_bill_before_the_settlement_needs_no_revision() -> None:
    """The outcome is measured with it."""
    driver = EvaluatorDriver()
    driver.train("warm", 4.0)
    emits = driver.bill(9.0)
    driver.serve()
    driver.serve("abort")
    driver.rounds(PLAN.horizon_labels)

    assert data_of(emits, OutcomeRevised) == []
    assert one(driver.emitted, OutcomeMeasured).money == 9.0
    assert indicators(emits, "cost_anomaly") == [7.0]


@settings(max_examples=50, deadline=None)
@given(
    estimates=st.lists(st.integers(1, 50).map(float), min_size=1, max_size=6),
    amounts=st.lists(st.integers(0, 500).map(float), min_size=1, max_size=4),
)
def test_the_bill_of_a_model_is_shared_without_a_rest(estimates: list[float], amounts: list[float]) -> None:
    """Actions of the period bear it in proportion to their estimates; sent again, it replaces itself."""
    driver = EvaluatorDriver()
    for number, seconds in enumerate(estimates):
        driver.train("warm", seconds, f"learner#{number}.0")

    for amount in amounts:
        driver.bill(amount, None)

    accounts = driver.state.costs.accounts.values()
    assert sum(account.money for account in accounts) == pytest.approx(amounts[-1])
    for account, seconds in zip(accounts, estimates, strict=True):
        assert account.money == pytest.approx(amounts[-1] * seconds / sum(estimates))
    assert driver.state.costs.spent == pytest.approx(amounts[-1])


def test_an_action_with_its_own_bill_bears_no_share() -> None:
    """Neither does one of another period."""
    driver = EvaluatorDriver()
    for number in range(3):
        driver.now = 1_000 * number
        driver.train("warm", 2.0, f"learner#{number}.0")
    driver.bill(7.0, "learner#0.0", "own")

    driver.bill(4.0, None, "month", from_time=0, to_time=2_000)

    assert [account.money for account in driver.state.costs.accounts.values()] == [7.0, 4.0, 1.0]


@settings(max_examples=50, deadline=None)
@given(st.permutations(["period", "own", "other", "late-arm"]))
def test_the_order_of_bills_changes_nothing(order: list[str]) -> None:
    """What is left of a period's bill is shared anew when one of the actions gets its own, or costs more."""
    driver = EvaluatorDriver()
    for action in ("a#1.0", "b#1.0", "c#1.0"):
        driver.train("warm", 4.0, action)
    tell: dict[str, Any] = {
        "period": lambda: driver.bill(100.0, None, "period"),
        "own": lambda: driver.bill(30.0, "a#1.0", "own"),
        "other": lambda: driver.bill(7.0, None, "other"),
        "late-arm": lambda: driver.train("head", 8.0, "b#1.0"),
    }

    for name in order:
        tell[name]()

    accounts = driver.state.costs.accounts
    money = {action: account.money for action, account in accounts.items()}
    assert money == pytest.approx({"a#1.0": 30.0, "b#1.0": 107.0 * 0.75, "c#1.0": 107.0 * 0.25})
    assert driver.state.costs.spent == pytest.approx(137.0)


def test_nobody_bears_a_bill_that_came_before_it_began() -> None:
    """Even if its period goes on; sent again, the bill is for what has begun since, too."""
    driver = EvaluatorDriver()
    driver.train("warm", 4.0)
    driver.bill(10.0, None)
    driver.train("warm", 4.0, "learner#2.0")
    accounts = driver.state.costs.accounts
    assert [account.money for account in accounts.values()] == [10.0, 2.0]

    driver.bill(16.0, None)

    assert [account.money for account in driver.state.costs.accounts.values()] == [8.0, 8.0]


def test_a_bill_of_its_own_revises_those_that_shared_another_one() -> None:
    """Settled actions hear of what is theirs now."""
    driver = settled(("warm", 4.0))
    driver.train("warm", 2.0, "learner#2.0")
    driver.bill(100.0, None, "period")

    emits = driver.bill(30.0, "learner#2.0", "own")

    assert (one(emits, OutcomeRevised).action, one(emits, OutcomeRevised).money) == (ACTION, 100.0)
    assert one(emits, ActionSettled).cost == 100.0


def test_what_forgotten_actions_bear_of_a_bill_is_not_shared_anew() -> None:
    """It was counted."""
    driver = EvaluatorDriver()
    for number in range(16):
        driver.train("warm", 2.0, f"learner#{number}.0")
    driver.now = 1_000_000
    driver.bill(160.0, None, "period", to_time=1_000_000)

    driver.train("warm", 2.0, "learner#16.0")
    driver.bill(4.0, "learner#15.0", "own")

    money = [account.money for account in driver.state.costs.accounts.values()]
    assert money == pytest.approx([160.0 / 15] * 14 + [4.0, 1.0])


def test_a_bill_that_is_filed_elsewhere_moves() -> None:
    """The same id replaces itself: from the model to an action, and to another one."""
    driver = EvaluatorDriver()
    for action in ("a#1.0", "b#1.0"):
        driver.train("warm", 4.0, action)

    said = []
    for payer, amount in ((None, 50.0), ("a#1.0", 9.0), ("b#1.0", 9.0), (None, 50.0)):
        driver.bill(amount, payer)
        said.append([account.money for account in driver.state.costs.accounts.values()])

    assert said == [[25.0, 25.0], [9.0, 2.0], [2.0, 9.0], [25.0, 25.0]]


def test_bills_of_the_model_are_bounded() -> None:
    """One that nobody bears any more makes room; if there is none, the new one is refused."""
    driver = EvaluatorDriver()
    driver.now = 0
    driver.train("warm", 2.0)
    for number in range(128):
        driver.bill(1.0, None, f"b-{number}", to_time=1)
    with pytest.raises(Reject, match="at most"):
        driver.bill(1.0, None, "one-more")
    driver.bill(5.0, ACTION, "own")
    driver.now = 1
    driver.train("warm", 2.0, "learner#2.0")

    driver.bill(1.5, None, "new")

    assert driver.state.costs.accounts["learner#2.0"].money == 1.5


def test_a_bill_of_nothing_says_that_nothing_was_charged() -> None:
    """To the budget too."""
    driver = settled(("warm", 4.0))

    emits = driver.bill(0.0)

    assert (one(emits, OutcomeRevised).money, one(emits, OutcomeRevised).is_billed) == (0.0, True)
    assert one(emits, ActionSettled).cost == 0.0


def test_without_items_and_bills_the_cost_is_not_known() -> None:
    """The governor's own books hold."""
    assert one(settled().emitted, ActionSettled).cost is None
    assert one(settled(("warm", 0.0)).emitted, ActionSettled).cost == 0.0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"action": "learner#9.0"}, "bill_unmatched"),
        ({"action": None, "from_time": 10**12}, "bill_unmatched"),
        ({"currency": "USD"}, "currency_differs"),
        ({"action": None, "currency": "USD"}, "currency_differs"),
    ],
)
def test_a_bill_for_nothing_known_is_refused(changes: dict[str, Any], reason: str) -> None:
    """And leaves the books as they were: money of two currencies is never added."""
    driver = EvaluatorDriver()
    driver.train("warm", 2.0)

    with pytest.raises(Reject) as caught:
        driver.bill(5.0, **changes)

    assert caught.value.reason == reason
    assert driver.state.costs.accounts[ACTION].money == driver.state.costs.spent == 1.0
