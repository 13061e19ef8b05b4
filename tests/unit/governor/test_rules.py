"""Each rule passes and fails, says why, and names a value that would have passed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.governor.driver import FAMILY, MODEL, SCOPE, proposal
from tests.unit.governor.judging import NOW, WINDOW, judged, rule, state_of

from homeostat.core import Identity
from homeostat.events import (
    Plan,
    Range,
    RulesSet,
    ScopeConfigured,
)
from homeostat.events.governance import PASSING_RULES
from homeostat.services.governor.action import Action
from homeostat.services.governor.rules import RULES, judge, observe
from homeostat.services.governor.state import State


def in_flight(state: State, phase: Any = "rolling", **changes: Any) -> None:
    """Put an action in flight."""
    state.flight.begin(f"a{len(state.flight.actions)}", Action(proposal(**changes), phase, Identity("s")))


def test_a_sound_proposal_passes_every_rule() -> None:
    """Every rule is asked, once, and none names a nearer value."""
    state = state_of()
    state.registry.models[MODEL].rollout = "rollout_actuator"
    results = judged(state, proposal())

    assert [result.rule for result in results] == [rule.__name__ for rule in RULES if rule is not observe]
    assert all(result.passed and result.nearest is None for result in results)


@pytest.mark.parametrize(
    ("wanted", "named", "is_there"),
    [
        ("self", "", False),
        ("self", "hand:router/rollout", True),
        ("router", "hand:router/rollout", True),
        ("router", "hand:other/rollout", False),
        ("router", "", False),
        ("rollout_actuator", "", True),
        ("rollout_actuator", "hand:router/rollout", False),
    ],
)
def test_what_nobody_here_applies_is_not_commanded(wanted: str, named: str, *, is_there: bool) -> None:
    """The law of the scope must name the hand that the model is changed by; thresholds are nobody else's business."""
    state = state_of()
    state.registry.models[MODEL].rollout = wanted
    if named:
        state.keyring.roles["somebody"] = [f"{named}@{SCOPE}"]

    result = rule("applied_by", state)

    assert result.passed is is_there
    assert result.limit == wanted
    assert is_there or "grant hand:" in result.reason
    assert "applied_by" not in {found.rule for found in judged(state, proposal(kind="threshold"))}


@pytest.mark.parametrize(
    ("everywhere", "own", "is_observing"),
    [
        (None, None, False),
        ("observe", None, True),
        ("observe", "act", False),
        ("act", "observe", True),
        (None, "observe", True),
    ],
)
def test_what_observes_does_nothing(everywhere: str | None, own: str | None, *, is_observing: bool) -> None:
    """The scope's own word counts, then that of all; else it acts. Alert thresholds and people are let through."""
    state = state_of()
    for scope, mode in ((SCOPE, own), ("*", everywhere)):
        if mode is not None:
            state.configured[scope] = ScopeConfigured(scope=scope, settings={"mode": mode})

    found = [result for result in judged(state, proposal()) if result.rule == "observe"]

    assert [result.passed for result in found] == [False] * is_observing
    assert all("homeostat act" in result.reason for result in found)
    asked = {result.rule for result in judge(state.facts(proposal(), NOW), proposal(), is_persons=True)}
    assert "observe" not in asked | {result.rule for result in judged(state, proposal(kind="threshold"))}


def test_a_mode_has_two_values() -> None:
    """A slip of the pen does not act."""
    with pytest.raises(ValueError, match="mode is observe or act, not 'Observe'"):
        ScopeConfigured(scope=SCOPE, settings={"mode": "Observe"})


@pytest.mark.parametrize("where", [SCOPE, "*"])
def test_a_freeze_denies(where: str) -> None:
    """Of the scope, or of all."""
    state = state_of()
    state.freezes[where] = "f"

    result = rule("freeze", state)

    assert (result.passed, result.nearest, result.reason) == (False, False, "the scope is frozen")


def test_a_freeze_of_a_model_denies_what_is_about_it() -> None:
    """And says that it is the model."""
    state = state_of()
    state.freezes[MODEL] = "f"

    assert (rule("freeze", state).passed, rule("freeze", state).reason) == (False, "the model is frozen")


@pytest.mark.parametrize("where", ["other", f"{SCOPE}/other", f"other/{MODEL.partition('/')[2]}", FAMILY])
def test_a_freeze_of_another_scope_or_model_is_none_of_its_business(where: str) -> None:
    """They are apart; a family is no model."""
    state = state_of()
    state.freezes[where] = "f"

    assert rule("freeze", state).passed


def test_a_freeze_of_a_model_leaves_the_family_alone() -> None:
    """A meta-training is about all of its models, whatever one of them is called."""
    state = state_of()
    state.freezes[FAMILY] = state.freezes[MODEL] = "f"

    assert rule("freeze", state, kind="meta_training").passed


@pytest.mark.parametrize(
    ("changes", "passed", "nearest"),
    [
        ({}, True, None),
        ({"champion": "v9"}, False, "v0"),
        ({"champion": None}, False, "v0"),
        ({"model": "acme/unknown"}, False, ""),
        ({"family": "acme/others"}, False, FAMILY),
        ({"kind": "meta_training"}, True, None),
    ],
)
def test_a_model_is_known_by_its_champion_and_its_family(changes: dict[str, Any], passed: bool, nearest: Any) -> None:
    """Whoever may act in one family may not name another's model in it."""
    result = rule("known_model", state_of(), **changes)

    assert (result.passed, result.nearest) == (passed, nearest)


