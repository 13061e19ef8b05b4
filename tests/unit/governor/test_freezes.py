"""Freezes: what they deny, what they stop, and what goes on when they are lifted."""

import pytest
from tests.unit.governor.driver import MODEL, SCOPE, GovernorDriver, about, verdict
from tests.unit.governor.emits import data_of, one
from tests.unit.governor.freezing import freeze, lift
from tests.unit.governor.refusals import refused as reason_of

from homeostat.events import (
    ActionFailed,
    BrakeReleased,
    BrakeSet,
    FreezeLifted,
    FreezeSet,
    RoleGranted,
    RolloutAbort,
    RolloutPromote,
    RolloutSet,
)
from homeostat.events.logs import POLICIES


@pytest.fixture
def court() -> GovernorDriver:
    """A model whose changes wait for a person."""
    court = GovernorDriver(model_tier="high")
    court.law(RoleGranted(principal="olga", role="approver", scope=SCOPE))
    return court


def test_a_freeze_denies_proposals_and_brakes_every_policy_log() -> None:
    """On all partitions, naming the freeze; lifting it releases all of them."""
    court = GovernorDriver()

    emits = court.law(FreezeSet(scope=SCOPE), "olga", subject=SCOPE)
    _, denied = court.propose()
    released = court.law(FreezeLifted(scope=SCOPE), "olga", subject=SCOPE)

    assert [(e.log, e.subject, e.broadcast) for e in emits] == [(log, SCOPE, True) for log in POLICIES]
    assert {b.scope for b in data_of(emits, BrakeSet)} == {SCOPE}
    assert len(set(data_of(emits, BrakeSet))) == 1
    assert verdict(denied).verdict == "denied"
    assert [(e.log, e.subject, e.broadcast) for e in released] == [(log, SCOPE, True) for log in POLICIES]
    assert len(data_of(released, BrakeReleased)) == len(POLICIES)
    assert verdict(court.propose()[1]).verdict == "approved"


def test_one_model_is_frozen_by_an_operator_of_its_scope() -> None:
    """Proposals about it are denied, its rollout holds, hands are braked for it alone; others go on."""
    court = GovernorDriver()
    action = court.roll()

    emits = court.law(FreezeSet(scope=MODEL), "olga", subject=SCOPE)

    assert [(e.log, e.subject, e.broadcast) for e in emits] == [(log, MODEL, True) for log in POLICIES]
    assert {brake.scope for brake in data_of(emits, BrakeSet)} == {MODEL}
    assert court.judge(action, "promote") == []
    freeze(court)
    assert len(lift(court)) == len(POLICIES), "it is frozen by itself"
    said = [emit.data for emit in court.law(FreezeLifted(scope=MODEL), "olga", subject=SCOPE)]
    assert isinstance(said[-1], RolloutPromote)


def test_a_model_of_another_scope_is_not_frozen_by_ours(court: GovernorDriver) -> None:
    """The role counts where the model is."""
    other = court.signed(FreezeSet(scope="other/m"), "olga", subject="other")

    assert reason_of(court, other, "other") == "role_missing"


def test_in_a_freeze_the_last_judgement_is_kept_and_decided_on_again() -> None:
    """Once."""
    court = GovernorDriver()
    action = court.roll()
    freeze(court)
    assert court.judge(action, "continue") == court.judge(action, "promote") == []

    said = lift(court)

    assert isinstance(said[-1], RolloutPromote)
    freeze(court)
    assert len(lift(court)) == len(POLICIES)


@pytest.mark.parametrize("judgement", ["abort", "inconclusive"])
def test_an_abort_passes_every_freeze(judgement: str) -> None:
    """And forgets what was kept."""
    court = GovernorDriver()
    action = court.roll()
    freeze(court)
    court.judge(action, "promote")

    assert data_of(court.judge(action, judgement), RolloutAbort)
    assert len(lift(court)) == len(POLICIES)


def test_what_is_trained_in_a_freeze_waits_for_its_end() -> None:
    """And while two freezes hold it, for the end of both."""
    court = GovernorDriver()
    action, _ = court.propose()
    freeze(court)
    freeze(court, "*")
    assert court.train(action, "warm", "head") == []

    assert len(lift(court)) == len(POLICIES)
    assert isinstance(lift(court, "*")[-1], RolloutSet)


def test_what_settles_in_a_freeze_is_cleared_by_a_command_that_passes_brakes() -> None:
    """Otherwise its shadows would stay on the server for ever."""
    court = GovernorDriver()
    action = court.roll()
    court.judge(action, "abort")
    freeze(court)

    assert one(court.settle(action, "aborted"), RolloutAbort).candidates == ()


def braked(court: GovernorDriver, action: str) -> list[object]:
    """The rollout hand has answered a command with the brake."""
    report = about(action, "rollout") | {"reason": "braked"}
    return [emit.data for emit in court.report(ActionFailed.model_validate(report))]


@pytest.mark.parametrize(
    ("judgements", "expected", "step"),
    [((), RolloutSet, 0), (("continue",), RolloutSet, 1), (("continue", "promote"), RolloutPromote, 1)],
)
def test_a_command_that_a_brake_stopped_is_given_again_after_the_freeze(
    judgements: tuple[str, ...], expected: type[RolloutSet], step: int
) -> None:
    """The same one: first step, next step, promotion."""
    court = GovernorDriver()
    action = court.roll()
    for number, judgement in enumerate(judgements):
        court.judge(action, judgement, number)
    freeze(court)

    assert braked(court, action) == []
    again = lift(court)[-1]

    assert isinstance(again, expected)
    assert again.step == step


def test_shadows_that_a_brake_stopped_are_set_after_the_freeze() -> None:
    """A skip has no canary to go on with."""
    court = GovernorDriver()
    action, _ = court.propose(chosen="skip")
    court.train(action, "head")
    freeze(court)

    braked(court, action)

    again = lift(court)[-1]
    assert isinstance(again, RolloutSet)
    assert (again.canary, len(again.candidates)) == (None, 1)


def test_an_aborted_canary_does_not_come_back_after_a_freeze() -> None:
    """The brake stopped its next step; the abort passed the brake; the report of the first comes last."""
    court = GovernorDriver()
    action = court.roll()
    court.judge(action, "continue")
    freeze(court)
    court.judge(action, "abort")

    braked(court, action)

    assert len(lift(court)) == len(POLICIES)
    assert court.state.flight.actions[action].phase == "measuring"
