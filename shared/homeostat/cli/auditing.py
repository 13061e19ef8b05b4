"""All logs checked against the audit log."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from homeostat.audit.leaves import Succession
from homeostat.audit.verify import Finding, verify_chain, verify_log
from homeostat.cli.records import event_of
from homeostat.client.logs import Logs
from homeostat.core import Payload, Reject
from homeostat.events import CheckpointSigned, LogDigested
from homeostat.events.logs import AUDIT, LOGS

_AuditPlace = tuple[str, str, int]
"""Log, incarnation, partition."""


@dataclass(frozen=True, slots=True)
class Audited:
    """Outcome of a verification.

    Args:
        findings: What is wrong; empty if everything holds.
        n_leaves: Leaves in one unbroken chain from the first.
        n_signed: Of them, below the newest checkpoint that holds.
        n_records: Records that are what was digested.
        n_expired: Records that were digested and that retention has removed.
        n_new: Records that no leaf covers yet.
        gone: Logs, or incarnations of logs, that were digested and are not there.
    """

    findings: tuple[Finding, ...]
    n_leaves: int
    n_signed: int
    n_records: int
    n_expired: int
    n_new: int
    gone: tuple[str, ...]


def audit(logs: Logs, keyring: Mapping[str, str]) -> Audited:
    """Verify the chain, then every partition of every log against the part of it that holds.

    Args:
        logs: Where from; the audit log is read first, so what is written meanwhile is new, not missing.
        keyring: Public keys in hex by id, of those that may sign checkpoints.
    """
    written = [*_payloads(logs)]
    digested = [data for data in written if isinstance(data, LogDigested)]
    chain = verify_chain(digested, [data for data in written if isinstance(data, CheckpointSigned)], keyring)
    leaves: dict[_AuditPlace, list[LogDigested]] = {}
    for leaf in _standing(written):
        leaves.setdefault((leaf.log, leaf.topic_id, leaf.partition), []).append(leaf)
    findings, n_records, n_expired, n_new = list(chain.findings), 0, 0, 0
    names = [log.name for log in LOGS if log.name != AUDIT]
    for (log, partition), (low, _) in logs.ranges(names).items():
        covering = leaves.pop((log, logs.topic_id(log), partition), [])
        records = list(logs.read([log], partition=partition))
        report = verify_log(covering, records, low=low)
        findings += report.findings
        n_records, n_expired = n_records + report.n_records, n_expired + report.n_expired
        end = max((leaf.last for leaf in covering), default=-1)
        n_new += sum(record.offset > end for record in records)
    gone = sorted({f"{log} {topic_id}" for log, topic_id, _ in leaves})
    return Audited(tuple(findings), chain.n_leaves, chain.n_signed, n_records, n_expired, n_new, tuple(gone))


def _payloads(logs: Logs) -> Iterator[Payload]:
    for record in logs.read([AUDIT]):
        try:
            yield event_of(record).data
        except Reject:
            continue  # a leaf that cannot be read is a leaf that is missing


def _standing(written: list[Payload]) -> Iterator[LogDigested]:
    """Yield the leaves of the unbroken chain, as `verify_chain` counts them."""
    succession = Succession()
    for data in written:
        if isinstance(data, LogDigested):
            standing = succession.take(data)
            if standing == "next":
                yield data
            elif standing != "passed":
                return
