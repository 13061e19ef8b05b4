"""What is too old to be unproven, or too young to be gone."""

from collections.abc import Iterator, Sequence
from typing import Final

from homeostat.audit.findings import Finding
from homeostat.codec import Record
from homeostat.events import LogDigested
from homeostat.events.logs import AUDIT

BEGUN_LATE_MS: Final = 600_000
"""A first start digests its first records within seconds; a machine under load may take minutes."""


def deleted_early(
    log: str, partition: int, leaves: Sequence[LogDigested], low: int, keeps: int, now: int
) -> Iterator[Finding]:
    """Find records that are gone although their log should still keep them.

    Args:
        log: Topic.
        partition: Of it.
        leaves: That cover this partition.
        low: First offset there is.
        keeps: Retention, ms; -1 for ever.
        now: Broker time or later, ms.
    """
    if low <= 0:
        return
    if keeps < 0:
        yield Finding(
            "deleted_early", f"{log}[{partition}] 0..{low - 1}", "this log is kept for ever, and they are gone"
        )
        return
    gone = [leaf for leaf in leaves if leaf.last < low and leaf.time is not None and leaf.time + keeps > now]
    if gone:
        first, last = min(leaf.first for leaf in gone), max(leaf.last for leaf in gone)
        detail = f"gone before their {keeps / 86_400_000:g} days have passed"
        yield Finding("deleted_early", f"{log}[{partition}] {first}..{last}", detail)


def undigested(log: str, partition: int, records: Sequence[Record], end: int, before: int) -> Iterator[Finding]:
    """Find records behind the last leaf that should have been digested by now.

    Args:
        log: Topic.
        partition: Of it.
        records: Of the partition.
        end: Last offset that a leaf covers; -1 if none does.
        before: Broker time from which on a record may wait, ms.
    """
    late = [record.offset for record in records if record.offset > end and 0 <= record.timestamp < before]
    if late:
        detail = f"{len(late)} records that no leaf covers: does the auditor run?"
        yield Finding("undigested", f"{log}[{partition}] {min(late)}..{max(late)}", detail)


def unsigned(written: Sequence[tuple[int, LogDigested]], n_signed: int, before: int) -> Iterator[Finding]:
    """Find leaves of the chain that no checkpoint signs although there was time.

    Args:
        written: Broker time and leaf, of the chain that holds, in order.
        n_signed: Leaves below the newest checkpoint that holds.
        before: As for `undigested`.
    """
    late = [leaf.index for time, leaf in written if leaf.index >= n_signed and 0 <= time < before]
    if late:
        where = f"leaf {late[0]}" if len(late) == 1 else f"leaf {late[0]}..{late[-1]}"
        yield Finding("unsigned", where, "no leaf is signed at all" if n_signed == 0 else "no checkpoint covers them")


def begun_late(first_leaf: int, oldest: int) -> Iterator[Finding]:
    """Find an audit log that is much younger than what it proves: it was made again, or nobody audited until then.

    Args:
        first_leaf: Broker time of the first leaf.
        oldest: Broker time of the oldest record of the logs that are kept for ever.
    """
    if first_leaf - oldest > BEGUN_LATE_MS:
        detail = (
            f"its first leaf was written {(first_leaf - oldest) / 60_000:.0f} min after the oldest record it proves: "
            "until then anything may have been changed. `homeostat audit begin` signs for that"
        )
        yield Finding("begun_anew", AUDIT, detail)
