"""Which hand is believed on a policy topic is signed law: a role that names hand and topic, or else ours."""

import pytest
from tests.unit.governor.driver import MODEL, SCOPE, GovernorDriver, about, registration
from tests.unit.governor.emits import one

from homeostat.core import Reject
from homeostat.events import (
    ActionApplied,
    Band,
    BrakeConfirmed,
    DeploymentObserved,
    EventRefused,
    RoleGranted,
    RoleRevoked,
    ScopeConfigured,
)
from homeostat.events.logs import POLICY_THRESHOLD, TIMELINE, VERDICTS

OURS, THEIRS = "threshold_actuator", "band_notes"
ROLE = f"hand:{THEIRS}/alert-threshold"
BAND = Band(signal="u", rate=0.01, low=0.0, high=1.0, eta=0.5)


@pytest.fixture
def court() -> GovernorDriver:
    """A hand of somebody else's has a key, and the role that `homeostat up` gives it."""
    court = GovernorDriver()
    court.law(registration(THEIRS, f"hand:{THEIRS}"))
    return court


def name_hand(court: GovernorDriver, scope: str = SCOPE, role: str = ROLE, principal: str = THEIRS) -> str:
    """Grant the role; return why it was refused, nothing if it was not."""
    refused = court.law(RoleGranted(principal=principal, role=role, scope=scope))
    return one(refused, EventRefused).reason if refused else ""


def answer(court: GovernorDriver, action: str, hand: str) -> str:
    """Let a hand say that the band is there; return why it is refused, nothing if it is believed."""
    said = len(court.said)
    try:
        court.report(ActionApplied.model_validate(about(action, "threshold") | {"band": BAND}), hand=hand)
    except Reject as reject:
        return reject.reason
    assert [emit.log for emit in court.said[said:]] == [TIMELINE]
    return ""


@pytest.mark.parametrize("scope", [SCOPE, "*"])
def test_the_hand_that_the_law_names_is_believed_and_no_other(court: GovernorDriver, scope: str) -> None:
    """In the scope, or everywhere; with it the action is over."""
    assert name_hand(court, scope) == ""
    action, _ = court.propose(kind="threshold", band=BAND)

    assert answer(court, action, OURS) == "role_missing"
    assert action in court.state.flight.actions
    assert answer(court, action, THEIRS) == ""
    assert action not in court.state.flight.actions


def test_without_the_law_ours_is_believed(court: GovernorDriver) -> None:
    """A role that names no topic lets nobody report on one; nor does a name for another topic or scope."""
    name_hand(court, "other")
    name_hand(court, role=f"hand:{THEIRS}/rollout")
    action, _ = court.propose(kind="threshold", band=BAND)

    assert answer(court, action, THEIRS) == "role_missing"
    assert answer(court, action, OURS) == ""


def test_a_scope_says_otherwise_than_everywhere(court: GovernorDriver) -> None:
    """What is closer counts: ours is named for the scope."""
    name_hand(court, "*")
    name_hand(court, role=f"hand:{OURS}/alert-threshold", principal=OURS)
    action, _ = court.propose(kind="threshold", band=BAND)

    assert answer(court, action, THEIRS) == "role_missing"
    assert answer(court, action, OURS) == ""


def test_a_command_is_answered_by_the_hand_of_the_time_it_was_given(court: GovernorDriver) -> None:
    """Who was named later may have passed it over; who was named then and is no more is believed no longer."""
    before, _ = court.propose(kind="threshold", band=BAND)
    name_hand(court)
    court.register("acme/camera-2")
    after, _ = court.propose(kind="threshold", band=BAND, model="acme/camera-2", window=None)
    court.law(RoleRevoked(principal=THEIRS, role=ROLE, scope=SCOPE))

    assert answer(court, before, OURS) == ""
    assert [issued.hand for issued in court.state.issued.by_identity.values()] == [OURS, ROLE.removeprefix("hand:")]
    assert after in court.state.flight.actions
    late = ActionApplied.model_validate(about(after, "threshold") | {"band": BAND, "model": "acme/camera-2"})
    with pytest.raises(Reject, match="role_missing"):
        court.report(late, hand=THEIRS)


@pytest.mark.parametrize("scope", [SCOPE, "*"])
def test_one_hand_is_named_at_a_time(court: GovernorDriver, scope: str) -> None:
    """Of two the first report would end what the second is still to do; another key of the same hand is no second."""
    name_hand(court, scope)
    court.law(registration("spare"))

    assert name_hand(court, scope, "hand:others/alert-threshold", "spare") == "hand_named"
    assert name_hand(court, scope, principal="spare") == ""
    for principal in (THEIRS, "spare"):
        court.law(RoleRevoked(principal=principal, role=ROLE, scope=scope))
    assert name_hand(court, scope, "hand:others/alert-threshold", "spare") == ""


def test_a_key_that_brings_its_roles_names_one_hand_too(court: GovernorDriver) -> None:
    """Against the law, and within itself."""
    two = registration("two", "hand:a/rollout", "hand:b/rollout")
    name_hand(court, "*")

    assert one(court.law(two), EventRefused).reason == "hand_named"
    assert one(court.law(registration("c", "hand:c/alert-threshold")), EventRefused).reason == "hand_named"
    assert court.law(registration("d", "hand:d/rollout", "hand:d/retrain")) == []


def test_a_freeze_is_confirmed_by_the_hand_that_is_named(court: GovernorDriver) -> None:
    """In its scope ours confirms nothing any more."""
    name_hand(court)

    def confirm(hand: str, scope: str = SCOPE, log: str = POLICY_THRESHOLD) -> list[str]:
        data = BrakeConfirmed(hand=hand, log=log, partition=0, freeze="f", scope=scope)
        return [emit.log for emit in court.tell(court.signed(data, hand, subject=scope), subject=scope)]

    assert confirm(THEIRS) == confirm(OURS, "*") == [VERDICTS]
    for hand, scope, log in (
        (OURS, SCOPE, POLICY_THRESHOLD),
        (THEIRS, "*", POLICY_THRESHOLD),
        (THEIRS, SCOPE, TIMELINE),
    ):
        with pytest.raises(Reject, match="report_mismatch"):
            confirm(hand, scope, log)


def test_the_hand_that_is_named_may_announce_deployments(court: GovernorDriver) -> None:
    """Where they must be signed, as ours may; it is not enough to be a hand."""
    court.law(ScopeConfigured(scope=SCOPE, settings={"signed_deployments": True}), subject=SCOPE)
    signed = court.signed(DeploymentObserved(version="v9"), THEIRS, subject=MODEL).model_copy(update={"model": MODEL})

    with pytest.raises(Reject, match="role_missing"):
        court.tell(signed)
    name_hand(court)
    court.tell(signed)

    assert court.state.registry.models[MODEL].champion == "v9"


def test_a_command_says_which_hand_alone_obeys_it(court: GovernorDriver) -> None:
    """Where the law names one that is not ours; ours reads the field as it was, absent."""
    court.propose(kind="threshold", band=BAND)
    name_hand(court)
    court.register("acme/camera-2")
    court.propose(kind="threshold", band=BAND, model="acme/camera-2", window=None)

    assert [command.hand for _, command in court.commands] == [None, THEIRS]
    assert "hand" not in court.commands[0][1].model_dump(exclude_none=True)
