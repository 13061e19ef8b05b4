"""Snapshots are proven record by record, whatever compaction takes away."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.auditor.world import AuditLog

from homeostat.audit.compacted import verify_compacted
from homeostat.audit.keys import Key
from homeostat.audit.verify import verify_chain
from homeostat.codec import Record
from homeostat.events import LogDigested
from homeostat.services.auditor.auditor import MAX_AGE_MS, SNAPSHOT_AGE_MS, SNAPSHOT_RECORDS, Auditor
from homeostat.services.auditor.chain import Chain

TOPIC = "homeostat.snapshots.governor"


def state(offset: int, key: str, value: bytes | None = b"v") -> Record:
    """One record of a snapshot partition."""
    return Record(TOPIC, "T", 0, offset, 1_000 + offset, key.encode(), value and value + str(offset).encode(), [])


def compacted(records: list[Record], upto: int) -> list[Record]:
    """What compaction of everything below an offset leaves."""
    newest = {record.key: record.offset for record in records if record.offset < upto}
    return [r for r in records if r.offset >= upto or (r.value is not None and newest[r.key] == r.offset)]


def proven(key: Key, records: list[Record], at: tuple[int, ...] = ()) -> list[LogDigested]:
    """Leaves over these records; a new one begins at each of these offsets."""
    auditor, log, now = Auditor(Chain(), key), AuditLog(), 0
    for record in records:
        if record.offset in at:
            now += SNAPSHOT_AGE_MS
            auditor.flush(now - SNAPSHOT_AGE_MS)
            for written in log.write(auditor.flush(now)):
                auditor.observe(written)
        auditor.observe(record)
    auditor.flush(now)
    for written in log.write(auditor.flush(now + SNAPSHOT_AGE_MS)):
        auditor.observe(written)
    return log.leaves


keys = st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), min_size=1, max_size=40)


@given(keys, st.sets(st.integers(1, 39), max_size=3), st.integers(0, 40))
def test_what_compaction_leaves_holds(said: list[tuple[str, bool]], at: set[int], upto: int) -> None:
    """Whatever was written, wherever leaves begin, whatever is gone; and the chain is one."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    key = Key("auditor", "k", private.public_key().public_bytes_raw().hex(), private)
    records = [state(offset, name, b"v" if is_there else None) for offset, (name, is_there) in enumerate(said)]

    leaves = proven(key, records, tuple(at))

    assert verify_chain(leaves, [], {}).findings == ()
    for left in (records, compacted(records, upto)):
        assert verify_compacted(leaves, left).findings == ()


@pytest.mark.parametrize("upto", [0, 6])
@pytest.mark.parametrize(
    "attack",
    [
        lambda r: replace(r, value=b"other"),
        lambda r: replace(r, key=b"other"),
        lambda r: replace(r, timestamp=r.timestamp + 1),
    ],
    ids=["value", "key", "time"],
)
def test_an_edited_copy_is_named(key: Key, attack: object, upto: int) -> None:
    """Before compaction and after it."""
    records = [state(offset, f"k{offset}") for offset in range(6)]
    leaves = proven(key, records)
    left = compacted(records, upto)
    assert callable(attack)
    left[2] = attack(left[2])

    assert [(f.kind, f.where) for f in verify_compacted(leaves, left).findings] == [("edited", f"{TOPIC}[0] 2")]


def test_a_copy_that_was_put_in_where_another_had_been_is_named(key: Key) -> None:
    """At an offset that compaction has emptied."""
    records = [state(0, "a"), state(1, "a"), state(2, "b")]
    leaves = proven(key, records)

    report = verify_compacted(leaves, [state(0, "evil"), *records[1:]])

    assert [(f.kind, f.where) for f in report.findings] == [("edited", f"{TOPIC}[0] 0")]


def test_entries_that_were_changed_are_named(key: Key) -> None:
    """The digest of a leaf covers them."""
    (leaf,) = proven(key, [state(0, "a")])
    changed = leaf.model_copy(update={"entries": ("0:" + "0" * 32,)})

    assert verify_compacted([changed], []).findings[0].where == "leaf 0"


def test_a_leaf_of_snapshots_waits_longer_and_names_only_what_is_left(key: Key) -> None:
    """A state that is stored every two seconds is named twice a minute."""
    auditor = Auditor(Chain(), key)
    for offset in range(10):
        auditor.observe(state(2 * offset, "k"))  # gaps, as compaction makes them, end no run
    early = [*auditor.flush(0), *auditor.flush(MAX_AGE_MS)]
    (leaf,) = auditor.flush(SNAPSHOT_AGE_MS)

    assert early == []
    assert isinstance(leaf, LogDigested)
    assert leaf.entries is not None
    assert ([entry.partition(":")[0] for entry in leaf.entries], leaf.first, leaf.last) == (["18"], 0, 18)


def test_a_leaf_is_full_before_it_is_too_large(key: Key) -> None:
    """Of so many states that a record of it would not fit into the audit log."""
    auditor = Auditor(Chain(), key)
    for offset in range(SNAPSHOT_RECORDS + 1):
        auditor.observe(state(offset, f"k{offset}"))

    (leaf,) = auditor.flush(0)

    assert len(leaf.model_dump_json()) < 250_000
