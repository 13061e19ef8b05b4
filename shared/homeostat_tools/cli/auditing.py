"""All logs checked against the audit log."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from homeostat.audit.ages import begun_late, deleted_early, undigested, unsigned
from homeostat.audit.authority import Authority
from homeostat.audit.compacted import verify_compacted
from homeostat.audit.findings import Finding
from homeostat.audit.kept import in_force, is_abandoned, words
from homeostat.audit.keyring import Keyring, Registered, public_of
from homeostat.audit.leaves import Succession
from homeostat.audit.verify import VerifyReport, verify_chain, verify_log
from homeostat.client.logs import Logs
from homeostat.codec import Record
from homeostat.core import Payload, Reject
from homeostat.events import CheckpointSigned, LogDigested
from homeostat.events.logs import AUDIT, LOGS, SNAPSHOTS
from homeostat.runtime.kafka_errors import TopicMissing
from homeostat_tools.cli.rendering import event_of
from homeostat_tools.local_stack.services import inputs

_AuditPlace = tuple[str, str, int]
"""Log, incarnation, partition."""

_KEEPS: Final = {log.name: log.retention_ms for log in LOGS}
"""Retention of each log, ms."""


@dataclass(frozen=True, slots=True)
class Audited:
    """Outcome of a verification.

    Args:
        findings: What is wrong; empty if everything holds.
        n_leaves: Leaves in one unbroken chain from the first.
        n_signed: Of them, below the newest checkpoint that holds.
        n_records: Records that are what was digested.
        n_expired: Records that were digested and that retention or compaction has removed.
        n_new: Records that no leaf covers yet.
        begun: Who let the audit log begin anew, when it did, and why.
    """

    findings: tuple[Finding, ...]
    n_leaves: int = 0
    n_signed: int = 0
    n_records: int = 0
    n_expired: int = 0
    n_new: int = 0
    begun: tuple[str, ...] = ()


def chain_of(
    logs: Logs, notaries: Mapping[str, Registered], keyring: Keyring, kept: Sequence[CheckpointSigned]
) -> VerifyReport:
    """Verify the chain alone, as far as it counts; `audit` has the arguments."""
    records = list(logs.read([AUDIT]))
    said = words(records, logs.topic_id(AUDIT), lambda: keyring)
    written = [data for _, data in _payloads(in_force(records, said))]
    checkpoints = [data for data in written if isinstance(data, CheckpointSigned)]
    checkpoints += [one for one in kept if not is_abandoned(one, said)]
    return verify_chain([data for data in written if isinstance(data, LogDigested)], checkpoints, public_of(notaries))


@dataclass(slots=True)
class _Counts:
    n_records: int = 0
    n_expired: int = 0
    n_new: int = 0
    oldest: int | None = None
    findings: list[Finding] = field(default_factory=list)


def audit(
    logs: Logs,
    notaries: Mapping[str, Registered],
    keyring: Keyring,
    refused: Collection[int],
    *,
    kept: Sequence[CheckpointSigned] = (),
    now: int,
    late_ms: int,
) -> Audited:
    """Verify the chain, then every partition of every log against the part of it that holds, then who wrote it.

    Args:
        logs: Where from; the audit log is read first, so what is written meanwhile is new, not missing.
        notaries: Keys that may sign checkpoints, verdicts and commands.
        keyring: Of people.
        refused: Offsets of governance that the governor refused.
        kept: Checkpoints that were kept outside of the broker.
        now: The time, ms.
        late_ms: A record or leaf that has waited longer for its proof is a finding.
    """
    present = set(logs.topics())
    records = list(logs.read([AUDIT])) if AUDIT in present else []
    said = words(records, logs.topic_id(AUDIT), lambda: keyring) if AUDIT in present else []
    written = [*_payloads(in_force(records, said))]
    checkpoints = [data for _, data in written if isinstance(data, CheckpointSigned)]
    checkpoints += [one for one in kept if not is_abandoned(one, said)]
    digested = [data for _, data in written if isinstance(data, LogDigested)]
    chain = verify_chain(digested, checkpoints, public_of(notaries))
    standing, before = [*_standing(written)], now - late_ms
    leaves: dict[_AuditPlace, list[LogDigested]] = {}
    for _, leaf in standing:
        leaves.setdefault((leaf.log, leaf.topic_id, leaf.partition), []).append(leaf)
    counts = _Counts(
        findings=[
            *_absent(present),
            *chain.findings,
            *_revoked(written, notaries),
            *unsigned(standing, chain.n_signed, before),
        ]
    )
    folds = inputs()
    authority = Authority(notaries, keyring, refused, folds)
    names = [log.name for log in LOGS if log.name != AUDIT and log.name in present]
    if any(leaf.log.startswith(SNAPSHOTS) for _, leaf in standing):  # by an auditor that digests them
        names += [name for name in (SNAPSHOTS + fold for fold in folds) if _is_there(logs, name)]
    for (log, partition), (low, _) in logs.ranges(names).items():
        own = leaves.pop((log, logs.topic_id(log), partition), [])
        there = list(logs.read([log], partition=partition))
        authority.see(there)
        _check(counts, (log, partition), own, there, low, now, before)
    for (log, topic_id, partition), own in sorted(leaves.items()):
        counts.findings += _vanished(log, topic_id, partition, own, now)
    read = sorted(set(folds.values()) & present)
    ends = {(log, logs.topic_id(log), p): end for (log, p), (_, end) in logs.ranges(read).items()}
    counts.findings += authority.findings(ends)
    if standing and counts.oldest is not None and not said:
        counts.findings += begun_late(standing[0][0], counts.oldest)
    begun = tuple(
        f"{word.principal}: {word.said.reason} (" + ("anew" if word.said.is_anew else "late") + ")" for word in said
    )
    return Audited(
        tuple(counts.findings),
        chain.n_leaves,
        chain.n_signed,
        counts.n_records,
        counts.n_expired,
        counts.n_new,
        begun,
    )


def _check(
    counts: _Counts,
    place: tuple[str, int],
    leaves: Sequence[LogDigested],
    records: Sequence[Record],
    low: int,
    now: int,
    before: int,
) -> None:
    """Check one partition of a log that is there."""
    log, partition = place
    is_compacted, keeps = log.startswith(SNAPSHOTS), _KEEPS.get(log, -1)
    report = verify_compacted(leaves, records) if is_compacted else verify_log(leaves, records, low=low)
    end = max((leaf.last for leaf in leaves), default=-1)
    counts.findings += report.findings
    counts.findings += undigested(log, partition, records, end, before)
    counts.n_records, counts.n_expired = counts.n_records + report.n_records, counts.n_expired + report.n_expired
    counts.n_new += sum(record.offset > end for record in records)
    if is_compacted:
        return
    counts.findings += deleted_early(log, partition, leaves, low, keeps, now)
    if keeps < 0 and records and records[0].timestamp >= 0:
        first = records[0].timestamp
        counts.oldest = first if counts.oldest is None else min(counts.oldest, first)


def _revoked(written: Sequence[tuple[int, Payload]], notaries: Mapping[str, Registered]) -> Iterator[Finding]:
    """Checkpoints that were signed with a key after it was revoked."""
    for time, data in written:
        key = notaries.get(data.key) if isinstance(data, CheckpointSigned) else None
        if isinstance(data, CheckpointSigned) and key is not None and key.until_ms is not None and time > key.until_ms:
            yield Finding("unknown_key", f"checkpoint of {data.tree_size} leaves", "signed after its key was revoked")


def _is_there(logs: Logs, topic: str) -> bool:
    try:
        return logs.n_partitions(topic) > 0
    except TopicMissing:
        return False  # if it was digested, its leaves are left over, and say so


def _absent(present: Collection[str]) -> Iterator[Finding]:
    """Topics of the catalogue that are not there at all."""
    for log in LOGS:
        if log.name not in present:
            yield Finding("vanished", log.name, "there is no such topic: it was deleted")


def _vanished(log: str, topic_id: str, partition: int, leaves: Sequence[LogDigested], now: int) -> Iterator[Finding]:
    """An incarnation that was digested and is not there; not one of which retention would have left nothing."""
    keeps, newest = _KEEPS.get(log, -1), max(leaf.time or now for leaf in leaves)
    if keeps < 0 or newest + keeps > now:
        n = sum(leaf.last - leaf.first + 1 for leaf in leaves)
        detail = f"{n} records were digested and their topic ({topic_id}) is gone: it was deleted, or made again"
        yield Finding("vanished", f"{log}[{partition}]", detail)


def _payloads(records: Sequence[Record]) -> Iterator[tuple[int, Payload]]:
    for record in records:
        try:
            yield record.timestamp, event_of(record).data
        except Reject:
            continue  # a leaf that cannot be read is a leaf that is missing


def _standing(written: Sequence[tuple[int, Payload]]) -> Iterator[tuple[int, LogDigested]]:
    """Yield broker time and leaf of the unbroken chain, as `verify_chain` counts them."""
    succession = Succession()
    for time, data in written:
        if isinstance(data, LogDigested):
            standing = succession.take(data)
            if standing == "next":
                yield time, data
            elif standing != "passed":
                return
