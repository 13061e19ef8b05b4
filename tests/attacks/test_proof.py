"""Against whoever holds the broker: what is changed, taken away, put in or made again is found by `audit verify`."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.attacks.proofs import records
from tests.support.broker_disk import delete_topic
from tests.support.proving import ProvenSystem

from homeostat.audit import keys
from homeostat.audit.kept import CheckpointUnreadable
from homeostat.codec import Output
from homeostat.events.logs import (
    AUDIT,
    GOVERNANCE,
    by_name,
)
from homeostat.services.auditor.chain import ChainBroken, CheckpointLost


def test_an_honest_log_has_no_findings(proven: ProvenSystem) -> None:
    """Logs, doors and snapshots are digested, verdicts and commands signed, and verify says so."""
    assert proven.findings(code=0) == []


# -- laundering -------------------------------------------------------------------------------


def launder(system: ProvenSystem) -> None:
    """Edit a record on disk, delete and make the audit log again."""
    log = records(system, GOVERNANCE)
    assert log[0] is not None
    log[0] = replace(log[0], value=(log[0].value or b"").replace(b"operator", b"0perator"))
    system.log.create(by_name(AUDIT))


def test_a_laundered_audit_log_is_refused_by_the_auditor(proven: ProvenSystem) -> None:
    """A new chain with the real key cannot be begun: the kept checkpoint is not of it."""
    launder(proven)

    with pytest.raises(CheckpointLost, match="audit begin"):
        proven.restart()


def test_a_laundered_audit_log_is_found(proven: ProvenSystem, tmp_path: Path) -> None:
    """By the auditor's own checkpoint; where that was removed too, by one that was kept elsewhere."""
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_bytes(proven.kept.read() or b"")
    launder(proven)
    before = proven.findings()
    Path(proven.kept.url).unlink()
    proven.restart()
    proven.prove()

    assert ("truncated", "checkpoint of") not in before
    assert "truncated" in {kind for kind, _ in before}
    assert {"forked", "truncated"} & {kind for kind, _ in proven.findings("--checkpoint", str(elsewhere))}


def test_an_audit_log_much_younger_than_what_it_proves_is_found(proven: ProvenSystem) -> None:
    """Also without any checkpoint: nobody knows what the records were before it began."""
    launder(proven)
    Path(proven.kept.url).unlink()
    proven.log.now += 3_600_000
    proven.restart()
    proven.prove()

    assert ("begun_anew", AUDIT) in proven.findings("--late", "2h")


def test_a_signed_word_lets_the_auditor_begin_anew(proven: ProvenSystem) -> None:
    """An admin's, in the audit log, for that incarnation and that checkpoint; verify names who and why."""
    proven.log.create(by_name(AUDIT))
    proven("audit", "begin", "--key", "operator", "--reason", "the disk of broker 2 was lost")

    proven.restart()
    proven.prove()

    assert proven.findings(code=0) == []
    assert "operator: the disk of broker 2 was lost (anew)" in proven.stderr


def test_a_word_begins_anew_behind_whatever_was_left(proven: ProvenSystem) -> None:
    """Also where a chain is broken, or where an auditor that did not know yet has written into the new log."""
    stray = records(proven, AUDIT)[-1]
    assert stray is not None
    proven.log.create(by_name(AUDIT))
    proven.log.append(Output(AUDIT, 0, stray.key or b"", stray.value, stray.headers))
    with pytest.raises(ChainBroken, match="audit begin"):
        proven.restart()
    proven("audit", "begin", "--key", "operator", "--reason", "explained")
    proven.restart()
    proven.prove()
    proven.restart()

    assert proven.findings(code=0) == []


def test_a_word_where_nothing_is_lost_begins_nothing_anew(proven: ProvenSystem) -> None:
    """It explains; the chain goes on."""
    size = proven.auditor.confirmed.index
    proven("audit", "begin", "--key", "operator", "--reason", "audited from March on")
    proven.register("team/more")
    proven.prove()
    proven.restart()

    assert proven.auditor.confirmed.index > size
    assert proven.findings(code=0) == []
    assert "audited from March on (late)" in proven.stderr


@pytest.mark.parametrize("who", ["stranger", "approver"])
def test_the_word_of_somebody_else_does_not(proven: ProvenSystem, who: str) -> None:
    """Nor of a key outside of the keyring, nor of one that is no admin's."""
    if who == "stranger":
        keys.create(proven.folder / "keys", who)
    else:
        proven("keys", "create", who, "--role", "approver", "--by", "operator")
    proven.log.create(by_name(AUDIT))
    proven("audit", "begin", "--key", who, "--reason", "because")

    with pytest.raises(CheckpointLost):
        proven.restart()


def test_a_word_for_another_incarnation_does_not(proven: ProvenSystem) -> None:
    """It is not copied into the next one."""
    proven("audit", "begin", "--key", "operator", "--reason", "of before")
    word = records(proven, AUDIT)[-1]
    assert word is not None
    proven.log.create(by_name(AUDIT))
    proven.log.append(Output(AUDIT, 0, word.key or b"", word.value, word.headers))

    with pytest.raises(CheckpointLost):
        proven.restart()


def test_a_kept_checkpoint_that_nobody_signed_stops_the_auditor(proven: ProvenSystem) -> None:
    """It cannot be made to fit the laundered log."""
    proven.kept.write((proven.kept.read() or b"").replace(b'"tree_size":', b'"tree_size":1'))

    with pytest.raises(CheckpointUnreadable):
        proven.restart()


# -- the audit log itself ---------------------------------------------------------------------


def test_an_audit_log_that_was_cut_is_found(proven: ProvenSystem) -> None:
    """Leaves and the checkpoints over them, off its end: the kept checkpoint is of more, and the auditor stops."""
    del records(proven, AUDIT)[3:]

    assert "truncated" in {kind for kind, _ in proven.findings()}
    with pytest.raises(CheckpointLost):
        proven.restart()


def test_a_dropped_leaf_is_found(proven: ProvenSystem) -> None:
    """One out of the middle."""
    del records(proven, AUDIT)[1]

    assert "missing" in {kind for kind, _ in proven.findings()}
    with pytest.raises(ChainBroken):
        proven.restart()


def test_leaves_that_nobody_has_signed_are_found(proven: ProvenSystem) -> None:
    """A chain of hashes without a signature is anybody's."""
    Path(proven.kept.url).unlink()
    audit = records(proven, AUDIT)
    audit[:] = [r for r in audit if r is not None and b"checkpoint" not in dict(r.headers)["ce_type"]]

    assert proven.findings("--late", "1d", code=0) == []  # they may yet be
    proven.log.now -= 300_000
    audit[:] = [replace(r, timestamp=r.timestamp - 300_000) for r in audit if r is not None]
    assert {kind for kind, _ in proven.findings()} == {"unsigned"}


def test_an_audit_log_that_was_deleted_is_found(proven: ProvenSystem) -> None:
    """Exit code 6, not a missing topic."""
    delete_topic(proven.log, AUDIT)

    assert ("vanished", AUDIT) in proven.findings()
