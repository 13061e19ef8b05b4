"""The snapshot partition of one input partition: how states get there; `snapshot_reader` says what can be read from it.

Every copy of a state lies under a key of its own: writer, generation, position. It is deleted only by somebody who has
written a newer one of the same unit before. So the newest whole copy of a unit is never deleted, whoever wakes up late.
Pieces are the same whoever writes them, and lie under their number; one is deleted behind a copy that has dropped it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

import msgspec

from homeostat.codec import Output, decode_state, encode_state
from homeostat.codec.state import StateInvalid
from homeostat.core import Fold
from homeostat.core.snapshot import InPieces, Marker
from homeostat.events.logs import SNAPSHOTS
from homeostat.runtime.errors import SnapshotDamaged, SnapshotOutdated
from homeostat.runtime.refusals import TALLY, RefusalTally
from homeostat.runtime.sealing import Seals
from homeostat.runtime.snapshot_reader import (
    MARKER,
    PIECE,
    STATE,
    Chunk,
    Place,
    Stored,
    digest_of,
    read_stored,
    term_of,
    terms_of,
)

__all__ = ["CHUNK_BYTES", "Chunk", "Place", "SnapshotWriter", "Stored", "read_stored"]

S = TypeVar("S")
CHUNK_BYTES: Final = 900_000


class SnapshotWriter:
    """Writes copies, pieces and markers of one assignment, and deletes what they replace.

    Args:
        fold: Whose states.
        partition: Of the snapshot topic.
        writer: Random and fresh: never used by another assignment.
        chunk_bytes: Largest record.

    Attributes:
        seals: What its records are sealed with.
        n_bytes: Written so far.
    """

    def __init__(self, fold: Fold[Any], partition: int, writer: str, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._topic, self._partition, self._writer = SNAPSHOTS + fold.name, partition, writer
        self._fold, self._chunk_bytes = fold, chunk_bytes
        self._pieces_of = fold.pieces if isinstance(fold, InPieces) else None
        self._copies: dict[str, list[tuple[Place, bytes]]] = {}
        self._pieces: dict[str, set[int]] = {}
        self._markers: list[bytes] = []
        self._terms: dict[str, int] = {}
        self.seals = Seals()
        self.n_bytes = 0

    def adopt(self, stored: Stored) -> None:
        """Know what there is, to delete it when newer copies are written."""
        self._copies = stored.copies
        self._pieces = {unit: set(pieces) for unit, pieces in stored.pieces.items()}
        self._markers = stored.markers
        self._terms = terms_of({unit: raw for unit, (_, raw) in stored.states.items() if unit != TALLY})

    def seal_anew(self, stored: Stored, states: Mapping[str, Any]) -> list[Output]:
        """Store what was taken without a seal of ours once more, each state at its own place (hole 1).

        Args:
            stored: What was read.
            states: As decoded, by unit.
        """
        unsealed = set(stored.unsealed)
        for unit, pieces in self._pieces.items():
            pieces -= {number for number in pieces if _piece_key(number, unit) in unsealed}
        self._copies = {unit: [c for c in copies if c[1] not in unsealed] for unit, copies in self._copies.items()}
        self._markers = [key for key in self._markers if key not in unsealed]
        return [
            output for unit, (place, _) in stored.states.items() for output in self.state(unit, states[unit], place)
        ]

    def forgotten(self, stored: Stored) -> list[Output]:
        """Delete what lies there without a seal of ours, after all of it was written again; pieces were overwritten."""
        keys = [key for key in stored.unsealed if not key.startswith(f"{PIECE}|".encode())]
        return [self._output(key, None) for key in keys]

    def decode(self, unit: str, raw: bytes, pieces: dict[int, bytes]) -> Any:
        """Read a state with its pieces.

        Args:
            unit: Of the state.
            raw: The state without its pieces.
            pieces: By number.

        Raises:
            SnapshotDamaged: One is not there.
            SnapshotOutdated: One has another form than this version's.
        """
        if unit == TALLY:
            return self._read(unit, raw, RefusalTally)
        state = self._read(unit, raw, self._fold.state_type())
        if self._pieces_of is not None:
            held = self._pieces_of(state)
            for number in held.held:
                if number not in pieces:
                    raise SnapshotDamaged(self._topic, self._partition, f"piece {number} of {unit!r} is gone")
                held.fill(number, self._read(unit, pieces[number], held.piece_type))
        return state

    def _read(self, unit: str, raw: bytes, type_: type[S]) -> S:
        try:
            return decode_state(raw, type_)
        except StateInvalid as reason:
            raise SnapshotOutdated(self._fold.name, self._partition, unit, str(reason)) from reason

    def state(self, unit: str, state: Any, place: Place) -> list[Output]:
        """Store a state as it is at a place: new pieces, then the copy, then what it replaces is deleted.

        Args:
            unit: Of the state.
            state: As it is.
            place: Generation and position.
        """
        written, dropped = self._store_pieces(unit, state)
        raw = encode_state(state)
        if unit != TALLY:
            self._terms[unit] = term_of(unit, raw)
        total = max(1, -(-len(raw) // self._chunk_bytes))
        own = []
        for index in range(total):
            key = self.key(unit, place, index)
            part = raw[index * self._chunk_bytes : (index + 1) * self._chunk_bytes]
            chunk = Chunk(position=place[1], index=index, total=total, raw=part, generation=place[0])
            written.append(self._output(key, msgspec.msgpack.encode(chunk)))
            own.append((place, key))
        own_keys = {key for _, key in own}
        others = [copy for copy in self._copies.get(unit, ()) if copy[1] not in own_keys]
        written += [self._output(key, None) for at, key in others if at < place]  # hole 5: no newer one
        self._copies[unit] = [copy for copy in others if copy[0] >= place] + own
        return written + dropped

    def key(self, unit: str, place: Place, index: int) -> bytes:
        """Key of a record of a copy; no other one has it (holes 2 and 5). The unit may hold anything: it comes last.

        Args:
            unit: Of the state.
            place: Generation and position.
            index: Of the part.
        """
        return f"{STATE}|{self._writer}|{place[0]}.{place[1]}.{index}|{unit}".encode()

    def _store_pieces(self, unit: str, state: Any) -> tuple[list[Output], list[Output]]:
        """Records of the pieces that are not stored yet, and of those that the state has dropped."""
        if self._pieces_of is None or unit == TALLY:
            return [], []
        pieces, there = self._pieces_of(state), self._pieces.setdefault(unit, set())
        new = [number for number in pieces.held if number not in there]
        # a number that the state has not come to yet may be a piece of one who is ahead
        gone = sorted(number for number in there if number < pieces.n and number not in pieces.held)
        there.update(new)
        there.difference_update(gone)
        return (
            [self._output(_piece_key(number, unit), encode_state(pieces.held[number])) for number in new],
            [self._output(_piece_key(number, unit), None) for number in gone],
        )

    def marker(self, marker: Marker) -> list[Output]:
        """Close a snapshot: everything before it in the partition counts, and is counted."""
        key = f"{MARKER}|{self._writer}|".encode()
        marker = replace(marker, n_states=len(self._terms), digest=digest_of(self._terms))
        written = [self._output(key, msgspec.msgpack.encode(marker))]
        written += [self._output(old, None) for old in self._markers if old != key]
        self._markers = [key]
        return written

    def _output(self, key: bytes, value: bytes | None) -> Output:
        self.n_bytes += len(key) + len(value or b"")
        headers = [] if value is None else self.seals.headers(self._topic, self._partition, key, value)
        return Output(self._topic, self._partition, key, value, headers)


def _piece_key(number: int, unit: str) -> bytes:
    return f"{PIECE}|{number}|{unit}".encode()
