"""One input partition under one writer: the exactly-once algorithm, free of any broker.

At-least-once delivery becomes exactly-once effect because a fold is deterministic: an output's
identity is its input's position, and readers drop what is not above the last sequence of a source.
What is left is to restart from a consistent place, which has four holes; each has its line below.

1. A torn snapshot holds states newer than its marker: every state carries its own position.
2. A zombie wakes and writes old state under a newer one: keys carry a writer, fresh per assignment,
   and the marker of the highest epoch wins.
3. A message that times out is lost while a later one is delivered: the outbox never times out.
4. A topic that is made again reuses offsets: the source of an output carries the topic's id.
"""

import platform
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from homeostat.codec import Output, Record, decode_event, decode_state, encode_emit, encode_state
from homeostat.codec.encode import partition_of
from homeostat.core import Event, Fold, Halt, Reject
from homeostat.core.snapshot import Marker
from homeostat.events import EventRefused
from homeostat.events.logs import MAX_RECORD_BYTES, QUARANTINE, SNAPSHOTS
from homeostat.host.quarantine import refusal
from homeostat.host.stored import MARKER, read_stored

S = TypeVar("S")
_CHUNK_BYTES: Final = 900_000


class Outbox(Protocol):
    """Ordered, gapless way to the logs."""

    def send(self, output: Output) -> None:
        """Queue one record; what is queued first is written first."""

    def flush(self) -> None:
        """Return when everything sent is acknowledged; otherwise never return normally."""


class VersionMismatch(Halt):
    """The snapshot was left by another version in mid-work.

    Operator: start the old version once and stop it cleanly (`homeostat down`), then start this one.
    Or set HOMEOSTAT_HOST_ADOPT_VERSION=true: the outputs between the marker and the crash were made
    by the old version, so a replay of that stretch will differ.
    """

    def __init__(self, fold: str, partition: int, found: str, own: str) -> None:
        super().__init__(
            f"{fold}[{partition}]: version {found} stopped in mid-work, this is {own}; "
            "let the old version finish and stop cleanly, or set HOMEOSTAT_HOST_ADOPT_VERSION=true"
        )
        self.fold, self.partition, self.found, self.own = fold, partition, found, own


class GapFound(Halt):
    """A record is missing from an input that never loses any.

    Operator: input older than the marker has been deleted (retention shorter than the stop). Restore the
    topic from an export, or delete the fold's snapshot topic to start from what is left.
    """

    def __init__(self, topic: str, partition: int, expected: int, found: int) -> None:
        super().__init__(f"{topic}[{partition}]: offset {expected} expected, {found} found: records were deleted")
        self.topic, self.partition, self.expected, self.found = topic, partition, expected, found