@pytest.mark.parametrize(
    ("kind", "other", "passed"),
    [("retrain", "retrain", False), ("rollout", "retrain", False), ("threshold", "retrain", True)],
)
def test_one_action_at_a_time_changes_what_a_model_serves(kind: str, other: str, passed: bool) -> None:
    """A retrain and a rollout are rivals; a threshold is not."""
    state = state_of()
    in_flight(state, kind=other)

    result = rule("one_at_a_time", state, kind=kind)

    assert result.passed == passed
    assert result.nearest == (None if passed else 0)


@given(n=st.integers(0, 5), limit=st.integers(0, 5))
def test_concurrency_counts_the_scope(n: int, limit: int) -> None:
    """Fewer than the limit are in flight; the nearest value is one that passes."""
    state = state_of(RulesSet(max_in_flight=limit))
    for number in range(n):
        in_flight(state, model=f"acme/other-{number}")

    result = rule("concurrency", state)

    assert result.passed == (n < limit)
    assert result.nearest == (None if result.passed else max(0, limit - 1))


def test_the_rate_forgets_what_is_older_than_its_window() -> None:
    """Two of three starts lie inside."""
    state = state_of(RulesSet(max_actions=2, rate_window_ms=100))
    state.registry.models[MODEL].starts = [NOW - 101, NOW - 99, NOW - 1]

    result = rule("rate", state)

    assert (result.passed, result.value, result.nearest) == (False, 2, 1)
    state.registry.models[MODEL].starts = [NOW - 100, NOW - 99]
    assert rule("rate", state).passed


@given(since=st.integers(0, 200))
def test_a_cooldown_lasts_exactly_as_long_as_it_says(since: int) -> None:
    """From the settlement on."""
    state = state_of(RulesSet(cooldown_ms=100))
    state.registry.models[MODEL].settled_at = NOW - since

    result = rule("cooldown", state)

    assert result.passed == (since >= 100)
    assert result.nearest == (None if result.passed else 100)


@given(spent=st.floats(0, 20), reserved=st.floats(0, 20), asked=st.floats(0, 20))
def test_money_is_what_is_left(spent: float, reserved: float, asked: float) -> None:
    """What is spent and what is reserved is gone; what is named as nearest would pass."""
    state = state_of()
    state.budgets.by_scope[SCOPE].spent, state.budgets.by_scope[SCOPE].reserved = spent, reserved

    result = rule("money", state, money=asked)

    assert result.passed == (asked <= max(0.0, 10.0 - spent - reserved))
    assert result.passed or rule("money", state, money=result.nearest).passed


@given(taken=st.integers(0, 5), asked=st.integers(0, 5))
def test_slots_are_taken_while_training(taken: int, asked: int) -> None:
    """And free again when the arms have reported."""
    state = state_of(RulesSet(training_slots=3))
    in_flight(state, "training", slots=taken)
    in_flight(state, "rolling", slots=5)

    result = rule("slots", state, slots=asked)

    assert result.passed == (asked <= max(0, 3 - taken))
    assert result.passed or rule("slots", state, slots=result.nearest).passed


@given(
    n_models=st.integers(1, 8),
    n=st.integers(0, 8),
    ratio=st.floats(0, 1),
    phase=st.sampled_from(["training", "rolling", "measuring"]),
)
def test_the_blast_radius_is_held_from_approval_to_settlement(n_models: int, n: int, ratio: float, phase: Any) -> None:
    """What is in training now is in a rollout later; one model may always be."""
    state = state_of(RulesSet(max_rollouts_ratio=ratio), n_models=n_models)
    for number in range(n):
        in_flight(state, phase, model=f"acme/camera-{number}")

    result = rule("blast_radius", state)

    assert result.passed == ((n + 1) / n_models <= max(ratio, 1 / n_models))
    assert result.nearest is None or 1 / n_models <= float(result.nearest) <= max(ratio, 1 / n_models)


def test_what_gives_no_canary_has_no_blast_radius() -> None:
    """Skips, held actions and thresholds."""
    state = state_of(RulesSet(max_rollouts_ratio=0.5), n_models=2)
    in_flight(state, "held")
    in_flight(state, chosen="skip")
    in_flight(state, "acting", kind="threshold")

    assert rule("blast_radius", state).value == 0.5
    assert rule("blast_radius", state, chosen="skip").value == 0.0


@pytest.mark.parametrize(
    ("steps", "chosen", "passed"),
    [((0.1, 0.5), "warm", True), ((0.6,), "warm", False), ((), "warm", False), ((), "skip", True)],
)
def test_a_rollout_begins_small(steps: tuple[float, ...], chosen: str, passed: bool) -> None:
    """No step at all is a switch of all traffic."""
    result = rule("canary_first", state_of(), plan=Plan(steps=steps), chosen=chosen)

    assert (result.passed, result.nearest) == (passed, None if passed else 0.5)


@pytest.mark.parametrize(
    ("window", "nearest"),
    [
        (WINDOW, None),
        (WINDOW.model_copy(update={"rows": 0}), 1),
        (WINDOW.model_copy(update={"subject": "other/camera"}), MODEL),
    ],
)
def test_a_retrain_learns_from_labelled_rows_of_its_own_model(window: Range, nearest: Any) -> None:
    """Another tenant's data is not to be had by naming it."""
    result = rule("data_window", state_of(), window=window)

    assert (result.passed, result.nearest) == (nearest is None, nearest)


def test_the_rules_that_pass_with_time_are_rules() -> None:
    """Whoever asks again what they have denied goes by their names."""
    assert {rule.__name__ for rule in RULES} >= PASSING_RULES
