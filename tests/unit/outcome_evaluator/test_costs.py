"""What actions cost: by the price list first, by the bill in the end; and what they saved and were worth."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.outcome_evaluator.bench import ACTION, FAMILY, PLAN, Bench, data_of, first, one

from homeostat.core import Emit, Reject
from homeostat.events import (
    ActionSettled,
    CandidateEvaluated,
    DeploymentObserved,
    IndicatorComputed,
    OutcomeMeasured,
    OutcomeRevised,
    RewardWeights,
    SliObserved,
)
from homeostat.events.logs import DAY_MS, EXPERIENCE, GOVERNANCE, INDICATORS
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings
from homeostat.services.outcome_evaluator.toil import MONTH_MS
from homeostat.services.outcome_evaluator.worth import reward_of


def indicators(emits: Sequence[Emit], name: str) -> list[float]:
    """Values of an indicator, in order."""
    return [data.value for data in data_of(emits, IndicatorComputed) if data.name == name]


def settled(*arms: tuple[str, float], hourly_value: float = 0.0, weights: RewardWeights | None = None) -> Bench:
    """An action whose canary was better, settled with its followers."""
    bench = Bench(hourly_value=hourly_value)
    for arm, seconds in arms:
        bench.train(arm, seconds)
    bench.serve(reward_weights=weights or RewardWeights())
    bench.serve("promote", champion="warm-1")
    bench.rounds(PLAN.horizon_labels, v0=1.0)
    return bench


def test_an_action_costs_what_all_its_arms_took() -> None:
    """Shadows and failed ones too, by the price that came with each report."""
    bench = Bench()
    bench.train("warm", 4.0)
    bench.train("head", 2.0, price_per_second=0.25, instance="small")
    bench.train("scratch", 10.0, version=None, artifact=None, error="diverged")
    bench.train("warm", 4.0)
    bench.serve()
    bench.serve("promote", champion="warm-1")

    bench.rounds(PLAN.horizon_labels, v0=1.0)

    outcome = first(bench.said, OutcomeMeasured)
    assert (outcome.money, outcome.currency, outcome.is_billed) == (7.5, "EUR", False)
    assert {item.arm: (item.instance, item.money) for item in outcome.items} == {
        "warm": ("default", 2.0),
        "head": ("small", 0.5),
        "scratch": ("default", 5.0),
    }
    assert {e.arm: e.money for e in data_of(bench.said, CandidateEvaluated)} == {"head": 0.5, "warm": 2.0}
    assert one(bench.said, ActionSettled).cost == 7.5
    assert indicators(bench.said, "cost_per_action") == [7.5]
    assert indicators(bench.said, "cost_per_model_day") == [2.0, 2.5, 7.5, 7.5]


def test_a_late_bill_corrects_what_was_said() -> None:
    """The outcome for the family, the money for the governor; the rest of the outcome stays."""
    bench = settled(("warm", 4.0), ("head", 2.0))
    before = first(bench.said, OutcomeMeasured)

    emits = bench.bill(5.0)

    revision = one(emits, OutcomeRevised)
    assert (revision.money, revision.is_billed) == (5.0, True)
    assert revision.model_dump(exclude={"money", "is_billed"}) == before.model_dump(exclude={"money", "is_billed"})
    assert (one(emits, ActionSettled).cost, one(emits, ActionSettled).state) == (5.0, "promoted")
    assert {(e.log, e.subject) for e in emits if e.log != INDICATORS} == {(EXPERIENCE, FAMILY), (GOVERNANCE, "acme")}
    assert indicators(emits, "bill_ratio") == [pytest.approx(5 / 3)]
    assert indicators(emits, "cost_anomaly") == []
    assert indicators(emits, "cost_per_model_day") == [5.0]
    assert data_of(bench.bill(5.0), OutcomeRevised) == []
    assert one(bench.bill(1.0, bill="b-2"), OutcomeRevised).money == 6.0


def test_a_bill_before_the_settlement_needs_no_revision() -> None:
    """The outcome is measured with it."""
    bench = Bench()
    bench.train("warm", 4.0)
    emits = bench.bill(9.0)
    bench.serve()
    bench.serve("abort")
    bench.rounds(PLAN.horizon_labels)

    assert data_of(emits, OutcomeRevised) == []
    assert one(bench.said, OutcomeMeasured).money == 9.0
    assert indicators(emits, "cost_anomaly") == [7.0]


@settings(max_examples=50, deadline=None)
@given(
    estimates=st.lists(st.integers(1, 50).map(float), min_size=1, max_size=6),
    amounts=st.lists(st.integers(0, 500).map(float), min_size=1, max_size=4),
)
def test_the_bill_of_a_model_is_shared_without_a_rest(estimates: list[float], amounts: list[float]) -> None:
    """Actions of the period bear it in proportion to their estimates; sent again, it replaces itself."""
    bench = Bench()
    for number, seconds in enumerate(estimates):
        bench.train("warm", seconds, f"learner#{number}.0")

    for amount in amounts:
        bench.bill(amount, None)

    accounts = bench.state.ledger.accounts.values()
    assert sum(account.money for account in accounts) == pytest.approx(amounts[-1])
    for account, seconds in zip(accounts, estimates, strict=True):
        assert account.money == pytest.approx(amounts[-1] * seconds / sum(estimates))
    assert bench.state.ledger.spent == pytest.approx(amounts[-1])


def test_an_action_with_its_own_bill_bears_no_share() -> None:
    """Neither does one of another period."""
    bench = Bench()
    for number in range(3):
        bench.now = 1_000 * number
        bench.train("warm", 2.0, f"learner#{number}.0")
    bench.bill(7.0, "learner#0.0", "own")

    bench.bill(4.0, None, "month", from_time=0, to_time=2_000)

    assert [account.money for account in bench.state.ledger.accounts.values()] == [7.0, 4.0, 1.0]


@settings(max_examples=50, deadline=None)
@given(st.permutations(["period", "own", "other", "late-arm"]))
def test_the_order_of_bills_changes_nothing(order: list[str]) -> None:
    """What is left of a period's bill is shared anew when one of the actions gets its own, or costs more."""
    bench = Bench()
    for action in ("a#1.0", "b#1.0", "c#1.0"):
        bench.train("warm", 4.0, action)
    tell: dict[str, Any] = {
        "period": lambda: bench.bill(100.0, None, "period"),
        "own": lambda: bench.bill(30.0, "a#1.0", "own"),
        "other": lambda: bench.bill(7.0, None, "other"),
        "late-arm": lambda: bench.train("head", 8.0, "b#1.0"),
    }

    for name in order:
        tell[name]()

    accounts = bench.state.ledger.accounts
    money = {action: account.money for action, account in accounts.items()}
    assert money == pytest.approx({"a#1.0": 30.0, "b#1.0": 107.0 * 0.75, "c#1.0": 107.0 * 0.25})
    assert bench.state.ledger.spent == pytest.approx(137.0)


