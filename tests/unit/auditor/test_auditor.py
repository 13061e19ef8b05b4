"""The auditor covers every record once, and signs only what the audit log holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.auditor.world import AuditLog, record

from homeostat.audit import verify_chain, verify_log
from homeostat.audit.keys import Key
from homeostat.codec import Record
from homeostat.events import CheckpointSigned
from homeostat.services.auditor.auditor import CHECKPOINT_MS, MAX_AGE_MS, MAX_RECORDS, Auditor
from homeostat.services.auditor.chain import Chain, ChainBroken, Place, resume

PLACE = Place("homeostat.governance", "T", 0)


def pump(auditor: Auditor, log: AuditLog, now: int) -> None:
    """Flush, write, and read back."""
    for written in log.write(auditor.flush(now)):
        auditor.observe(written)


def test_a_full_run_is_a_leaf_at_once(key: Key, audit_log: AuditLog) -> None:
    """Without waiting for its age."""
    auditor = Auditor(Chain(), key)
    for offset in range(2 * MAX_RECORDS + 1):
        auditor.observe(record(offset))

    pump(auditor, audit_log, 0)

    assert [(leaf.first, leaf.last) for leaf in audit_log.leaves] == [(0, 499), (500, 999)]


def test_a_record_waits_no_longer_than_the_limit(key: Key, audit_log: AuditLog) -> None:
    """The age counts from the first flush that saw the run."""
    auditor = Auditor(Chain(), key)
    auditor.observe(record(0))

    early = auditor.flush(100), auditor.flush(100 + MAX_AGE_MS - 1)
    pump(auditor, audit_log, 100 + MAX_AGE_MS)

    assert early == ([], [])
    assert [(leaf.first, leaf.last) for leaf in audit_log.leaves] == [(0, 0)]


def test_a_redelivered_record_is_covered_once(key: Key, audit_log: AuditLog) -> None:
    """Offsets that were seen are ignored."""
    auditor = Auditor(Chain(), key)
    for offset in (0, 1, 0, 1, 2):
        auditor.observe(record(offset))

    pump(auditor, audit_log, 0)
    pump(auditor, audit_log, MAX_AGE_MS)

    assert verify_log(audit_log.leaves, [record(offset) for offset in range(3)]).n_records == 3


def test_a_gap_ends_the_run(key: Key, audit_log: AuditLog) -> None:
    """No leaf claims records that were not seen."""
    auditor = Auditor(Chain(), key)
    for offset in (0, 1, 5):
        auditor.observe(record(offset))

    pump(auditor, audit_log, 0)
    pump(auditor, audit_log, MAX_AGE_MS)

    assert [(leaf.first, leaf.last) for leaf in audit_log.leaves] == [(0, 1), (5, 5)]


def test_a_checkpoint_waits_for_the_audit_log(key: Key, audit_log: AuditLog) -> None:
    """Leaves that were not read back are not signed."""
    auditor = Auditor(Chain(), key)
    for offset in range(MAX_RECORDS):
        auditor.observe(record(offset))

    leaves = auditor.flush(CHECKPOINT_MS)
    unread = auditor.flush(2 * CHECKPOINT_MS)
    for written in audit_log.write(leaves):
        auditor.observe(written)
    signed = auditor.flush(2 * CHECKPOINT_MS)

    assert unread == []
    assert [type(payload) for payload in signed] == [CheckpointSigned]


def test_nothing_new_is_not_signed_again(key: Key, audit_log: AuditLog) -> None:
    """An idle system writes no checkpoints."""
    auditor = Auditor(Chain(), key)
    auditor.observe(record(0))
    for now in range(0, 10 * CHECKPOINT_MS, 1_000):
        pump(auditor, audit_log, now)

    assert len(audit_log.checkpoints) == 1


events = st.lists(st.tuples(st.sampled_from(["record", "flush", "crash"]), st.integers(0, 2)), min_size=1, max_size=60)


@given(events)
def test_crashes_anywhere_leave_one_chain_over_everything(happenings: list[tuple[str, int]]) -> None:
    """An auditor that is killed and resumed covers each record once, in a chain that verifies."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    key = Key("auditor", "k", private.public_key().public_bytes_raw().hex(), private)
    log, logs, now = AuditLog(), {partition: list[Record]() for partition in range(3)}, 0
    auditor = Auditor(resume([]), key)

    def read_on() -> None:
        for partition, records in logs.items():
            for one in records[auditor.position(Place("homeostat.governance", "T", partition)) or 0 :]:
                auditor.observe(one)

    for what, partition in [*happenings, ("flush", 0), ("flush", 0), ("flush", 0)]:
        if what == "record":
            logs[partition].append(record(len(logs[partition]), partition=partition))
        elif what == "crash":
            auditor = Auditor(resume(log.records), key)
        else:
            now += MAX_AGE_MS
            read_on()
            pump(auditor, log, now)

    report = verify_chain(log.leaves, log.checkpoints, {"k": key.public_key_hex})
    assert report.is_valid
    assert sum(verify_log(log.leaves, records).n_records for records in logs.values() if records) == sum(
        map(len, logs.values())
    )


def test_the_resumed_chain_is_the_chain(key: Key, audit_log: AuditLog) -> None:
    """Index, head and offsets come back from the audit log alone."""
    auditor = Auditor(Chain(), key)
    for offset in range(MAX_RECORDS + 3):
        auditor.observe(record(offset))
    pump(auditor, audit_log, 0)
    pump(auditor, audit_log, MAX_AGE_MS)

    assert resume(audit_log.records) == auditor.confirmed
    assert Auditor(resume(audit_log.records), key).position(PLACE) == MAX_RECORDS + 3


def test_two_auditors_never_sign_two_histories(key: Key, audit_log: AuditLog) -> None:
    """The one whose leaf comes second stops; resumed, it goes on behind the other."""
    one, two = Auditor(Chain(), key), Auditor(Chain(), key)
    for offset in range(MAX_RECORDS):
        one.observe(record(offset))
        two.observe(record(offset, partition=1))
    audit_log.write(one.flush(0))
    audit_log.write(two.flush(0))
    two.observe(record(MAX_RECORDS, partition=1))
    two.flush(1)
    audit_log.write(two.flush(1 + MAX_AGE_MS))

    with pytest.raises(ChainBroken, match="another auditor"):
        two.observe(audit_log.records[0])

    chain = resume(audit_log.records)
    assert (chain.index, dict(chain.next_offsets)) == (1, {PLACE: MAX_RECORDS})
    assert verify_chain(audit_log.leaves, [], {}).is_valid


@pytest.mark.parametrize("gone", [0, 1])
def test_an_audit_log_that_was_cut_is_not_continued(key: Key, audit_log: AuditLog, gone: int) -> None:
    """Without its first leaf, or without one that a checkpoint signs, nothing more is signed."""
    auditor = Auditor(Chain(), key)
    for offset in range(2 * MAX_RECORDS):
        auditor.observe(record(offset))
    pump(auditor, audit_log, 0)
    pump(auditor, audit_log, CHECKPOINT_MS)

    with pytest.raises(ChainBroken):
        resume([*audit_log.records[:gone], *audit_log.records[gone + 1 :]])
