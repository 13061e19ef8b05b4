"""What can be read from a snapshot partition; `snapshots` says how it got there.

A marker counts the states that its writer held, and has their digest: what a unit's state is at a position follows from
the log alone, so the newest copies up to a marker's place have that digest, whoever wrote them. Copies beyond the
marker, of a snapshot that was torn, cannot be counted in; then it is only known that no unit may be missing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import msgspec

from homeostat.codec import Record
from homeostat.core.snapshot import Marker
from homeostat.runtime.errors import SnapshotDamaged, SnapshotUnsealed
from homeostat.runtime.refusals import TALLY
from homeostat.runtime.sealing import Seals

Place = tuple[int, int]
"""Generation of the input and offset in it: later is larger."""

STATE, PIECE, MARKER = "s", "p", "m"
"""Kinds of records: the first part of their keys."""

_PARTS: Final = {STATE: 4, PIECE: 3, MARKER: 3}
"""Of a key: the unit, which may hold anything, comes last, so that no unit's key is another's."""

_TERM_BYTES: Final = 16
_TERMS: Final = 1 << 8 * _TERM_BYTES


class Chunk(msgspec.Struct, array_like=True):
    """One record of a copy of a state."""

    position: int
    index: int
    total: int
    raw: bytes
    generation: int = 0


@dataclass(slots=True)
class Stored:
    """The readable content of a snapshot partition.

    Args:
        marker: Of the highest epoch, then place: what a zombie wrote late does not win.
        has_marker: Whether there was any.
        states: Place and bytes of the newest whole copy, by unit.
        pieces: Bytes by unit and number.
        copies: Place and key of every record of a copy, by unit.
        markers: Keys of all markers.
        unsealed: Keys of the records that were taken without a seal of ours, see `Seals.adopts`.
    """

    marker: Marker = field(default_factory=Marker)
    has_marker: bool = False
    states: dict[str, tuple[Place, bytes]] = field(default_factory=dict)
    pieces: dict[str, dict[int, bytes]] = field(default_factory=dict)
    copies: dict[str, list[tuple[Place, bytes]]] = field(default_factory=dict)
    markers: list[bytes] = field(default_factory=list)
    unsealed: list[bytes] = field(default_factory=list)


def read_stored(records: Iterable[Record], seals: Seals | None = None) -> Stored:
    """Read a snapshot partition, compacted or not, from its beginning to its end.

    Args:
        records: Of the partition.
        seals: What their seals are looked at with.

    Raises:
        SnapshotUnsealed: A record has no valid seal; none of it was decoded.
        SnapshotDamaged: A record is none that a host has written, or one that the marker counts is gone.
    """
    seals = seals or Seals()
    latest: dict[bytes, Record] = {}
    for record in records:
        if record.value is None:
            latest.pop(record.key or b"", None)
        else:
            latest[record.key or b""] = record
    stored = Stored()
    whole: dict[tuple[str, Place, str], dict[int, Chunk]] = {}
    for key, record in latest.items():
        if fault := seals.fault(record):
            raise SnapshotUnsealed(record.topic, record.partition, key, fault)
        if seals.adopts and not seals.is_own(record):
            stored.unsealed.append(key)
        try:
            _take(stored, whole, key, record.value or b"")
        except (ValueError, KeyError, msgspec.MsgspecError) as error:
            shown = key[:200].decode(errors="replace")
            raise SnapshotDamaged(
                record.topic, record.partition, f"the record {shown!r} cannot be read ({error})"
            ) from error
    for (unit, place, _), chunks in sorted(whole.items()):
        if len(chunks) == chunks[next(iter(chunks))].total:
            stored.states[unit] = (place, b"".join(chunks[index].raw for index in sorted(chunks)))
    if latest:
        _check(stored, next(iter(latest.values())))
    return stored


def _take(stored: Stored, whole: dict[tuple[str, Place, str], dict[int, Chunk]], key: bytes, value: bytes) -> None:
    kind, name, unit = _parse(key.decode())
    if kind == MARKER:
        marker = msgspec.msgpack.decode(value, type=Marker)
        stored.markers.append(key)
        if not stored.has_marker or _rank(marker) >= _rank(stored.marker):
            stored.marker = marker
        stored.has_marker = True
    elif kind == PIECE:
        stored.pieces.setdefault(unit, {})[int(name)] = value
    else:
        chunk = msgspec.msgpack.decode(value, type=Chunk)
        if not 0 <= chunk.index < chunk.total:
            raise ValueError(f"part {chunk.index} of {chunk.total}")
        place = (chunk.generation, chunk.position)
        stored.copies.setdefault(unit, []).append((place, key))
        whole.setdefault((unit, place, name), {})[chunk.index] = chunk


def _check(stored: Stored, record: Record) -> None:
    """Hold the states against what their marker says of them."""
    marker, units = stored.marker, {unit: raw for unit, (_, raw) in stored.states.items() if unit != TALLY}
    if marker.n_states < 0:
        return
    end = (marker.generation, marker.position)
    is_torn = any(place > end for unit, (place, _) in stored.states.items() if unit != TALLY)
    if len(units) < marker.n_states or (not is_torn and len(units) != marker.n_states):
        found = f"the marker at {marker.position} counts {marker.n_states} states, and {len(units)} are there"
        raise SnapshotDamaged(record.topic, record.partition, found)
    if not is_torn and digest_of(terms_of(units)) != marker.digest:
        found = f"the {len(units)} states are not those that the marker at {marker.position} was written behind"
        raise SnapshotDamaged(record.topic, record.partition, found)


def terms_of(states: Mapping[str, bytes]) -> dict[str, int]:
    """What each state adds to the digest of all, by unit."""
    return {unit: term_of(unit, raw) for unit, raw in states.items()}


def digest_of(terms: Mapping[str, int]) -> str:
    """Digest of states, whatever their order: hex."""
    return f"{sum(terms.values()) % _TERMS:0{2 * _TERM_BYTES}x}"


def term_of(unit: str, raw: bytes) -> int:
    """What a state adds to the digest of all."""
    name = unit.encode()
    digest = blake2b(b"%d " % len(name), digest_size=_TERM_BYTES)
    digest.update(name)
    digest.update(raw)
    return int.from_bytes(digest.digest(), "big")


def _rank(marker: Marker) -> tuple[int, int, int]:
    return marker.epoch, marker.generation, marker.position


def _parse(key: str) -> tuple[str, str, str]:
    """Kind, writer or number, unit of a key.

    Raises:
        ValueError, KeyError: No key of ours.
    """
    parts = key.split("|", 1)
    parts = key.split("|", _PARTS[parts[0]] - 1)
    if len(parts) != _PARTS[parts[0]]:
        raise ValueError("it is no key of a snapshot")
    return parts[0], parts[1], parts[-1]