def test_nobody_bears_a_bill_that_came_before_it_began() -> None:
    """Even if its period goes on; sent again, the bill is for what has begun since, too."""
    bench = Bench()
    bench.train("warm", 4.0)
    bench.bill(10.0, None)
    bench.train("warm", 4.0, "learner#2.0")
    accounts = bench.state.ledger.accounts
    assert [account.money for account in accounts.values()] == [10.0, 2.0]

    bench.bill(16.0, None)

    assert [account.money for account in bench.state.ledger.accounts.values()] == [8.0, 8.0]


def test_a_bill_of_its_own_revises_those_that_shared_another_one() -> None:
    """Settled actions hear of what is theirs now."""
    bench = settled(("warm", 4.0))
    bench.train("warm", 2.0, "learner#2.0")
    bench.bill(100.0, None, "period")

    emits = bench.bill(30.0, "learner#2.0", "own")

    assert (one(emits, OutcomeRevised).action, one(emits, OutcomeRevised).money) == (ACTION, 100.0)
    assert one(emits, ActionSettled).cost == 100.0


def test_what_forgotten_actions_bear_of_a_bill_is_not_shared_anew() -> None:
    """It was counted."""
    bench = Bench()
    for number in range(16):
        bench.train("warm", 2.0, f"learner#{number}.0")
    bench.now = 1_000_000
    bench.bill(160.0, None, "period", to_time=1_000_000)

    bench.train("warm", 2.0, "learner#16.0")
    bench.bill(4.0, "learner#15.0", "own")

    money = [account.money for account in bench.state.ledger.accounts.values()]
    assert money == pytest.approx([160.0 / 15] * 14 + [4.0, 1.0])


