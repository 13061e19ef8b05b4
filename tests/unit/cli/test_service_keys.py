"""`homeostat keys services`: each hand has its own key, and the keyring knows them all."""

import pytest
from tests.unit.cli.system import System

from homeostat.audit.roles import SERVICE_ROLES

HANDS = [name for name in SERVICE_ROLES if name != "notary"]


def private(system: System) -> set[str]:
    """Names of the private keys of this machine."""
    return {path.stem for path in (system.folder / "keys").glob("*.pem")}


@pytest.mark.parametrize("hand", HANDS)
def test_a_hand_gets_its_own_key_and_nobody_elses(system: System, hand: str) -> None:
    """Where it runs no other key is made; the same again changes nothing."""
    first = system("keys", "services", hand)

    assert private(system) == {hand}
    assert system("keys", "services", hand) == first


def test_public_halves_are_enough_to_register(governed: System) -> None:
    """The admin has no private key of a hand; its role is the hand's; the same again registers nothing."""
    made = governed.folder / "elsewhere"
    for hand in HANDS:
        governed("keys", "services", hand, "--data-dir", str(made))
        (made / "keys" / f"{hand}.pub").rename(governed.folder / "keys" / f"{hand}.pub")

    governed("keys", "services", "--no-create", "--by", "operator")
    said = governed.stderr.count("sent as")
    governed("keys", "services", "--no-create", "--by", "operator")

    assert private(governed) == {"operator"}
    assert (said, governed.stderr.count("sent as")) == (len(SERVICE_ROLES), 0)
    roles = {line["principal"]: line["roles"] for line in governed.json("roles", "show")}
    assert {hand: f"hand:{hand}@*" in str(roles[hand]) for hand in HANDS} == dict.fromkeys(HANDS, True)


def test_a_name_that_signs_nothing_is_refused(system: System) -> None:
    """Before any key is made; the names that there are are said."""
    system("keys", "services", "rollout-actuator", code=2)

    assert "rollout_actuator" in system.stderr
    assert private(system) == set()


def test_who_signs_with_other_keys_is_named_when_one_is_revoked(governed: System) -> None:
    """A thief of a key may have registered one of the own under the same name: it is said at once."""
    governed("keys", "services", "--by", "operator")
    governed("keys", "create", "olga", "--by", "operator")
    old = governed.json("keys", "show", "maml_trainer")[0]["key"]
    governed("keys", "rotate", "maml_trainer")
    new = governed.json("keys", "show", "maml_trainer")[0]["key"]

    governed("keys", "revoke", "olga")
    alone = governed.stderr
    governed("keys", "revoke", old)

    assert "signs with" not in alone
    assert f"maml_trainer signs with {new} too" in governed.stderr
