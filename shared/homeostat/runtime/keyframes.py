"""Where a replay may begin when the head of its input is gone: a snapshot, as it was when its marker closed it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from homeostat.codec import Record
from homeostat.core.snapshot import Marker
from homeostat.runtime.errors import SnapshotDamaged, SnapshotUnsealed
from homeostat.runtime.sealing import Seals
from homeostat.runtime.snapshot_reader import MARKER, read_stored

_TRIES: Final = 16
"""Markers that are looked at, from the earliest on: each costs a reading of all that lies before it."""


@dataclass(frozen=True, slots=True)
class Keyframe:
    """A consistent state of one partition.

    Args:
        records: Of the snapshot partition, up to the marker that closes it.
        marker: That one.
        seals: What they are looked at with.
    """

    records: tuple[Record, ...]
    marker: Marker
    seals: Seals


def markers(snapshots: Sequence[Record]) -> Iterator[tuple[int, Marker]]:
    """Yield every marker that a snapshot partition still holds, with its index, in the order they were written."""
    for index, record in enumerate(snapshots):
        if record.value is None or not (record.key or b"").startswith(f"{MARKER}|".encode()):
            continue
        try:
            yield index, msgspec.msgpack.decode(record.value, type=Marker)
        except msgspec.MsgspecError:
            continue  # whoever restores from it says so


def keyframe(snapshots: Sequence[Record], topic_id: str, low: int, seals: Seals) -> Keyframe | None:
    """Return an early state from which all that is left of the input behind it can be folded again.

    Compaction may have taken a copy that an earlier marker was written behind; its count and digest say so.

    Args:
        snapshots: The partition of the snapshot topic, from its beginning to its end.
        topic_id: Incarnation of the input.
        low: First offset that the input still has.
        seals: What their seals are looked at with; without the key of a keyed one there is no keyframe.
    """
    usable = [(at, m) for at, m in markers(snapshots) if m.position >= low and m.topic_id in ("", topic_id)]
    step = max(1, len(usable) // _TRIES)
    for at, marker in [*usable[::step], *usable[-1:]]:
        records = tuple(snapshots[: at + 1])
        try:
            stored = read_stored(records, seals)
        except (SnapshotDamaged, SnapshotUnsealed):
            continue
        if stored.marker == marker and (marker.n_states >= 0 or at == usable[-1][0]):
            return Keyframe(records, marker, seals)
    return None