def test_a_bill_that_is_filed_elsewhere_moves() -> None:
    """The same id replaces itself: from the model to an action, and to another one."""
    bench = Bench()
    for action in ("a#1.0", "b#1.0"):
        bench.train("warm", 4.0, action)

    said = []
    for payer, amount in ((None, 50.0), ("a#1.0", 9.0), ("b#1.0", 9.0), (None, 50.0)):
        bench.bill(amount, payer)
        said.append([account.money for account in bench.state.ledger.accounts.values()])

    assert said == [[25.0, 25.0], [9.0, 2.0], [2.0, 9.0], [25.0, 25.0]]


def test_bills_of_the_model_are_bounded() -> None:
    """One that nobody bears any more makes room; if there is none, the new one is refused."""
    bench = Bench()
    bench.now = 0
    bench.train("warm", 2.0)
    for number in range(128):
        bench.bill(1.0, None, f"b-{number}", to_time=1)
    with pytest.raises(Reject, match="at most"):
        bench.bill(1.0, None, "one-more")
    bench.bill(5.0, ACTION, "own")
    bench.now = 1
    bench.train("warm", 2.0, "learner#2.0")

    bench.bill(1.5, None, "new")

    assert bench.state.ledger.accounts["learner#2.0"].money == 1.5


def test_a_bill_of_nothing_says_that_nothing_was_charged() -> None:
    """To the budget too."""
    bench = settled(("warm", 4.0))

    emits = bench.bill(0.0)

    assert (one(emits, OutcomeRevised).money, one(emits, OutcomeRevised).is_billed) == (0.0, True)
    assert one(emits, ActionSettled).cost == 0.0


def test_without_items_and_bills_the_cost_is_not_known() -> None:
    """The governor's own books hold."""
    assert one(settled().said, ActionSettled).cost is None
    assert one(settled(("warm", 0.0)).said, ActionSettled).cost == 0.0


def test_an_arm_that_reports_after_the_settlement_revises_what_was_said() -> None:
    """It has cost money all the same."""
    bench = settled(("warm", 4.0))

    emits = bench.train("scratch", 40.0)

    revision = one(emits, OutcomeRevised)
    assert (revision.money, [item.arm for item in revision.items]) == (22.0, ["warm", "scratch"])
    assert one(emits, ActionSettled).cost == 22.0
    assert indicators(emits, "cost_per_action") == [22.0]
    assert data_of(bench.train("scratch", 40.0), OutcomeRevised) == []


def test_a_promotion_that_is_followed_keeps_its_account() -> None:
    """However many trainings fail meanwhile."""
    bench = settled(("warm", 4.0))
    for number in range(40):
        bench.train("warm", 1.0, f"learner#1{number}.0", version=None, artifact=None, error="diverged")

    emits = bench.serve(champion="warm-1", canary=None, weight=0.0, candidates=())

    final = one(emits, OutcomeRevised)
    assert (final.money, [item.arm for item in final.items]) == (2.0, ["warm"])
    assert one(emits, ActionSettled).cost == 2.0


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
    bench = Bench()
    bench.train("warm", 2.0)

    with pytest.raises(Reject) as caught:
        bench.bill(5.0, **changes)

    assert caught.value.reason == reason
    assert bench.state.ledger.accounts[ACTION].money == bench.state.ledger.spent == 1.0


def test_a_spot_price_holds_for_its_window() -> None:
    """Observed beats listed, for spot machines of its kind, as long as it is fresh."""
    bench = Bench()
    bench.now = 0
    bench.spot("gpu", 0.125, seconds=60.0)
    bench.train("fresh", 8.0, instance="gpu", is_spot=True)
    bench.train("on-demand", 8.0, instance="gpu")
    bench.train("other", 8.0, instance="cpu", is_spot=True)
    bench.now = 60_001
    bench.train("stale", 8.0, instance="gpu", is_spot=True)

    items = {item.arm: item.money for item in bench.state.ledger.accounts[ACTION].items}
    assert items == {"fresh": 1.0, "on-demand": 4.0, "other": 4.0, "stale": 4.0}


