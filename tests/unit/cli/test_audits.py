"""`homeostat audit`: what was changed is named, and the exit code says so. The attacks are in tests/attacks."""

from pathlib import Path

import pytest
from tests.support.proving import ProvenSystem, proven_system

from homeostat.audit import keys
from homeostat.client.client import Client
from homeostat.events import KeyRevoked
from homeostat.events.logs import VERDICTS


@pytest.fixture
def proven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProvenSystem:
    """A system whose logs are digested and signed."""
    return proven_system(tmp_path, monkeypatch)


def test_untouched_logs_verify(proven: ProvenSystem) -> None:
    """Every record is confirmed, every leaf is signed; what came later is counted."""
    proven("publish", "signal.observed", "team/m", '{"layer": "edge", "name": "t", "value": 3}')

    (report,) = proven.json("audit", "verify")

    assert report["valid"]
    assert report["findings"] == []
    assert report["n_leaves"] == report["n_signed"] > 0
    assert report["n_records"] > 0
    assert report["n_new"] > 0
    assert "records hold" in proven("audit", "verify")


def test_somebody_elses_signature_is_none(proven: ProvenSystem) -> None:
    """A verifier brings the key it trusts, and no other one counts."""
    stranger = keys.create(proven.folder / "elsewhere", "notary")

    (report,) = proven.json("audit", "verify", "--public-key", stranger.public_key_hex, code=6)

    assert {found["kind"] for found in report["findings"]} >= {"unknown_key"}
    assert report["n_signed"] == 0
    proven("audit", "verify", "--public-key", "xyz", code=2)


def test_the_notarys_key_comes_from_the_keyring_where_no_folder_has_it(proven: ProvenSystem) -> None:
    """Whoever verifies from another machine needs the logs alone; without a key anywhere it is told how to get one."""
    (proven.folder / "keys" / "notary.pub").unlink()
    proven("audit", "verify", code=3)
    told = proven.stderr
    proven("keys", "register", "notary", "--role", "notary", "--by", "operator")
    proven.prove()

    assert "keys show notary" in told
    assert proven.findings(code=0) == []


def test_a_checkpoint_that_is_not_there_is_told(proven: ProvenSystem) -> None:
    """Exit code 3: nothing was verified against it."""
    proven("audit", "verify", "--checkpoint", str(proven.folder / "none.json"), code=3)

    assert "no checkpoint" in proven.stderr


def test_to_begin_anew_needs_a_reason(proven: ProvenSystem) -> None:
    """It stands in the audit log for good."""
    proven("audit", "begin", "--key", "operator", code=2)


@pytest.mark.parametrize("by", [(), ("--by", "operator")], ids=["by itself", "by an admin"])
def test_a_rotated_notary_goes_on_and_what_the_old_one_signed_still_counts(
    proven: ProvenSystem, by: tuple[str, ...]
) -> None:
    """The keyring learns of the new key; the governor signs with the old one until it is started again."""
    proven("keys", "register", "notary", "--role", "notary", "--by", "operator")
    proven("keys", "rotate", "notary", *by)
    told = proven.stderr
    proven.register("team/before")
    proven.propose("team/before", 2)
    proven.restart_services()
    proven.register("team/after")
    proven.propose("team/after", 3)
    proven.restart()
    proven.prove()
    for file in (proven.folder / "keys").glob("notary*.pub"):
        file.unlink()

    assert proven.findings(code=0) == []
    assert "restart the services" in told


def test_what_a_revoked_notary_says_afterwards_is_found(proven: ProvenSystem) -> None:
    """What it said before the governor read the revocation still holds."""
    proven("keys", "register", "notary", "--role", "notary", "--by", "operator")
    proven.prove()
    before = proven.findings(code=0)
    revoked = KeyRevoked(key=proven.notary.key_id, reason="stolen")
    operator = keys.load(proven.folder / "keys", "operator")
    with Client(source="/test", logs=proven.logs, key=operator) as client:
        client.request(revoked, "*")
    proven.register("team/later")
    proven.propose("team/later", 2)
    proven.prove()

    assert before == []
    assert ("unknown_key", VERDICTS) in proven.findings()
