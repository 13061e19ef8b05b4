"""Whoever can write the reports door is believed nothing: a report counts only from the hand of an open command."""

import dataclasses
from typing import Any

import pytest
from tests.unit.governor.driver import DIGEST, FAMILY, MODEL, SCOPE, GovernorDriver, about, key_of, registration
from tests.unit.governor.emits import one

from homeostat.core import Reject
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    BrakeConfirmed,
    CandidateTrained,
    RetrainStart,
    RoleGranted,
    RoleRevoked,
    Rollout,
    RolloutSet,
    WeightsPublished,
)
from homeostat.events.logs import EXPERIENCE, TIMELINE, VERDICTS

HAND = "retrain_actuator"


@pytest.fixture
def court() -> GovernorDriver:
    """A retrain is being trained."""
    return GovernorDriver()


def trained(action: str, arm: str = "warm", **changes: Any) -> CandidateTrained:
    """What the hand would say of an arm."""
    said = {"arm": arm, "version": f"{arm}-1", "artifact": DIGEST[arm], "seconds": 2.0}
    return CandidateTrained.model_validate(about(action, "retrain") | said | changes)


def reason_of(court: GovernorDriver, data: Any, **how: Any) -> str:
    """Why a report is refused; the state is what it was."""
    before = (
        dict(court.state.flight.actions),
        {name: list(i.stages) for name, i in court.state.issued.by_identity.items()},
    )
    with pytest.raises(Reject) as refused:
        court.report(data, **how)
    assert before == (
        dict(court.state.flight.actions),
        {name: list(i.stages) for name, i in court.state.issued.by_identity.items()},
    )
    return refused.value.reason


def test_an_unsigned_report_changes_nothing(court: GovernorDriver) -> None:
    """Threat: `candidate.trained` of a version "evil" becomes a canary, `action.applied` the champion."""
    action, _ = court.propose()
    evil = trained(action, version="evil").model_copy(update={"command": court.commands[-1][0]})

    with pytest.raises(Reject, match="unsigned"):
        court.tell(evil)

    assert court.state.registry.models[MODEL].champion == "v0"
    assert court.state.flight.actions[action].candidates == []


@pytest.mark.parametrize(
    ("hand", "reason"),
    [("stranger", "key_unknown"), ("rollout_actuator", "role_missing"), ("olga", "role_missing")],
)
def test_only_the_hand_of_the_command_reports_on_it(court: GovernorDriver, hand: str, reason: str) -> None:
    """Threat: a stranger, another hand or an operator says what the trainer has trained."""
    action, _ = court.propose()

    assert reason_of(court, trained(action), hand=hand) == reason


def test_a_hand_of_another_scope_has_no_say_here(court: GovernorDriver) -> None:
    """Threat: a tenant's own actuator reports on the models of all."""
    action, _ = court.propose()
    court.law(registration("theirs"))
    court.law(RoleRevoked(principal=HAND, role=f"hand:{HAND}"))
    for principal, scope in (("theirs", "other"), (HAND, SCOPE)):
        court.law(RoleGranted(principal=principal, role=f"hand:{HAND}", scope=scope))

    assert reason_of(court, trained(action), hand="theirs") == "role_missing"
    court.report(trained(action), hand=HAND)
    assert court.state.flight.actions[action].waiting_for == ["head"]


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "/somebody#1.0"},
        {"model": "acme/camera-2"},
        {"family": "acme/others"},
        {"family": "other/cameras", "model": "other/camera-1"},
    ],
)
def test_a_report_is_about_what_was_commanded(court: GovernorDriver, changes: dict[str, Any]) -> None:
    """Threat: a hand that was taken over speaks of other actions, models and scopes than it was told to act on."""
    action, _ = court.propose()
    court.register("acme/camera-2")
    name, command = court.commands[-1]
    assert isinstance(command, RetrainStart)

    report = trained(action).model_copy(update=changes | {"command": name})

    assert reason_of(court, report, command=name, hand=HAND) == "report_mismatch"


def test_a_command_is_answered_by_reports_of_its_own_kind(court: GovernorDriver) -> None:
    """Threat: the trainer of candidates says that a rollout was applied, or publishes weights."""
    action, _ = court.propose()
    name, _ = court.commands[-1]
    weights = {"family": FAMILY, "artifact": "a" * 64, "algorithm": "maml", "loss": 0.1, "gain": 0.1, "gain_low": 0.1}

    applied = ActionApplied.model_validate(about(action, "rollout") | {"command": name})
    published = WeightsPublished.model_validate(weights | {"action": action, "n_tasks": 1})

    assert reason_of(court, applied, command=name, hand=HAND) == "report_mismatch"
    assert reason_of(court, published, command=name, hand=HAND) == "report_mismatch"


def test_a_command_that_was_never_given_has_no_report(court: GovernorDriver) -> None:
    """Threat: reports of actions that no verdict allowed, with a true key."""
    court.propose()

    failed = ActionFailed.model_validate(about("/nobody#1.0", "rollout") | {"reason": "target_failed", "command": "c"})
    signed = court.signed(failed, "rollout_actuator", subject=MODEL, id_="c#failed")

    with pytest.raises(Reject, match="command_unknown"):
        court.tell(signed, subject=SCOPE)


