"""The old champion stays beside a promotion until the outcome is final, and never longer than it may."""

from collections.abc import Callable

import pytest
from tests.unit.governor.driver import DIGEST, MODEL, SCOPE, GovernorDriver
from tests.unit.governor.emits import data_of, one

from homeostat.events import (
    DeploymentObserved,
    FreezeSet,
    RevertRequested,
    Rollout,
    RolloutAbort,
    RolloutPromote,
    RolloutRevert,
    RolloutSet,
    RulesSet,
)


@pytest.fixture
def court() -> GovernorDriver:
    """A scope that may act again at once."""
    court = GovernorDriver()
    court.law(RulesSet(scope=SCOPE, cooldown_ms=0), "olga", subject=SCOPE)
    return court


def promoted(court: GovernorDriver) -> tuple[str, Rollout]:
    """A promotion that was settled and is still measured; return its id and the rollout after the settlement."""
    action = court.roll()
    court.apply(one(court.judge(action, "promote"), RolloutPromote), "promote")
    return action, one(court.settle(action, is_final=False), Rollout)


def test_only_the_old_champion_is_left_beside_the_promoted_version(court: GovernorDriver) -> None:
    """As a shadow: it answers nobody. The model is free for the next action."""
    action, kept = promoted(court)

    assert isinstance(kept, RolloutSet)
    assert (kept.champion, kept.canary, kept.weight, kept.step) == ("warm-1", None, 0.0, -1)
    assert [candidate.version for candidate in kept.candidates] == ["warm-1"]
    assert (kept.reference, kept.reference_artifact) == ("v0", DIGEST["v0"])
    assert kept.action == action
    assert court.state.flight.actions == {}


def test_it_goes_when_the_outcome_is_final(court: GovernorDriver) -> None:
    """Once; a bill in between clears nothing."""
    action, _ = promoted(court)
    assert court.settle(action, is_final=False, cost=1.0) == []

    last = one(court.settle(action), RolloutSet)

    assert (last.champion, last.reference, last.candidates) == ("warm-1", "warm-1", ())
    assert court.settle(action) == []


def test_it_goes_when_nobody_makes_it_final_in_time(court: GovernorDriver) -> None:
    """Labels may never come."""
    promoted(court)
    due = court.fold.wake_at(court.state)
    assert due is not None

    last = one(court.tick(due), RolloutSet)

    assert last.candidates == ()
    assert court.fold.wake_at(court.state) is None


def test_the_next_action_takes_its_place(court: GovernorDriver) -> None:
    """Its rollout says what is served, whole; the last word on the old action then clears nothing."""
    action, _ = promoted(court)
    following, _ = court.propose(champion="warm-1")
    assert court.state.flight.holdbacks != {}

    first = one(court.train(following, "warm", "head"), RolloutSet)

    assert (first.reference, len(first.candidates)) == ("warm-1", 2)
    assert court.state.flight.holdbacks == {}
    assert court.settle(action) == []


@pytest.mark.parametrize("state", ["aborted", "skipped", "expired"])
def test_nothing_is_held_back_without_a_promotion(court: GovernorDriver, state: str) -> None:
    """All shadows go."""
    action = court.roll()

    assert one(court.settle(action, state, is_final=False), RolloutSet).candidates == ()
    assert court.state.flight.holdbacks == {}


def test_a_freeze_holds_nothing_back(court: GovernorDriver) -> None:
    """A brake would keep the command from being carried out; clearing up passes it."""
    action = court.roll()
    court.apply(one(court.judge(action, "promote"), RolloutPromote), "promote")
    court.law(FreezeSet(scope=SCOPE), "olga", subject=SCOPE)

    assert one(court.settle(action, is_final=False), RolloutAbort).candidates == ()


def test_a_freeze_afterwards_does_not_keep_it(court: GovernorDriver) -> None:
    """The last word comes while it lasts."""
    action, _ = promoted(court)
    court.law(FreezeSet(scope=SCOPE), "olga", subject=SCOPE)

    assert one(court.settle(action), RolloutAbort).candidates == ()


def _revert(court: GovernorDriver) -> Rollout:
    return one(court.tell(court.signed(RevertRequested(model=MODEL), "olga")), RolloutRevert)


def _deploy(court: GovernorDriver) -> Rollout:
    return one(court.tell(DeploymentObserved(version="v9", model=MODEL)), RolloutSet)


@pytest.mark.parametrize(("end", "champion"), [(_revert, "v0"), (_deploy, "v9")])
def test_whoever_changes_what_serves_ends_it(
    court: GovernorDriver, end: Callable[[GovernorDriver], Rollout], champion: str
) -> None:
    """A revert and a deployment from outside leave nothing beside the champion."""
    promoted(court)

    rollout = end(court)

    assert (rollout.champion, rollout.candidates) == (champion, ())
    assert court.state.flight.holdbacks == {}


def test_the_same_deployment_again_changes_nothing(court: GovernorDriver) -> None:
    """Some deployment tools say everything twice."""
    promoted(court)

    assert data_of(court.tell(DeploymentObserved(version="warm-1", model=MODEL)), Rollout) == []
    assert court.state.flight.holdbacks != {}
