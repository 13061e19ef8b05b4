"""Check the proofs without trusting who made them: needs the audit records, a keyring, and the logs.

What a chain of hashes cannot show: that leaves *and* the checkpoints over them were cut off its end. Give
`verify_chain` a checkpoint that was kept elsewhere (exported, witnessed) among the others, and it can.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from homeostat.audit.digest import GENESIS, ORIGIN, checkpoint_bytes, digest_records
from homeostat.audit.findings import Finding
from homeostat.audit.leaves import Succession
from homeostat.audit.signing import verify
from homeostat.codec import Record
from homeostat.events import CheckpointSigned, LogDigested
from homeostat.events.logs import DOORS, SNAPSHOTS

_SEQUENCE: Final = "ce_sequence"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a verification found.

    Args:
        findings: In the order of the log; empty if everything holds.
        n_leaves: Leaves that hold, in one unbroken chain from the first.
        n_signed: Leaves below the newest checkpoint that holds.
        n_records: Records whose digest was confirmed.
        n_expired: Records that a leaf covers and that retention has removed.
    """

    findings: tuple[Finding, ...]
    n_leaves: int = 0
    n_signed: int = 0
    n_records: int = 0
    n_expired: int = 0

    @property
    def is_valid(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def verify_chain(
    digested: Sequence[LogDigested],
    checkpoints: Sequence[CheckpointSigned],
    keyring: Mapping[str, str],
    *,
    origin: str = ORIGIN,
) -> VerifyReport:
    """Check that the leaves are one unbroken chain and that the checkpoints sign it.

    Args:
        digested: All leaves as they lie in the audit log. Repeats and unsigned side branches (of an
            auditor that had been replaced) are passed over.
        checkpoints: As they lie there, and any that were kept elsewhere.
        keyring: Public key in hex by key id, of the keys that may sign checkpoints.
        origin: Name of the audit log.
    """
    chain: list[LogDigested] = []
    findings = list(_walk(digested, chain))
    is_broken = any(finding.kind in ("edited", "missing", "reordered") for finding in findings)
    n_signed = 0
    for checkpoint in checkpoints:
        found = list(_check(checkpoint, chain, keyring, origin, is_broken=is_broken))
        findings += found
        if not found and checkpoint.tree_size <= len(chain):
            n_signed = max(n_signed, checkpoint.tree_size)
    return VerifyReport(tuple(findings), n_leaves=len(chain), n_signed=n_signed)


def _walk(digested: Sequence[LogDigested], chain: list[LogDigested]) -> Iterator[Finding]:
    """Append to `chain` what extends it, up to the first break, and say what is wrong."""
    succession = Succession()
    next_offsets: dict[tuple[str, str, int], int] = {}
    for place, leaf in enumerate(digested):
        where, size = f"leaf {leaf.index}", succession.size
        standing = succession.take(leaf)
        if standing == "next":
            yield from _cover(leaf, next_offsets)
            chain.append(leaf)
        elif standing == "passed":
            continue
        else:
            if standing == "edited":
                yield Finding("edited", where, "its content is not what was hashed")
            elif standing == "detached":
                yield Finding("edited", f"leaf {leaf.index - 1}", f"leaf {leaf.index} was hashed over another one")
            elif size in [other.index for other in digested[place + 1 :]]:
                yield Finding("reordered", where, f"stands where leaf {size} belongs")
            else:
                yield Finding("missing", f"leaf {size}", f"leaf {leaf.index} stands in its place")
            return


def _cover(leaf: LogDigested, next_offsets: dict[tuple[str, str, int], int]) -> Iterator[Finding]:
    """Note which records a leaf covers; each belongs to exactly one leaf."""
    key, log = (leaf.log, leaf.topic_id, leaf.partition), f"{leaf.log}[{leaf.partition}]"
    expected = next_offsets.get(key, leaf.first)
    if leaf.first > expected and not _has_gaps(leaf.log):  # `verify_log` and `verify_compacted` look there
        yield Finding("undigested", f"{log} {expected}..{leaf.first - 1}", f"leaf {leaf.index} begins after them")
    elif leaf.first < expected or leaf.last < leaf.first:
        yield Finding("forked", f"leaf {leaf.index}", f"{log} {leaf.first}..{leaf.last} was digested before")
    next_offsets[key] = max(expected, leaf.last + 1)


def signature_of(checkpoint: CheckpointSigned, keyring: Mapping[str, str], origin: str = ORIGIN) -> bool:
    """Whether a checkpoint of an audit log is signed by a key of the keyring (public key in hex by id).

    Args:
        checkpoint: To be looked at.
        keyring: Public keys in hex by id.
        origin: Of the log that it must be about.
    """
    public = keyring.get(checkpoint.key)
    signed = checkpoint_bytes(checkpoint.origin, checkpoint.tree_size, checkpoint.root_hash)
    return checkpoint.origin == origin and public is not None and verify(public, checkpoint.signature, signed)


def _has_gaps(log: str) -> bool:
    """Whether offsets may hold nothing: of a door where producers use transactions, of snapshots by compaction."""
    return log in DOORS or log.startswith(SNAPSHOTS)


def _check(
    checkpoint: CheckpointSigned,
    chain: Sequence[LogDigested],
    keyring: Mapping[str, str],
    origin: str,
    *,
    is_broken: bool,
) -> Iterator[Finding]:
    size = checkpoint.tree_size
    where = f"checkpoint of {size} leaves"
    if checkpoint.key not in keyring:
        yield Finding("unknown_key", where, f"signed by {checkpoint.key!r}, which is not in the keyring")
    elif not signature_of(checkpoint, keyring, origin):
        yield Finding("unsigned", where, f"not a signature of {origin!r} by {checkpoint.key!r}")
    elif size > len(chain):
        if not is_broken:  # else the break is the finding
            yield Finding("truncated", where, f"only {len(chain)} leaves are there")
    elif checkpoint.root_hash != (chain[size - 1].leaf if size else GENESIS):
        yield Finding("forked", where, f"it signs another history: its root is not leaf {size - 1}")


def verify_log(digested: Sequence[LogDigested], records: Sequence[Record], *, low: int = 0) -> VerifyReport:
    """Check the records of one log partition against the leaves that cover it.

    Call it with leaves that `verify_chain` has confirmed. A digest covers a run, so an edited record is
    named by its run; where the records' own sequence shows it, by itself.

    Args:
        digested: Leaves; those of other partitions and incarnations are ignored.
        records: One partition of one incarnation of a log, as read, from `low` to its end.
        low: First offset that retention has left; what lies below is expired, not missing.
    """
    if not records:
        runs = sorted(digested, key=lambda leaf: leaf.first)
        if len({(leaf.log, leaf.topic_id, leaf.partition) for leaf in runs}) > 1:
            raise ValueError("without records, give the leaves of one partition only: which one is meant?")
    else:
        place = (records[0].topic, records[0].topic_id, records[0].partition)
        runs = sorted(
            (leaf for leaf in digested if (leaf.log, leaf.topic_id, leaf.partition) == place),
            key=lambda leaf: leaf.first,
        )
    findings = list(_order(records))
    by_offset = {record.offset: record for record in records}
    end = max(by_offset, default=low - 1)
    n_records = n_expired = 0
    for leaf in runs:
        n_expired += max(0, min(low, leaf.last + 1) - leaf.first)
        if leaf.first < low:
            continue  # a run that is partly gone can no longer be hashed
        run = [by_offset[offset] for offset in range(leaf.first, leaf.last + 1) if offset in by_offset]
        found = list(_compare(leaf, run, end))
        findings += found
        n_records += 0 if found else len(run)
    findings += _between(runs, by_offset)
    return VerifyReport(tuple(findings), n_records=n_records, n_expired=n_expired)


def _between(runs: Sequence[LogDigested], by_offset: Mapping[int, Record]) -> Iterator[Finding]:
    """Records that lie before the first leaf, or, of a door, between two; and in none."""
    if runs and (first := [offset for offset in by_offset if offset < runs[0].first]):
        where = f"{runs[0].log}[{runs[0].partition}] {min(first)}..{max(first)}"
        yield Finding("undigested", where, f"leaf {runs[0].index} begins after them")
    for before, after in pairwise(runs):
        there = [offset for offset in range(before.last + 1, after.first) if offset in by_offset]
        if there and before.log in DOORS:
            where = f"{before.log}[{before.partition}] {there[0]}..{there[-1]}"
            yield Finding("undigested", where, f"leaf {after.index} begins after them")


def _order(records: Sequence[Record]) -> Iterator[Finding]:
    for before, after in pairwise(records):
        if after.offset <= before.offset:
            where = f"{after.topic}[{after.partition}] {after.offset}"
            yield Finding("reordered", where, f"stands behind offset {before.offset}")


def _compare(leaf: LogDigested, run: Sequence[Record], end: int) -> Iterator[Finding]:
    log = f"{leaf.log}[{leaf.partition}]"
    if leaf.last > end:
        yield Finding("truncated", f"{log} {max(leaf.first, end + 1)}..{leaf.last}", "the log ends before them")
    offsets = {record.offset for record in run}
    for offset in range(leaf.first, min(leaf.last, end) + 1):
        if offset not in offsets:
            yield Finding("missing", f"{log} {offset}", "was there when the log was digested")
    if len(run) == leaf.last - leaf.first + 1 and digest_records(run) != leaf.digest:
        swapped = _out_of_sequence(run)
        if swapped is None:
            yield Finding("edited", f"{log} {leaf.first}..{leaf.last}", "a record is not what was digested")
        else:
            yield Finding("reordered", f"{log} {swapped}", "its sequence is below that of the record before it")


def _out_of_sequence(run: Sequence[Record]) -> int | None:
    """Offset of the first record that its own source wrote before another that precedes it here."""
    highest: dict[bytes, bytes] = {}
    for record in run:
        headers = dict(record.headers)
        source, sequence = headers.get("ce_source", b""), headers.get(_SEQUENCE, b"")
        if sequence and sequence < highest.get(source, b""):
            return record.offset
        highest[source] = max(sequence, highest.get(source, b""))
    return None
