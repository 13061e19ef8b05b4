"""How actions end before their settlement: by time, by a deployment from outside, by a revert."""

from collections.abc import Callable

import pytest
from tests.unit.governor.driver import (
    DIGEST,
    MODEL,
    SCOPE,
    START_MS,
    GovernorDriver,
    money,
    verdict,
)
from tests.unit.governor.emits import data_of, one
from tests.unit.governor.serving import LIFE_MS, champion

from homeostat.events import (
    Candidate,
    DeploymentObserved,
    EventRefused,
    FreezeSet,
    RevertRequested,
    Rollout,
    RolloutAbort,
    RolloutPromote,
    RolloutRevert,
    RolloutSet,
)


def to_training(court: GovernorDriver) -> str:
    return court.propose()[0]


def to_ready(court: GovernorDriver) -> str:
    action = to_training(court)
    court.law(FreezeSet(scope=SCOPE), "olga", subject=SCOPE)
    court.train(action, "warm", "head")
    return action


def to_rolling(court: GovernorDriver) -> str:
    return court.roll()


def to_promoting(court: GovernorDriver) -> str:
    action = court.roll()
    court.judge(action, "promote")
    return action


def to_measuring(court: GovernorDriver) -> str:
    action = court.roll()
    court.judge(action, "abort")
    return action


def to_promoted(court: GovernorDriver) -> str:
    action = court.roll()
    court.apply(one(court.judge(action, "promote"), RolloutPromote), "promote")
    return action


PHASES = (to_training, to_ready, to_rolling, to_promoting, to_measuring, to_promoted)
SERVED = PHASES[2:]


@pytest.mark.parametrize("enter", PHASES)
def test_an_action_that_outlives_its_time_leaves_no_candidate(
    court: GovernorDriver, enter: Callable[[GovernorDriver], str]
) -> None:
    """In every phase: what it asked for is spent, its end is said, its candidates are cleared by an abort."""
    action = enter(court)
    serving = champion(court)[0]
    due = court.fold.wake_at(court.state)
    assert due == START_MS + LIFE_MS
    assert court.tick(due - 1) == []

    emits = court.tick(due)

    assert verdict(emits).verdict == "expired"
    assert [(c.champion, c.candidates, c.reference) for c in data_of(emits, RolloutAbort)] == [
        (serving, (), serving)
    ] * (enter in SERVED)
    assert len(data_of(emits, Rollout)) == (enter in SERVED)
    assert court.state.flight.actions == {}
    assert court.fold.wake_at(court.state) is None
    assert money(court) == (0.0, 5.0)
    assert court.settle(action, "expired") == []
    assert money(court) == (0.0, 5.0)


def test_what_was_promoted_at_the_last_moment_and_cleared_is_not_in_the_books(court: GovernorDriver) -> None:
    """The promotion's report comes after the expiry, and then that of the abort that takes it back."""
    action = court.roll()
    promotion = one(court.judge(action, "promote"), RolloutPromote)
    abort = one(court.tick(START_MS + LIFE_MS), RolloutAbort)

    court.apply(promotion, "promote")
    assert champion(court) == ("warm-1", "v0")
    court.apply(abort, "abort")

    assert champion(court) == ("v0", None)


def test_a_settlement_before_the_report_of_the_promotion_keeps_it(court: GovernorDriver) -> None:
    """Two logs, two orders: the evaluator has seen the report before the governor."""
    action = to_promoting(court)

    assert one(court.settle(action), RolloutSet).champion == "warm-1"
    assert champion(court) == ("warm-1", "v0")


@pytest.mark.parametrize("is_reported", [True, False])
def test_the_family_hears_whether_an_expired_action_was_ever_served(court: GovernorDriver, is_reported: bool) -> None:
    """After a rollout was reported an outcome follows; of what has expired in training none ever comes."""
    action, given = court.propose()
    assert not verdict(given).was_served
    command = one(court.train(action, "warm", "head"), RolloutSet)
    if is_reported:
        court.apply(command, "set")

    emits = court.tick(court.state.flight.actions[action].expires_at)

    assert (verdict(emits).verdict, verdict(emits).was_served) == ("expired", is_reported)


def test_a_rollout_command_says_of_what_kind_its_action_is(court: GovernorDriver) -> None:
    """The evaluator reports outcomes by it."""
    retrain = one(court.train(court.propose()[0], "warm", "head"), RolloutSet)
    elsewhere = Candidate(arm="warm", version="warm-1", artifact=DIGEST["warm"])
    court = GovernorDriver()
    _, emits = court.propose(kind="rollout", candidates=(elsewhere,), shadows=(), window=None)

    assert (retrain.kind, one(emits, RolloutSet).kind) == ("retrain", "rollout")