def test_the_books_are_bounded() -> None:
    """Actions, kinds of machines and bills that nobody will ask for again."""
    bench = Bench()
    for number in range(100):
        bench.train("warm", 1.0, f"learner#{number}.0")
        bench.spot(f"kind-{number}", 1.0)

    assert len(bench.state.ledger.accounts) == 16
    assert len(bench.state.ledger.spot) == 32
    for number in range(32):
        bench.bill(1.0, "learner#99.0", f"b-{number}")
    with pytest.raises(Reject, match="at most"):
        bench.bill(1.0, "learner#99.0", "one-more")


def test_a_day_begins_with_nothing_spent() -> None:
    """A bill of yesterday's training counts today, as in a budget."""
    bench = Bench()
    bench.now = DAY_MS
    bench.train("warm", 2.0)
    bench.now = 2 * DAY_MS

    assert indicators(bench.bill(5.0), "cost_per_model_day") == [4.0]


def test_a_failed_retrain_costs_what_its_arms_took() -> None:
    """And is told once, whatever is read again."""
    bench = Bench()
    bench.train("warm", 6.0, version=None, artifact=None, error="diverged")

    bench.fail("retrain")
    bench.fail("retrain")

    assert (one(bench.said, OutcomeMeasured).money, one(bench.said, ActionSettled).cost) == (3.0, 3.0)


def test_a_command_read_again_after_its_arms_were_trained_is_no_failure() -> None:
    """Its rollout may not have been reported yet."""
    bench = Bench()
    bench.train("warm", 6.0)

    assert bench.fail("retrain") == []


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
    bench = settled(("warm", 4.0), ("head", 2.0), hourly_value=0.02, weights=weights)

    reward = first(bench.said, OutcomeMeasured).reward
    assert reward is not None
    assert (reward.quality, reward.cost, reward.total) == (10.0, -6.0, 4.0)
    arms = {e.arm: e.reward for e in data_of(bench.said, CandidateEvaluated)}
    assert {arm: found and found.total for arm, found in arms.items()} == {"warm": 6.0, "head": 8.0}
    late = one(bench.bill(1.0), OutcomeRevised).reward
    assert late is not None
    assert (late.quality, late.cost, late.total) == (10.0, -2.0, 8.0)
    assert first(settled(("warm", 4.0)).said, OutcomeMeasured).reward is None


def test_latency_is_compared_on_the_same_requests() -> None:
    """Whoever answers first; a request that one of them did not answer says nothing."""
    bench = Bench()
    bench.serve(reward_weights=RewardWeights(latency=10.0, hours=2.0))
    for request, (own, other) in zip(bench.requests(3), ((0.25, 0.125), (0.5, 0.25), (None, 9.0)), strict=True):
        bench.sample("warm-1", [request], [0.0], role="canary", latency=[own])
        bench.sample("v0", [request], [0.0], latency=[other])
    bench.sample("v0", bench.requests(1), [0.0], latency=[99.0])
    bench.serve("promote", champion="warm-1")
    bench.rounds(PLAN.horizon_labels)

    outcome = first(bench.said, OutcomeMeasured)
    assert outcome.latency_change == pytest.approx(0.1875)
    assert outcome.reward is not None
    assert outcome.reward.latency == pytest.approx(-0.1875 * 20.0)
    head, warm = data_of(bench.said, CandidateEvaluated)
    assert (head.latency_change, warm.latency_change) == (None, outcome.latency_change)


def test_hours_saved_are_those_of_the_month() -> None:
    """A retrain, a way back, a threshold: each as long as it takes by hand; a skip saves nothing."""
    by_hand = EvaluatorSettings(retrain_minutes=60.0, rollback_minutes=30.0)
    bench = Bench(settings=by_hand)
    bench.serve(step=-1, canary=None, weight=0.0)
    bench.rounds(PLAN.horizon_labels)
    assert indicators(bench.said, "toil_hours_saved") == []

    bench.serve(action="learner#2.0")
    bench.serve("abort", action="learner#2.0")
    bench.rounds(PLAN.horizon_labels)
    bench.revert()
    bench.now = MONTH_MS
    bench.serve(action="learner#3.0")
    bench.serve("promote", action="learner#3.0", champion="warm-1")
    bench.rounds(PLAN.horizon_labels)

    assert indicators(bench.said, "toil_hours_saved") == [1.5, 2.0, 1.0]


