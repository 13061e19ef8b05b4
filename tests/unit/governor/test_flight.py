"""What is in flight, and what is not: held actions, thresholds of other signals, skips; and it does not slow down."""

import time
from typing import Any

import pytest
from tests.unit.governor.driver import SCOPE, GovernorDriver, about, proposal, verdict

from homeostat.events import ActionApplied, ApprovalGiven, Band, ModelRegistered, Range, RulesSet

RATE = RulesSet(scope=SCOPE, max_actions=1, cooldown_ms=60_000)


def band(signal: str = "u", layer: Any = None, **attributes: Any) -> dict[str, Any]:
    """A threshold on a series."""
    limits = Band(signal=signal, layer=layer, attributes=attributes or None, rate=0.01, low=0.0, high=1.0, eta=0.5)
    return {"kind": "threshold", "band": limits, "window": None, "money": 0.0, "slots": 0}


def window(model: str) -> Range:
    """Rows of a model."""
    return Range(log="l", subject=model, source="/s", first="1.0", last="2.0", from_time=0, rows=80)


def test_what_is_held_is_not_in_flight() -> None:
    """Two unanswered questions stop nobody else in the scope, nor another question about the same model."""
    court = GovernorDriver()
    court.law(RulesSet(scope=SCOPE, max_in_flight=2), "olga", subject=SCOPE)
    for name in ("acme/m0", "acme/m1"):
        court.register(model=name, tier="high")
        for _ in range(2):
            assert verdict(court.propose(model=name, window=window(name))[1]).verdict == "held"

    assert verdict(court.propose()[1]).verdict == "approved"


def test_of_two_held_actions_on_a_model_one_is_approved_at_a_time() -> None:
    """The second yes is answered by the rule."""
    court = GovernorDriver(model_tier="high")
    first, second = court.propose()[0], court.propose()[0]

    said = [verdict(court.tell(court.signed(ApprovalGiven(action=action), "ada"))) for action in (first, second)]

    assert [one.verdict for one in said] == ["approved", "held"]
    assert "one_at_a_time" in [rule.rule for rule in said[1].rules if not rule.passed]


def test_held_actions_use_up_no_rate() -> None:
    """Whether they are ever approved is open."""
    court = GovernorDriver(model_tier="high")
    court.law(RATE, "olga", subject=SCOPE)
    actions = [court.propose()[0] for _ in range(3)]

    said = verdict(court.tell(court.signed(ApprovalGiven(action=actions[-1]), "ada")))

    assert said.verdict == "approved"


def test_a_threshold_uses_up_neither_the_rate_nor_the_cooldown_of_a_retrain() -> None:
    """And the other way round; thresholds have a rate of their own."""
    court = GovernorDriver()
    court.law(RATE, "olga", subject=SCOPE)
    action, emits = court.propose(**band())
    court.report(ActionApplied.model_validate(about(action, "threshold") | {"band": proposal(**band()).band}))

    second = verdict(court.propose(**band("v"))[1])
    retrain, emits = court.propose()
    court.fail(retrain, "retrain", "no_data")
    court.now += RATE.rate_window_ms - 1_000
    court.law(RulesSet(scope=SCOPE, max_actions=1, cooldown_ms=10**9), "olga", subject=SCOPE)
    court.now += 1_000

    assert verdict(emits).verdict == "approved"
    assert [rule.rule for rule in second.rules if not rule.passed] == ["rate"]
    assert verdict(court.propose(**band("w"))[1]).verdict == "approved"


@pytest.mark.parametrize(
    ("other", "passed"),
    [
        (band("u"), False),
        (band("w"), True),
        (band("u", "edge"), True),
        (band("u", None, site="north"), True),
        ({}, True),
    ],
)
def test_thresholds_are_one_at_a_time_for_each_signal(other: dict[str, Any], passed: bool) -> None:
    """Signal, layer and attributes tell them apart; a retrain is no rival."""
    court = GovernorDriver()
    court.propose(**band("u"))

    rules = {rule.rule: rule.passed for rule in verdict(court.propose(**other)[1]).rules}

    assert rules["one_at_a_time"] == passed


def test_a_full_scope_says_so_to_the_next_one_only() -> None:
    """What is in flight in another scope is no matter."""
    court = GovernorDriver()
    court.law(RulesSet(scope=SCOPE, max_in_flight=1), "olga", subject=SCOPE)
    court.propose()
    court.register(model="acme/m2")
    other = {"model": "other/m", "family": "other/cameras", "window": window("other/m")}
    court.tell(ModelRegistered(family="cameras", champion="v0", model="other/m"), subject="other")

    here = verdict(court.propose(model="acme/m2", window=window("acme/m2"))[1])
    there = [e.data for e in court.propose(**other)[1]]

    assert [rule.rule for rule in here.rules if not rule.passed] == ["concurrency"]
    assert there[0].verdict == "approved"  # type: ignore[attr-defined]  # a verdict


def test_nothing_is_left_of_what_is_over() -> None:
    """Neither counts nor names nor expiries, whatever comes and goes."""
    court = GovernorDriver()
    court.law(RulesSet(scope=SCOPE, max_actions=10_000, cooldown_ms=0), "olga", subject=SCOPE)
    for _ in range(500):
        action, _ = court.propose(money=0.0)
        court.fail(action, "retrain", "no_data")

    state = court.state
    assert (state.flight.loads, state.flight.targets, state.flight.slots_taken, state.flight.actions) == ({}, {}, 0, {})
    assert len(state.flight.due) <= 64
    assert court.fold.wake_at(state) is None


def crowd(n: int) -> GovernorDriver:
    """A scope with so many models, each with an action in flight."""
    court = GovernorDriver(is_restored=False)
    court.law(RulesSet(scope=SCOPE, max_in_flight=10**6, training_slots=10**6), "olga", subject=SCOPE)
    for number in range(n):
        name = f"acme/m{number}"
        court.tell(ModelRegistered(family="cameras", champion="v0", model=name))
        court.propose(model=name, window=window(name), money=0.0)
    return court


def best(court: GovernorDriver, n: int = 30) -> float:
    """Seconds of the fastest of some decisions: a busy machine slows the others."""
    seconds = list[float]()
    for number in range(n):
        name = f"acme/new-{number}"
        court.tell(ModelRegistered(family="cameras", champion="v0", model=name))
        began = time.perf_counter()
        court.propose(model=name, window=window(name), money=0.0)
        court.fold.wake_at(court.state)
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def test_a_decision_takes_as_long_among_thousands_of_models_and_actions_as_among_few() -> None:
    """Law is serial: what walks over all of them delays every freeze. Within a factor of three, not of a hundred."""
    few, many = crowd(20), crowd(2_000)

    assert best(many) < 3 * best(few)
    assert many.fold.wake_at(many.state) is not None
