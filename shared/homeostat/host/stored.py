"""What a partition of a snapshot topic holds: the newest marker, and the newest whole state of each unit."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from homeostat.codec import Record
from homeostat.core.snapshot import Marker

MARKER: Final = "__marker__"
"""Unit of the marker's keys; no subject has this form."""


@dataclass(slots=True)
class Stored:
    """The readable content of a snapshot partition.

    Args:
        marker: Of the highest epoch, then position: what a zombie wrote late does not win.
        has_marker: Whether there was any.
        states: Position and bytes by unit.
        keys: Every key there is by unit, to be deleted when newer ones are written.
    """

    marker: Marker = field(default_factory=Marker)
    has_marker: bool = False
    states: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    keys: dict[str, list[bytes]] = field(default_factory=dict)


def read_stored(records: Iterable[Record]) -> Stored:
    """Read a snapshot partition, compacted or not, from its beginning to its end."""
    latest: dict[bytes, bytes] = {}
    for record in records:
        assert record.key is not None
        if record.value is None:
            latest.pop(record.key, None)
        else:
            latest[record.key] = record.value
    stored = Stored()
    chunks: dict[tuple[str, str, int], dict[int, bytes]] = {}
    totals: dict[tuple[str, str, int], int] = {}
    for key, value in latest.items():
        unit, writer = key.decode().split("|")[1:3]
        stored.keys.setdefault(unit, []).append(key)
        if unit == MARKER:
            marker = msgspec.msgpack.decode(value, type=Marker)
            stored.has_marker = True
            if (marker.epoch, marker.position) >= (stored.marker.epoch, stored.marker.position):
                stored.marker = marker
            continue
        position, index, total, raw = msgspec.msgpack.decode(value, type=tuple[int, int, int, bytes])
        chunks.setdefault((unit, writer, position), {})[index] = raw
        totals[unit, writer, position] = total
    newest: dict[str, tuple[int, str]] = {}
    for (unit, writer, position), parts in chunks.items():
        if len(parts) == totals[unit, writer, position] and (position, writer) > newest.get(unit, (-1, "")):
            newest[unit] = (position, writer)
    for unit, (position, writer) in newest.items():
        parts = chunks[unit, writer, position]
        stored.states[unit] = (position, b"".join(parts[index] for index in range(len(parts))))
    return stored
