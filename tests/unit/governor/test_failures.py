"""What a hand cannot do is tried once more where that may help, and then it is over, at once, with its reason."""

from collections.abc import Callable

import pytest
from tests.unit.governor.driver import MODEL, SCOPE, GovernorDriver, money, verdict
from tests.unit.governor.emits import data_of, one

from homeostat.events import (
    CandidateTrained,
    FreezeLifted,
    FreezeSet,
    Rollout,
    RolloutAbort,
    RolloutPromote,
    RolloutSet,
)


def to_first_step(court: GovernorDriver) -> tuple[str, type[Rollout]]:
    action = court.propose()[0]
    court.train(action, "warm", "head")
    return action, RolloutSet


def to_second_step(court: GovernorDriver) -> tuple[str, type[Rollout]]:
    action = court.roll()
    court.judge(action, "continue")
    return action, RolloutSet


def to_promotion(court: GovernorDriver) -> tuple[str, type[Rollout]]:
    action = court.roll()
    court.judge(action, "promote")
    return action, RolloutPromote


def to_abort(court: GovernorDriver) -> tuple[str, type[Rollout]]:
    action = court.roll()
    court.judge(action, "abort")
    return action, RolloutAbort


def to_shadows(court: GovernorDriver) -> tuple[str, type[Rollout]]:
    action = court.propose()[0]
    court.train(action, "head", failed=["warm"])
    return action, RolloutSet


SENT = (to_first_step, to_second_step, to_promotion, to_abort, to_shadows)


def is_over(court: GovernorDriver, action: str) -> bool:
    """Whether tokens and model are free: only the cooldown keeps the next one waiting."""
    court.now += 60_000
    _, emits = court.propose(champion=court.state.registry.models[MODEL].champion)
    return action not in court.state.flight.actions and verdict(emits).verdict == "approved" and money(court)[0] == 5.0


@pytest.mark.parametrize("enter", SENT)
def test_a_rollout_that_fails_is_set_once_more_and_then_it_is_over(
    court: GovernorDriver, enter: Callable[[GovernorDriver], tuple[str, type[Rollout]]]
) -> None:
    """Whatever was asked of the target; the second failure ends the action with its reason, and clears up."""
    action, command = enter(court)

    again = court.fail(action, "rollout")
    ended = court.fail(action, "rollout")

    assert [type(emit.data) for emit in again] == [command]
    assert verdict(ended).verdict == "expired"
    assert [(rule.rule, rule.value) for rule in verdict(ended).rules] == [("hand", "target_failed")]
    assert (one(ended, RolloutAbort).candidates, one(ended, RolloutAbort).champion) == ((), "v0")
    assert court.fail(action, "rollout") == []
    assert is_over(court, action)


@pytest.mark.parametrize("reason", ["expired", "unsigned", "never_heard_of"])
@pytest.mark.parametrize("enter", SENT)
def test_what_another_attempt_does_not_mend_is_over_at_once(
    court: GovernorDriver, enter: Callable[[GovernorDriver], tuple[str, type[Rollout]]], reason: str
) -> None:
    """A command that has expired does not get younger."""
    action, _ = enter(court)

    assert verdict(court.fail(action, "rollout", reason)).verdict == "expired"
    assert is_over(court, action)


def test_what_went_well_in_between_is_no_second_failure(court: GovernorDriver) -> None:
    """Two hiccups in a week are two hiccups."""
    action, _ = to_first_step(court)
    court.apply(one(court.fail(action, "rollout"), RolloutSet), "set")
    court.judge(action, "continue")

    assert data_of(court.fail(action, "rollout"), RolloutSet)
    assert action in court.state.flight.actions


def test_a_brake_of_which_no_freeze_is_known_is_tried_once(court: GovernorDriver) -> None:
    """A hand may answer after the freeze was lifted, or hold a brake file that nobody lifts."""
    action, _ = to_second_step(court)

    again = court.fail(action, "rollout", "braked")
    ended = court.fail(action, "rollout", "braked")

    assert one(again, RolloutSet).step == 1
    assert verdict(ended).rules[0].value == "braked"


def test_a_braked_rollout_waits_for_the_end_of_its_freeze_however_long(court: GovernorDriver) -> None:
    """In a freeze a brake is no failure."""
    action, _ = to_second_step(court)
    for _ in range(3):
        court.law(FreezeSet(scope=SCOPE), "olga", subject=SCOPE)
        assert court.fail(action, "rollout", "braked") == []
        assert one(court.law(FreezeLifted(scope=SCOPE), "olga", subject=SCOPE), RolloutSet).step == 1

    assert action in court.state.flight.actions


@pytest.mark.parametrize("reason", ["no_data", "timed_out", "all_arms_failed", "target_failed", "braked", "expired"])
def test_a_training_that_failed_is_over_with_the_report(court: GovernorDriver, reason: str) -> None:
    """It waits for no settlement: the learner asks again, with newer rows."""
    action, _ = court.propose()

    emits = court.fail(action, "retrain", reason)

    assert [(rule.rule, rule.value) for rule in verdict(emits).rules] == [("hand", reason)]
    assert is_over(court, action)


def test_a_training_that_was_cut_short_goes_on_with_the_arms_it_has(court: GovernorDriver) -> None:
    """Its hand has died after the first arm, and what it read again had expired: the one that is missing failed."""
    action, _ = court.propose()
    court.train(action, "warm")

    command = one(court.fail(action, "retrain", "expired"), RolloutSet)

    assert (command.canary, [candidate.arm for candidate in command.candidates]) == ("warm-1", ["warm"])
    assert court.report(CandidateTrained.model_validate(report(action, "head"))) == []


def report(action: str, arm: str) -> dict[str, str]:
    """An arm that comes too late."""
    about = {"action": action, "command": "c", "kind": "retrain", "family": "acme/cameras", "model": MODEL}
    return about | {"arm": arm, "version": f"{arm}-1", "artifact": "a" * 64}


def test_a_failure_is_no_word_on_what_is_held() -> None:
    """Nothing was asked of any hand."""
    court = GovernorDriver(model_tier="high")
    action, _ = court.propose()

    assert court.fail(action, "retrain") == []
    assert action in court.state.flight.actions


def test_an_action_that_cost_more_than_it_asked_for_is_charged_that_when_it_expires(court: GovernorDriver) -> None:
    """The budget knows what its arms took."""
    action, _ = court.propose(money=1.0)
    court.train(action, "warm", seconds=900.0)

    court.tick(court.state.flight.actions[action].expires_at)

    assert money(court) == (0.0, 9.0)
