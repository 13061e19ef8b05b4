"""People's requests: signed, answered by the governor, and told apart by exit codes."""

import pytest
from tests.unit.cli.system import System
from tests.unit.cli.unreachable import away

from homeostat.audit import keys
from homeostat.events import FreezeSet


def test_the_first_key_is_the_root_and_others_need_an_admin(governed: System) -> None:
    """An unsigned second key is not even sent; with `--by` it is in the keyring."""
    governed("keys", "create", "ana", code=2)
    assert "--by" in governed.stderr

    governed("keys", "register", "ana", "--role", "approver", "--by", "operator")
    governed("keys", "register", "ana")

    assert "already" in governed.stderr
    assert {row["name"] for row in governed.json("keys", "show")} == {"operator", "ana"}


def test_a_key_is_made_even_without_a_broker(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is on disk, and the command says how to register it later."""
    monkeypatch.setattr(system.logs, "ranges", away)

    system("keys", "create", "ana")

    assert "keys register ana" in system.stderr
    assert (system.folder / "keys" / "ana.pem").exists()


def test_rotation_leaves_the_new_key_in_force_and_the_old_one_not(governed: System) -> None:
    """What the old key signs afterwards is denied."""
    old = (governed.folder / "keys" / "operator.pem").read_bytes()

    governed("keys", "rotate", "operator")

    governed("budget", "team", "10")
    path = governed.folder / "keys" / "old.pem"
    path.write_bytes(old)
    path.chmod(0o600)
    governed("budget", "team", "11", "--key", "old", code=4)
    assert "key_revoked" in governed.stderr


def test_a_key_outside_of_the_keyring_is_rotated_on_disk(governed: System) -> None:
    """The notary's is none of the keyring's: the services are to be started again."""
    old = keys.create(governed.folder / "keys", "notary")

    governed("keys", "rotate", "notary")

    assert "restart the services" in governed.stderr
    assert keys.load(governed.folder / "keys", "notary").key_id != old.key_id
    assert not governed.json("tail", "governance", "-t", "key.revoked")


def test_who_may_not_rotate_changes_nothing(governed: System) -> None:
    """Not even on disk."""
    governed("keys", "create", "ana", "--role", "operator", "--by", "operator")
    before = (governed.folder / "keys" / "ana.pem").read_bytes()

    governed("keys", "rotate", "ana", code=2)

    assert "--by NAME with the key of one of operator" in governed.stderr
    assert (governed.folder / "keys" / "ana.pem").read_bytes() == before
    governed("keys", "rotate", "ana", "--by", "operator")
    assert (governed.folder / "keys" / "ana.pem").read_bytes() != before


def test_what_nobody_signed_for_is_denied(governed: System) -> None:
    """A key outside of the keyring has no say; exit code 4 and the governor's reason."""
    keys.create(governed.folder / "keys", "stranger")

    governed("freeze", "team", "--key", "stranger", code=4)

    assert "key_unknown" in governed.stderr


def test_without_services_a_request_is_pending(governed: System) -> None:
    """Exit code 5, and the hint that nobody reads the door."""
    governed.logs.is_running = False

    governed("freeze", "team", "--timeout", "0", code=5)

    assert "intake has not taken it" in governed.stderr


def test_freeze_denies_and_unfreeze_lets_go(governed: System) -> None:
    """Why names the freeze while it lasts."""
    governed("freeze", "team", "-m", "holiday")
    (answer,) = governed.json("why", "team/m")
    assert answer["because"] == "its scope is frozen"

    governed("unfreeze", "team")

    (answer,) = governed.json("why", "team/m")
    assert answer["facts"]["freeze"] == "none"


def test_an_approval_moves_a_held_action(system: System) -> None:
    """Held for a person, approved by the ending of its id; a second approval is denied."""
    system("keys", "create", "operator")
    system.register(tier="high")
    action = system.propose()
    (answer,) = system.json("why", "team/m")
    assert "held" in answer["because"]

    assert "approved" in system("approve", action[-12:])

    assert system.json("tail", "policy.retrain")[0]["data"]["action"] == action
    system("approve", action, code=4)
    assert "action_unknown" in system.stderr


def test_a_denial_ends_a_held_action(system: System) -> None:
    """The verdict says so."""
    system("keys", "create", "operator")
    system.register(tier="high")
    action = system.propose()

    assert "denied" in system("deny", action)
    system("approve", "no-such-action", code=3)


def test_why_names_the_failing_rule_and_what_would_pass(governed: System) -> None:
    """A denied proposal: rule, value, limit, nearest."""
    governed("budget", "team", "0.5")

    governed.propose()

    (answer,) = governed.json("why", "team/m")
    assert "would pass at 0.5" in answer["facts"]["verdict 1"]
    assert answer["facts"]["budget"].startswith("0.5 per 24 h in team")


def test_revert_without_an_earlier_version_is_denied(governed: System) -> None:
    """The governor's reason reaches the shell."""
    governed("revert", "team/m", code=4)

    assert "nothing_to_revert" in governed.stderr


def test_an_unchanged_freeze_is_what_was_signed(governed: System) -> None:
    """The request on governance carries its signature, and is what was typed."""
    governed("freeze", "team", "-m", "why not")

    (seen,) = governed.json("tail", "governance", "-t", "freeze.set")

    assert FreezeSet.model_validate(seen["data"] | {"provenance": None}).reason == "why not"
    assert seen["data"]["provenance"]["key"] == governed.json("keys", "show")[0]["key"]
