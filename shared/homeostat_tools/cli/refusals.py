"""What lies in quarantine: each refusal once, and whether it was put back since."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from homeostat.client.event_builder import EventBuilder
from homeostat.client.logs import Logs
from homeostat.client.policies import Once
from homeostat.codec import Record
from homeostat.core import Reject
from homeostat.events import EventRefused, EventReplayed
from homeostat.events.logs import DOORS, QUARANTINE
from homeostat_tools.cli.connection import SOURCE
from homeostat_tools.cli.filters import order
from homeostat_tools.cli.rendering import attributes, event_of
from homeostat_tools.cli.requeue import original

_BATCH: Final = 500
"""Records sent between two batches of marks."""

_NAMED: Final = 5
"""Redacted fields that are named."""

_Source = tuple[str, str]
"""Emitter of a refusal and offset of what it refused: one record may be refused in several parts."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused record.

    Args:
        identity: Of the refusal.
        record: It lies in.
        data: What was refused, and why.
        replayed_at: Broker time at which it was last put back, ms; None if it never was.
    """

    identity: str
    record: Record
    data: EventRefused
    replayed_at: int | None

    @property
    def id(self) -> str:
        """Short name: log, partition, offset."""
        return f"{self.data.log.removeprefix('homeostat.')}-{self.data.partition}-{self.data.offset}"

    @property
    def key(self) -> str:
        """Key of the refused record, readable."""
        return (self.record.key or b"").decode(errors="replace")

    @property
    def is_from_door(self) -> bool:
        """Whether it came through a door; what a fold said inside is repaired by fixing the fold."""
        return self.data.log in DOORS

    @property
    def is_redacted(self) -> bool:
        """Whether it held personal data: it is not whole any more, so it cannot go back."""
        return bool(self.data.redacted)


def refusals(logs: Logs, *, why: str = "", model: str = "", since: int | None = None) -> list[Refusal]:
    """Read the quarantine, oldest first.

    Args:
        logs: Where.
        why: Only this reason code; empty for all.
        model: Only this key; empty for all.
        since: Broker time of the oldest, ms; None for all.
    """
    once, found = Once(), list[tuple[Record, EventRefused]]()
    replayed: dict[_Source, int] = {}
    for record in sorted(logs.read([QUARANTINE], since=since), key=order):
        if not once.is_new(record):
            continue
        try:
            data = event_of(record).data
        except Reject:
            continue  # of a version that this one cannot read, or a stranger's
        if isinstance(data, EventReplayed):
            source, _, id_ = data.refusal.rpartition("#")
            replayed[source, id_.partition(".")[0]] = record.timestamp
        elif isinstance(data, EventRefused) and why in ("", data.reason) and model.encode() in (b"", record.key):
            found.append((record, data))
    return [_refusal(record, data, replayed) for record, data in found]


def not_kept(found: Iterable[Refusal]) -> str:
    """Say how many refused records of the same sources no quarantine has; empty if there are none."""
    n = sum(one.data.n_left_out or 0 for one in found)
    return (
        f"{n} more from the same sources were refused and not kept: only who sent them can send them again" if n else ""
    )


def not_whole(found: Iterable[Refusal]) -> str:
    """Say which fields of refused records are not there to be put back; empty if all are."""
    redacted = [one for one in found if one.is_redacted]
    if not redacted:
        return ""
    names = sorted({name for one in redacted for name in one.data.redacted or ()})
    named = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
    return (
        f"{len(redacted)} held personal data, of which only salted digests are kept ({named}): they cannot be put "
        "back, only who sent them can send them again, without it"
    )


def _refusal(record: Record, data: EventRefused, replayed: dict[_Source, int]) -> Refusal:
    own = attributes(record)
    return Refusal(own.identity, record, data, replayed.get((own.source, own.id.partition(".")[0])))


def put_back(logs: Logs, chosen: Iterable[Refusal]) -> None:
    """Publish refused records again, verbatim, each marked as one more attempt, and say in quarantine that it was done.

    A mark follows its record: a command that ends between the two leaves records that are put back again by the next
    one, and the door drops those that it has.

    Args:
        logs: Where.
        chosen: From doors, not redacted.
    """
    builder, waiting = EventBuilder(SOURCE), list[Refusal]()
    for refusal in chosen:
        logs.send(original(refusal.data, logs.n_partitions))
        waiting.append(refusal)
        if len(waiting) >= _BATCH:
            _mark(logs, builder, waiting)
    _mark(logs, builder, waiting)


def _mark(logs: Logs, builder: EventBuilder, waiting: list[Refusal]) -> None:
    logs.flush()  # a record that was not taken is not marked
    for refusal in waiting:
        data = EventReplayed(
            refusal=refusal.identity,
            log=refusal.data.log,
            partition=refusal.data.partition,
            offset=refusal.data.offset,
            attempts=refusal.data.attempts + 1,
        )
        logs.send(builder.build(QUARANTINE, refusal.key, data, logs.n_partitions(QUARANTINE)))
    logs.flush()
    waiting.clear()
