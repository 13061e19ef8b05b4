"""Power takes two: nobody becomes two people, or the only one, by words on the keyring; no word outlives a right."""

from collections.abc import Sequence

import pytest
from tests.unit.governor.driver import HOUR_MS, MODEL, SCOPE, GovernorDriver, key_of, proposal, registration, verdict
from tests.unit.governor.emits import data_of, one

from homeostat.core import Emit
from homeostat.events import (
    ActionRequested,
    ApprovalGiven,
    EventRefused,
    FreezeSet,
    KeyRevoked,
    RequestHeld,
    RoleGranted,
    RoleRevoked,
    RulesSet,
)
from homeostat.services.governor.keyring import MOST_KEYS

NO_APPROVAL = RulesSet(scope=SCOPE, approval_tiers=())
WEEK_MS = 7 * 24 * HOUR_MS


@pytest.fixture
def court() -> GovernorDriver:
    """Root has made two admins that neither of them has made, and two approvers."""
    court = GovernorDriver()
    for name in ("ann", "bea"):
        court.law(registration(name))
        court.law(RoleGranted(principal=name, role="admin"))
    return court


def is_held(emits: Sequence[Emit]) -> bool:
    """Whether a request waits for a second person."""
    return len(data_of(emits, RequestHeld)) == 1


def test_a_key_in_another_admins_name_takes_two(court: GovernorDriver) -> None:
    """Threat: ann puts a key under bea's name; so she has made bea, no two are independent, she rules alone."""
    mask = registration("mask").model_copy(update={"principal": "bea"})

    assert is_held(court.law(mask, "ann"))
    assert is_held(court.law(registration("eve", "admin"), "ann"))

    assert key_of("mask").key_id not in court.state.keyring.keys
    assert "eve" not in court.state.keyring.roles


def test_a_person_replaces_the_own_key_alone(court: GovernorDriver) -> None:
    """The other side of it: rotation takes nobody else."""
    assert court.law(registration("bea-2").model_copy(update={"principal": "bea"}), "bea") == []

    assert court.law(FreezeSet(scope="*"), "bea-2") != []


@pytest.mark.parametrize("loss", ["role", "key"])
def test_who_takes_the_other_admins_right_away_rules_alone_only_a_week_later(court: GovernorDriver, loss: str) -> None:
    """Threat: ann revokes all other admins, and makes approvers and admins of the own."""
    for name in ("bea", "root"):
        gone = RoleRevoked(principal=name, role="admin") if loss == "role" else KeyRevoked(key=key_of(name).key_id)
        assert court.law(gone, "ann") == []

    assert is_held(court.law(registration("eve", "admin"), "ann"))
    assert "eve" not in court.state.keyring.roles
    court.now += WEEK_MS
    court.law(registration("eve", "admin"), "ann")

    assert court.state.keyring.roles["eve"] == ["admin@*"]


@pytest.mark.parametrize("role", ["notary", "auditor", "hand:retrain_actuator"])
def test_the_roles_of_services_take_two_as_well(court: GovernorDriver, role: str) -> None:
    """Threat: an admin becomes the notary that proofs are checked against, or the hand that says what was trained."""
    assert is_held(court.law(RoleGranted.model_validate({"principal": "ann", "role": role}), "ann"))
    assert is_held(court.law(registration("mal", role), "ann"))

    assert court.state.keyring.roles["ann"] == ["admin@*"]


def test_both_who_gave_power_have_made_who_got_it(court: GovernorDriver) -> None:
    """Threat: bea agrees once to an admin whose key is ann's; from then on ann is two people."""
    court.law(registration("eve", "admin"), "ann")
    court.law(registration("eve", "admin"), "bea")
    court.law(NO_APPROVAL, "ann", subject=SCOPE)

    assert is_held(court.law(NO_APPROVAL, "eve", subject=SCOPE))
    assert court.state.rules_of(SCOPE)[0].approval_tiers == ("high",)


@pytest.mark.parametrize("loss", ["role", "key"])
def test_a_first_word_goes_with_the_right_to_say_it(court: GovernorDriver, loss: str) -> None:
    """Threat: a thief says the first word; the key is revoked, and a slip says the second."""
    court.law(NO_APPROVAL, "ann", subject=SCOPE)
    gone = RoleRevoked(principal="ann", role="admin") if loss == "role" else KeyRevoked(key=key_of("ann").key_id)
    court.law(gone, "bea")

    assert is_held(court.law(NO_APPROVAL, "ada", subject=SCOPE))
    assert court.state.rules_of(SCOPE)[0].approval_tiers == ("high",)


def test_a_first_yes_to_an_emergency_goes_with_the_right_to_say_it(court: GovernorDriver) -> None:
    """Threat: the same with the first of two who call it an emergency."""
    court.law(FreezeSet(scope=SCOPE), "root", subject=SCOPE)
    action, _ = court.ask(ActionRequested.model_validate(dict(proposal())))
    yes = ApprovalGiven(action=action, is_emergency=True)
    court.tell(court.signed(yes, "ada"))
    court.law(RoleRevoked(principal="ada", role="approver", scope=SCOPE))

    assert court.tell(court.signed(yes, "ben")) == []
    court.law(RoleGranted(principal="ada", role="approver", scope=SCOPE), "ann")
    court.law(RoleGranted(principal="ada", role="approver", scope=SCOPE), "bea")

    assert verdict(court.tell(court.signed(yes, "ada"))).verdict == "approved"
    assert MODEL in court.state.registry.models


def test_keys_of_one_principal_are_bounded(court: GovernorDriver) -> None:
    """Threat: whoever has one key registers keys without end: each is kept, and signs ten thousand requests."""
    own = [registration(f"olga-{n}").model_copy(update={"principal": "olga"}) for n in range(MOST_KEYS)]
    said = [court.law(key, "olga") for key in own]

    assert said[:-1] == [[]] * (MOST_KEYS - 1)
    assert one(said[-1], EventRefused).reason == "too_many_keys"
