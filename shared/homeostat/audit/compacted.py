"""Proofs of a compacted log: what compaction left is what was written, record by record."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from homeostat.audit.digest import digest_entries, entry_digest
from homeostat.audit.findings import Finding
from homeostat.audit.verify import VerifyReport
from homeostat.codec import Record
from homeostat.events import LogDigested


def verify_compacted(digested: Sequence[LogDigested], records: Sequence[Record]) -> VerifyReport:
    """Check what a partition of a compacted log still holds against the leaves that cover it.

    What is not there any more is nobody's fault: a newer copy has replaced it, or a tombstone has deleted it. That a
    whole copy is gone, the marker behind it shows, which counts and digests its states.

    Args:
        digested: Leaves of this partition and incarnation, of the chain that holds.
        records: As read, from the first to the last.
    """
    leaves = sorted(digested, key=lambda leaf: leaf.first)
    findings = [found for leaf in leaves for found in _check_leaf(leaf)]
    entries = {offset: digest for leaf in leaves for offset, digest in map(_split, leaf.entries or ())}
    firsts, newest = [leaf.first for leaf in leaves], _newest(leaves, records)
    n_records = 0
    for record in records:
        leaf, where = _leaf_of(leaves, firsts, record), f"{record.topic}[{record.partition}] {record.offset}"
        if leaf is None:
            if leaves and record.offset < leaves[-1].last:
                findings.append(Finding("undigested", where, "it lies before the first leaf, or between two"))
        elif record.value is None or newest[leaf.index, record.key] != record.offset:
            continue
        elif record.offset not in entries:
            findings.append(Finding("edited", where, f"leaf {leaf.index} does not know it"))
        elif entries[record.offset] != entry_digest(record):
            findings.append(Finding("edited", where, f"is not what leaf {leaf.index} proves"))
        else:
            n_records += 1
    present = {record.offset for record in records}
    n_gone = sum(offset not in present for offset in entries)
    return VerifyReport(tuple(findings), n_records=n_records, n_expired=n_gone)


def _check_leaf(leaf: LogDigested) -> Iterator[Finding]:
    if digest_entries(leaf.entries or ()) != leaf.digest:
        yield Finding("edited", f"leaf {leaf.index}", "its entries are not what its digest covers")


def _leaf_of(leaves: Sequence[LogDigested], firsts: Sequence[int], record: Record) -> LogDigested | None:
    """The leaf whose run a record lies in."""
    at = bisect_right(firsts, record.offset) - 1
    return leaves[at] if at >= 0 and record.offset <= leaves[at].last else None


def _newest(leaves: Sequence[LogDigested], records: Sequence[Record]) -> dict[tuple[int, bytes | None], int]:
    """Offset of the newest record of each leaf and key: earlier ones no leaf names."""
    firsts = [leaf.first for leaf in leaves]
    found: dict[tuple[int, bytes | None], int] = {}
    for record in records:
        if (leaf := _leaf_of(leaves, firsts, record)) is not None:
            found[leaf.index, record.key] = record.offset
    return found


def _split(entry: str) -> tuple[int, str]:
    offset, _, digest = entry.partition(":")
    return (int(offset) if offset.isdecimal() else -1), digest