class Assignment(Generic[S]):
    """Runs one fold over one partition.

    Order of calls: `restore`, then `process` in offset order with `snapshot` at any time between,
    then `snapshot(is_clean=True)`. Dropping the object at any point is a crash; nothing is lost.

    Args:
        fold: The fold.
        version: Its version, see `version_of`.
        topic_id: Incarnation of the input topic.
        partition: Of the input topic, and of the snapshot topic.
        places: Number of partitions of a log.
        outbox: Where outputs and snapshots go.
        writer: Random and fresh: never used by another assignment.
        adopt_version: Take over the unclean snapshot of another version.
    """

    def __init__(
        self,
        fold: Fold[S],
        *,
        version: str,
        topic_id: str,
        partition: int,
        places: Callable[[str], int],
        outbox: Outbox,
        writer: str,
        adopt_version: bool = False,
    ) -> None:
        self.fold, self.version, self.partition = fold, version, partition
        self.emitter = f"/homeostat/{fold.name}/{fold.log}/{topic_id}/{partition}"
        self.position, self.now, self.epoch = 0, 0, 0
        self.states: dict[str, S] = {}
        self.n_folded = self.n_dropped = self.n_snapshot_bytes = 0
        self.outputs: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self._watermarks: dict[str, str] = {}
        self._as_of: dict[str, int] = {}
        self._dirty: dict[str, None] = {}
        self._old_keys: dict[str, list[bytes]] = {}
        self._places, self._outbox, self._writer, self._adopt = places, outbox, writer, adopt_version
        self._snapshots = SNAPSHOTS + fold.name
        self._wakes: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []
        self._marked = 0

    # -- restore ------------------------------------------------------------------------------

    def restore(self, records: Iterable[Record], low: int = 0) -> None:
        """Load the newest consistent state and claim the partition.

        Args:
            records: The partition of the snapshot topic, from its beginning to its end.
            low: First offset the input still has.

        Raises:
            VersionMismatch: Another version stopped in mid-work.
            GapFound: Input after the marker is gone.
        """
        stored = read_stored(records)
        marker = stored.marker
        if stored.has_marker and marker.version != self.version and not (marker.is_clean or self._adopt):
            raise VersionMismatch(self.fold.name, self.partition, marker.version, self.version)
        self._old_keys = stored.keys
        for unit, (position, raw) in stored.states.items():
            self.states[unit] = decode_state(raw, self.fold.state_type())
            self._as_of[unit] = position  # hole 1: events below it are already in this state
            self._schedule(unit, self.states[unit])
        self.position, self.now, self.epoch = marker.position, marker.now, marker.epoch + 1
        self._watermarks = dict(marker.watermarks)
        if low > self.position:
            if stored.has_marker:
                raise GapFound(self.fold.log, self.partition, self.position, low)
            self.position = low
        self._write_marker(is_clean=False)  # the claim: from here on older writers lose (hole 2)
        self._outbox.flush()

    # -- fold ---------------------------------------------------------------------------------

    def process(self, record: Record) -> None:
        """Fold one record in and send what comes out.

        Raises:
            GapFound: It is not the next one.
            Exception: A bug in the fold; the host halts at this position.
        """
        if record.offset < self.position:
            return
        if record.offset != self.position:
            raise GapFound(record.topic, record.partition, self.position, record.offset)
        self.position = record.offset + 1
        self.now = max(self.now, record.timestamp)
        if not self.fold.is_door and self._is_repeated(record):
            self.n_dropped += 1
            return
        subject = record.key.decode(errors="replace") if record.key else ""
        unit = self.fold.unit(subject)
        if self._as_of and self._is_in_state(unit, record.offset):
            return
        try:
            event = decode_event(record, time=self.now, emitter=self.emitter, is_door=self.fold.is_door)
            state = self.states.get(unit)
            if state is None:
                state = self.fold.initial(unit)
            state, emits = self.fold.step(state, event)
        except Reject as reject:
            self._refuse(record, reject)
            return
        self.n_folded += 1
        self.states[unit] = state
        self._dirty[unit] = None
        self._schedule(unit, state)
        for ordinal, emit in enumerate(emits):
            self._seal(record, event, emit, ordinal)

    def _is_repeated(self, record: Record) -> bool:
        headers = dict(record.headers)
        sequence = headers.get("ce_sequence", b"").decode()
        if not sequence:
            return False
        source = headers.get("ce_source", b"").decode()
        if sequence <= self._watermarks.get(source, ""):
            return True
        self._watermarks[source] = sequence
        return False

    def _is_in_state(self, unit: str, offset: int) -> bool:
        as_of = self._as_of.get(unit)
        if as_of is None:
            return False
        if offset < as_of:
            return True
        del self._as_of[unit]
        return False

    def _seal(self, record: Record, event: Event, emit: Any, ordinal: int) -> None:
        for output in encode_emit(event, emit, ordinal, self._places(emit.log)):
            if output.size > MAX_RECORD_BYTES and output.topic != QUARANTINE:
                self._refuse(
                    record, Reject("output_too_large", f"{emit.data.TYPE} would be {output.size} bytes"), ordinal
                )
                return
            self._send(output, emit.data.TYPE)

    def _refuse(self, record: Record, reject: Reject, ordinal: int = 0) -> None:
        self.refused[reject.reason] = self.refused.get(reject.reason, 0) + 1
        self._send(refusal(record, reject, self, ordinal), EventRefused.TYPE)

    def _send(self, output: Output, type_: str) -> None:
        self.outputs[type_] = self.outputs.get(type_, 0) + 1
        self._outbox.send(output)

    def quarantine_place(self, key: bytes) -> int:
        """Partition of the quarantine for a key."""
        return partition_of(key, self._places(QUARANTINE))

    # -- time ---------------------------------------------------------------------------------

    def _schedule(self, unit: str, state: S) -> None:
        wake = self.fold.wake_at(state)
        if wake is None:
            if self._wakes:
                self._wakes.pop(unit, None)
        elif self._wakes.get(unit) != wake:
            self._wakes[unit] = wake
            heappush(self._heap, (wake, unit))

    def due(self, now: int) -> list[tuple[str, int]]:
        """Units whose `wake_at` has come, each once, with the time they waited for; the host appends their ticks."""
        ready = []
        while self._heap and self._heap[0][0] <= now:
            wake, unit = heappop(self._heap)
            if self._wakes.get(unit) == wake:
                ready.append((unit, wake))
        return ready

    @property
    def next_wake(self) -> int | None:
        """Earliest time at which `due` may have something, ms."""
        return self._heap[0][0] if self._heap else None

    # -- snapshot -----------------------------------------------------------------------------

    @property
    def is_dirty(self) -> bool:
        """Whether anything was read since the last marker."""
        return bool(self._dirty) or self.position != self._marked

    def snapshot(self, *, is_clean: bool = False) -> None:
        """Store every changed state, then the marker that closes them."""
        self._outbox.flush()  # all outputs up to `position` are acknowledged before a state says so
        stale: list[bytes] = []
        for unit in self._dirty:
            stale += self._write_state(unit)
        self._dirty.clear()
        self._write_marker(is_clean=is_clean, stale=stale)

    def _write_state(self, unit: str) -> list[bytes]:
        raw = encode_state(self.states[unit])
        own = f"{self.partition}|{unit}|{self._writer}"
        total = max(1, -(-len(raw) // _CHUNK_BYTES))
        keys = [own.encode()] if total == 1 else [f"{own}|{self.position}|{i}".encode() for i in range(total)]
        for index, key in enumerate(keys):
            part = raw[index * _CHUNK_BYTES : (index + 1) * _CHUNK_BYTES]
            self._store(key, msgspec.msgpack.encode((self.position, index, total, part)))
        stale = [key for key in self._old_keys.get(unit, ()) if key not in keys]
        self._old_keys[unit] = keys
        return stale

    def _write_marker(self, *, is_clean: bool, stale: Iterable[bytes] = ()) -> None:
        marker = Marker(
            position=self.position,
            now=self.now,
            watermarks=self._watermarks,
            epoch=self.epoch,
            version=self.version,
            platform=platform.machine(),
            is_clean=is_clean,
        )
        key = f"{self.partition}|{MARKER}|{self._writer}".encode()
        self._store(key, msgspec.msgpack.encode(marker))
        self._marked = self.position
        for old in [*stale, *(old for old in self._old_keys.get(MARKER, ()) if old != key)]:
            self._store(old, None)
        self._old_keys[MARKER] = [key]

    def _store(self, key: bytes, value: bytes | None) -> None:
        self.n_snapshot_bytes += len(key) + len(value or b"")
        self._outbox.send(Output(self._snapshots, self.partition, key, value, []))