@pytest.mark.parametrize("enter", PHASES)
def test_a_deployment_from_outside_ends_what_was_compared_with_another(
    court: GovernorDriver, enter: Callable[[GovernorDriver], str]
) -> None:
    """No candidate takes the place of a champion that it was never compared with."""
    action = enter(court)

    emits = court.tell(DeploymentObserved(version="v9", artifact="9" * 64, model=MODEL))

    assert champion(court)[0] == "v9"
    assert verdict(emits).verdict == "expired"
    assert verdict(emits).rules[0].reason == "v9 was deployed from outside"
    assert [(c.champion, c.champion_artifact, c.candidates) for c in data_of(emits, RolloutAbort)] == [
        ("v9", "9" * 64, ())
    ] * (enter in SERVED)
    assert court.judge(action, "promote") == court.train(action, "warm", "head") == court.settle(action) == []
    assert money(court)[0] == 0.0


def test_our_own_promotion_seen_from_outside_ends_nothing(court: GovernorDriver) -> None:
    """A pipeline may report every change of what serves."""
    action = to_promoting(court)

    assert court.tell(DeploymentObserved(version="warm-1", model=MODEL)) == []

    assert champion(court) == ("warm-1", "v0")
    assert action in court.state.flight.actions


def test_the_same_champion_deployed_again_ends_nothing_but_a_promotion(court: GovernorDriver) -> None:
    """While one is on its way, it means that somebody has taken it back."""
    action = court.roll()
    again = DeploymentObserved(version="v0", model=MODEL)
    assert court.tell(again) == []

    court.judge(action, "promote")

    assert one(court.tell(again), RolloutAbort).champion == "v0"
    assert court.state.flight.actions == {}


def test_a_held_action_of_a_replaced_champion_is_over() -> None:
    """It could never be approved."""
    court = GovernorDriver(model_tier="high")
    action, _ = court.propose()

    emits = court.tell(DeploymentObserved(version="v9", model=MODEL))

    assert verdict(emits).verdict == "expired"
    assert action not in court.state.flight.actions
    assert money(court) == (0.0, 0.0)


def test_a_deployment_of_an_unknown_model_is_passed_over(court: GovernorDriver) -> None:
    """It has no books."""
    assert court.tell(DeploymentObserved(version="v9", model="acme/unknown")) == []


def revert(court: GovernorDriver) -> list[RolloutRevert]:
    """A person wants the last good version."""
    emits = court.tell(court.signed(RevertRequested(model=MODEL), "olga"))
    return data_of(emits, RolloutRevert)


def test_a_revert_goes_back_one_version_and_not_forth_again(court: GovernorDriver) -> None:
    """What was left is not known to be good."""
    court.settle(to_promoted(court))

    command = revert(court)[0]
    court.apply(command, "revert")

    assert (command.champion, command.champion_artifact, command.candidates) == ("v0", DIGEST["v0"], ())
    assert (command.revert_to, command.reference) == ("v0", "v0")
    assert champion(court) == ("v0", None)
    again = court.tell(court.signed(RevertRequested(model=MODEL), "olga"))
    assert one(again, EventRefused).reason == "nothing_to_revert"


def test_a_revert_ends_what_is_in_flight(court: GovernorDriver) -> None:
    """A judgement on its way does not bring the candidate back, and no second command clears up."""
    action = to_promoted(court)

    emits = court.tell(court.signed(RevertRequested(model=MODEL), "olga"))

    assert len(data_of(emits, Rollout)) == 1
    assert verdict(emits).rules[0].rule == "revert"
    assert court.judge(action, "promote") == court.settle(action, "aborted") == []
    assert money(court) == (0.0, 0.04)


def test_a_revert_during_a_promotion_goes_back_to_what_it_replaces(court: GovernorDriver) -> None:
    """Not one further: the report of the promotion may be on its way."""
    action = court.roll()
    promotion = one(court.judge(action, "promote"), RolloutPromote)

    command = revert(court)[0]
    court.apply(promotion, "promote")
    court.apply(command, "revert")

    assert command.champion == "v0"
    assert champion(court) == ("v0", None)


def test_a_model_registered_again_keeps_its_champion(court: GovernorDriver) -> None:
    """Clients register at each start."""
    court.settle(to_promoted(court))

    court.register(tier="high")

    assert champion(court)[0] == "warm-1"
    assert court.state.registry.models[MODEL].tier == "high"
