"""How records, leaves and checkpoints of the audit log become bytes: what auditor and verifier share.

Everything is length-prefixed and begins with what it is, so that no two different things have the same
bytes. Raw published bytes are hashed, never something decoded and encoded again.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from homeostat.codec import Record

ORIGIN: Final = "homeostat.audit"
"""Default name of the audit log in its checkpoints; a deployment may have its own."""

GENESIS: Final = "0" * 64
"""`previous` of the first leaf."""

_COVERED: Final = ("content-type", "key-id", "signature")
"""Headers that are covered besides the `ce_` ones; others (`traceparent`) are derived or transport."""

_ENTRY_DIGITS: Final = 32
"""128 bits: nobody finds a second record with the digest of a given one."""

_ABSENT: Final = (2**64 - 1).to_bytes(8, "big")


class RunDigest:
    """sha256 over a run of records of one log partition, built up record by record.

    A record contributes its offset, its broker time (the clock of every fold), key, value, and its
    `ce_` headers, content type and signature, sorted by name; an absent key or value differs from an
    empty one.
    """

    def __init__(self) -> None:
        self._sha = hashlib.sha256(b"homeostat.run.v1\n")

    def update(self, record: Record) -> None:
        """Add the next record."""
        headers = sorted(
            (item for item in record.headers if item[0].startswith("ce_") or item[0] in _COVERED),
            key=lambda item: item[0],
        )
        parts = [record.offset.to_bytes(8, "big"), record.timestamp.to_bytes(8, "big", signed=True)]
        parts += [_prefixed(record.key), _prefixed(record.value), len(headers).to_bytes(8, "big")]
        for name, value in headers:
            parts += [_prefixed(name.encode()), _prefixed(value)]
        self._sha.update(_prefixed(b"".join(parts)))

    def hexdigest(self) -> str:
        """Digest of what was added so far."""
        return self._sha.hexdigest()


def digest_records(records: Sequence[Record]) -> str:
    """Digest a run of records of one log partition, in the order given."""
    digest = RunDigest()
    for record in records:
        digest.update(record)
    return digest.hexdigest()


class EntryDigests:
    """Digests of the records of a run of a compacted log, one by one.

    A record that another one of the run replaces, or a tombstone deletes, is left out: compaction takes it away.
    """

    def __init__(self) -> None:
        self._alive: dict[bytes | None, tuple[int, str]] = {}

    def __len__(self) -> int:
        return len(self._alive)

    def update(self, record: Record) -> None:
        """Add the next record."""
        self._alive.pop(record.key, None)
        if record.value is not None:
            self._alive[record.key] = (record.offset, entry_digest(record))

    def entries(self) -> tuple[str, ...]:
        """`offset:digest` of what is there at the end of the run, by offset."""
        return tuple(f"{offset}:{digest}" for offset, digest in sorted(self._alive.values()))


def entry_digest(record: Record) -> str:
    """Digest one record of a compacted log: the first 32 hex digits of that of a run of one."""
    return digest_records([record])[:_ENTRY_DIGITS]


def digest_entries(entries: Sequence[str]) -> str:
    """Digest the entries of a run of a compacted log."""
    return hashlib.sha256(b"homeostat.entries.v1\n" + b"".join(_prefixed(e.encode()) for e in entries)).hexdigest()


def leaf_hash(
    *,
    previous: str,
    index: int,
    log: str,
    topic_id: str,
    partition: int,
    first: int,
    last: int,
    digest: str,
    time: int | None = None,
) -> str:
    """Hash a leaf with the leaf before it: the chain. Leaves of before times were noted hash as they did.

    Args:
        previous: Hash of the leaf before; empty for the first.
        index: Of the leaf, >= 0.
        log: Topic that is digested.
        topic_id: Incarnation of it.
        partition: Of it.
        first: Offset of the first record.
        last: Offset of the last one.
        digest: Of the records, hex.
        time: Broker time of the last record, ms; None for a leaf of before times were noted.
    """
    fields = [previous, str(index), log, topic_id, str(partition), str(first), str(last), digest]
    if time is not None:
        fields.append(str(time))
    kind = b"homeostat.leaf.v1\n" if time is None else b"homeostat.leaf.v2\n"
    return hashlib.sha256(kind + b"".join(_prefixed(field.encode()) for field in fields)).hexdigest()


def checkpoint_bytes(origin: str, tree_size: int, root_hash: str) -> bytes:
    """Lay out what a checkpoint's signature covers: three lines, as in C2SP tlog-checkpoint.

    Args:
        origin: Name of the log.
        tree_size: Leaves, >= 0.
        root_hash: Hash of the last one, hex.
    """
    return f"{origin}\n{tree_size}\n{root_hash}\n".encode()


def _prefixed(value: bytes | None) -> bytes:
    return _ABSENT if value is None else len(value).to_bytes(8, "big") + value