@pytest.mark.parametrize(
    ("canary", "is_aborted", "minutes"), [("warm-1", False, 80.0), ("warm-1", True, 100.0), (None, False, 20.0)]
)
def test_going_back_during_a_trial_is_one_way_back(canary: str | None, is_aborted: bool, minutes: float) -> None:
    """A retrain with its roll-out, and the way back: of the canary, or after it was aborted of the champion.

    Where only shadows were scored, it is the way back alone.
    """
    bench = Bench()
    bench.serve(canary=canary, weight=0.0, step=-1 if canary is None else 0)
    if is_aborted:
        bench.serve("abort")

    bench.revert()

    assert indicators(bench.said, "toil_hours_saved")[-1] == pytest.approx(minutes / 60.0)


def sli(bench: Bench, value: float, name: str = "revenue", seconds: float = 60.0, layer: str = "business") -> None:
    """The service's own indicator."""
    said = {"name": name, "layer": layer, "value": value, "window_seconds": seconds}
    bench.tell(SliObserved.model_validate(said))


@pytest.mark.parametrize("named", [True, False])
def test_a_business_indicator_is_shown_and_counts_if_it_is_named(named: bool) -> None:
    """Means weighted by their windows, before the promotion and since; its name is in the rules."""
    weights = RewardWeights(hours=10.0, indicator="revenue" if named else None)
    bench = Bench(hourly_value=0.01)
    sli(bench, 100.0, seconds=30.0)
    sli(bench, 130.0, seconds=60.0)
    sli(bench, 5.0, "refunds")
    bench.serve(reward_weights=weights)
    bench.serve("promote", champion="warm-1")
    sli(bench, 123.0)
    bench.rounds(PLAN.horizon_labels, v0=1.0)

    outcome = first(bench.said, OutcomeMeasured)
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
    bench = Bench(hourly_value=0.01)
    for before in (100.0, 120.0):
        sli(bench, before)
        sli(bench, 1000.0 * before, layer="cost")
    bench.serve(reward_weights=RewardWeights(hours=1.0, indicator="revenue"))
    bench.serve("promote", champion="warm-1")
    sli(bench, 130.0)
    sli(bench, 7.0, layer="cost")
    bench.rounds(PLAN.horizon_labels, v0=1.0)

    outcome = first(bench.said, OutcomeMeasured)
    seen = {(change.name, change.layer): (change.before, change.after) for change in outcome.indicators}
    assert seen == {("revenue", "business"): (110.0, 130.0), ("revenue", "cost"): (110_000.0, 7.0)}
    assert outcome.reward is not None
    assert outcome.reward.quality == 20.0


def test_an_indicator_says_nothing_once_something_else_has_changed() -> None:
    """Somebody has deployed: before and after are not of the action any more, the pairs still are."""
    bench = Bench()
    sli(bench, 100.0)
    bench.serve(reward_weights=RewardWeights(indicator="revenue"))
    bench.serve("promote", champion="warm-1")
    sli(bench, 900.0)
    bench.tell(DeploymentObserved(version="v9"))
    sli(bench, 10.0)
    bench.rounds(PLAN.horizon_labels, v0=1.0)

    outcome = first(bench.said, OutcomeMeasured)
    assert (outcome.indicators, outcome.reward, outcome.gain) == ((), None, 1.0)


@pytest.mark.parametrize("is_seen_first", [False, True])
def test_a_promotion_that_the_serving_layer_reports_too_is_no_other_change(is_seen_first: bool) -> None:
    """Whichever report comes first, and however often it comes."""
    bench = Bench()
    sli(bench, 100.0)
    bench.serve()
    if is_seen_first:
        bench.tell(DeploymentObserved(version="warm-1"))
    bench.serve("promote", champion="warm-1")
    sli(bench, 130.0)
    bench.tell(DeploymentObserved(version="warm-1"))
    sli(bench, 130.0)
    bench.rounds(PLAN.horizon_labels, v0=1.0)

    (change,) = first(bench.said, OutcomeMeasured).indicators
    assert (change.before, change.after, change.n_after) == (100.0, 130.0, 2)