def test_a_taken_id_does_not_hide_the_true_report(court: GovernorDriver) -> None:
    """Threat: the id of a report is predictable; whoever says it first has the true one dropped as a repeat."""
    action, _ = court.propose()
    name, _ = court.commands[-1]
    true = court.signed(trained(action).model_copy(update={"command": name}), HAND, subject=MODEL, id_=f"{name}#t")
    assert true.provenance is not None
    forged = dataclasses.replace(true.provenance, key=key_of("rollout_actuator").key_id)
    for claim in (forged, dataclasses.replace(true.provenance, signature="AAAA"), None):
        with pytest.raises(Reject, match=r"signature_invalid|unsigned"):
            court.tell(true.model_copy(update={"provenance": claim}))

    court.tell(true)

    assert court.state.flight.actions[action].waiting_for == ["head"]
    assert court.tell(true) == [], "a repeat says nothing"


def test_what_a_report_says_is_what_was_signed(court: GovernorDriver) -> None:
    """Threat: a true report is taken and its version replaced."""
    action, _ = court.propose()
    name, _ = court.commands[-1]
    signed = court.signed(trained(action).model_copy(update={"command": name}), HAND, subject=MODEL, id_=f"{name}#t")

    with pytest.raises(Reject, match="signature_invalid"):
        court.tell(signed.model_copy(update={"version": "evil"}))


def test_an_answered_command_is_closed(court: GovernorDriver) -> None:
    """Threat: an old command of a hand whose key was stolen is reported on again, otherwise."""
    action = court.roll()
    name = next(name for name, command in court.commands if isinstance(command, RolloutSet))

    failed = ActionFailed.model_validate(about(action, "rollout") | {"reason": "x", "command": name})
    said = court.signed(failed, "rollout_actuator", subject=MODEL, id_=f"{name}#failed")

    with pytest.raises(Reject, match="command_closed"):
        court.tell(said, subject=SCOPE)

    assert court.state.flight.actions[action].phase == "rolling"


@pytest.mark.parametrize("other", [{"champion": "evil"}, {"champion_artifact": "e" * 64}])
def test_what_is_said_to_serve_is_what_was_commanded(court: GovernorDriver, other: dict[str, str]) -> None:
    """Threat: with the key of the rollout's hand somebody says that another version has become champion."""
    action = court.roll()
    promote = one(court.judge(action, "promote"), Rollout)
    said = Rollout.model_validate({name: value for name, value in promote if name != "provenance"} | other)
    report = about(action, "rollout") | {"rollout": said, "rollout_verb": "promote"}

    reason = reason_of(court, ActionApplied.model_validate(report), command=court.name_of(promote))

    assert (reason, court.state.registry.models[MODEL].champion) == ("report_mismatch", "v0")


def test_what_is_admitted_reaches_the_timeline_with_its_proof(court: GovernorDriver) -> None:
    """What the evaluator sees has passed the governor, whole."""
    action, _ = court.propose()
    name, _ = court.commands[-1]
    signed = court.signed(trained(action).model_copy(update={"command": name}), HAND, subject=MODEL, id_=f"{name}#t")

    (emit,) = court.tell(signed)

    assert (emit.log, emit.subject, emit.data) == (TIMELINE, MODEL, signed)
    assert not [emit for emit in court.said if emit.log == EXPERIENCE and isinstance(emit.data, CandidateTrained)]


@pytest.mark.parametrize(
    ("name", "hand", "log", "reason"),
    [
        ("", "rollout_actuator", "homeostat.policy.rollout", "unsigned"),
        ("olga", "rollout_actuator", "homeostat.policy.rollout", "role_missing"),
        ("retrain_actuator", "rollout_actuator", "homeostat.policy.rollout", "role_missing"),
        ("retrain_actuator", "retrain_actuator", "homeostat.policy.rollout", "report_mismatch"),
        ("rollout_actuator", "rollout_actuator", "homeostat.policy.rollout", ""),
    ],
)
def test_a_freeze_is_confirmed_by_its_hands(court: GovernorDriver, name: str, hand: str, log: str, reason: str) -> None:
    """Threat: somebody confirms a freeze that no hand holds, and people look away."""
    data = BrakeConfirmed(hand=hand, log=log, partition=0, freeze="f", scope=SCOPE)
    said = court.signed(data, name) if name else data

    if reason:
        with pytest.raises(Reject, match=reason):
            court.tell(said)
    else:
        assert [(emit.log, emit.data) for emit in court.tell(said)] == [(VERDICTS, said)]


def test_a_report_after_the_end_still_counts_once(court: GovernorDriver) -> None:
    """The last rollout of an action is reported when the action is over: the timeline hears of it."""
    action = court.roll()
    emits = court.settle(action, "aborted")

    last = one(emits, Rollout)

    assert court.state.issued.by_identity[court.name_of(last)].is_closed is False
    court.apply(last, "set")
    assert court.state.issued.by_identity[court.name_of(last)].is_closed is True
