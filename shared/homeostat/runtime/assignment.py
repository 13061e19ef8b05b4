"""One input partition under one writer: the exactly-once algorithm, free of any broker.

At-least-once delivery becomes exactly-once effect because a fold is deterministic: an output's identity is its input's
position, and readers drop repeats. What is left, to restart from a consistent place, has five holes:

1. A torn snapshot holds states newer than its marker: every state carries its own position.
2. A zombie wakes and writes old state under a newer one: keys carry a writer, and the highest epoch's marker wins.
3. A message that times out is lost while a later one is delivered: the outbox never times out.
4. A topic that is made again reuses offsets: sources carry its id, positions the number of the incarnation.
5. A zombie deletes, as replaced, a state that its successor stands on, beyond the marker: a copy has a key of its own,
   and is deleted behind a newer one only.
"""

import platform
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Generic, TypeVar

from homeostat.codec import Record, encode_payload
from homeostat.core import Event, Fold, Payload, Reject
from homeostat.core.snapshot import Marker
from homeostat.runtime.emitting import Emitted
from homeostat.runtime.errors import GapFound, TopicReplaced, VersionMismatch
from homeostat.runtime.folding import Folding
from homeostat.runtime.observer import HostObserver
from homeostat.runtime.outbox import Outbox
from homeostat.runtime.refusals import TALLY
from homeostat.runtime.sealing import Seals
from homeostat.runtime.snapshots import SnapshotWriter, read_stored
from homeostat.runtime.wakes import WakeQueue
from homeostat.runtime.watermarks import Watermarks

S = TypeVar("S")

_STRETCH: Final = 32
"""Records that are decoded, then folded, then addressed: a processor that does one thing so often in a row does it in
two thirds of the time. Of 8 to 64 all are as fast."""


class Assignment(Folding, Generic[S]):
    """Runs one fold over one partition.

    Order of calls: `restore`, `process` in offset order with `snapshot` at any time between, `snapshot(is_clean=True)`.
    Dropping the object at any point is a crash; nothing is lost.

    Args:
        fold: The fold.
        version: Its version, see `version_of`.
        topic_id: Incarnation of the input topic.
        partition: Of the input topic, and of the snapshot topic.
        n_partitions: Number of partitions of a log.
        outbox: Where outputs and snapshots go.
        writer: Random and fresh: never used by another assignment.
        adopt_version: Take over the unclean snapshot of another version.
        seals: What snapshots are sealed with, and looked at.
        observer: Told of what happens.
    """

    new_snapshots: type[SnapshotWriter] = SnapshotWriter

    def __init__(
        self,
        fold: Fold[S],
        *,
        version: str,
        topic_id: str,
        partition: int,
        n_partitions: Callable[[str], int],
        outbox: Outbox,
        writer: str,
        adopt_version: bool = False,
        seals: Seals | None = None,
        observer: HostObserver | None = None,
    ) -> None:
        emitter = f"/homeostat/{fold.name}/{fold.log}/{topic_id}/{partition}"
        super().__init__(fold, partition, emitter, n_partitions, outbox, observer)
        self.version = version
        self.epoch = 0
        self.states: dict[str, S] = {}
        self.n_folded = self.n_lost = 0
        self.is_replaced = False
        self._watermarks = Watermarks()
        self._as_of: dict[str, int] = {}
        self._dirty: dict[str, None] = {}
        self._topic_id, self._adopt = topic_id, adopt_version
        self.snapshots = self.new_snapshots(fold, partition, writer)
        self.snapshots.seals = seals or Seals()
        self._wakes = WakeQueue()
        self._marked = 0

    def restore(self, records: Iterable[Record], low: int = 0) -> None:
        """Load the newest consistent state and claim the partition.

        Args:
            records: The partition of the snapshot topic, from its beginning to its end.
            low: First offset the input still has.

        Raises:
            VersionMismatch: Another version stopped in mid-work.
            GapFound: Input after the marker is gone, and it is no door.
            TopicReplaced: The input was deleted and made again, and it is no door.
            SnapshotUnsealed: Somebody else has written in the snapshots, or a host without the key.
            SnapshotDamaged, SnapshotOutdated: A state, or a part of one, is gone or not what was stored, or it has
                another form than this version's.
        """
        stored = read_stored(records, self.snapshots.seals)
        marker = stored.marker
        if stored.has_marker and marker.version != self.version and not (marker.is_clean or self._adopt):
            raise VersionMismatch(self.fold.name, self.partition, marker.version, self.version)
        self.is_replaced = marker.topic_id not in ("", self._topic_id)
        if self.is_replaced and self._ingress is None:
            raise TopicReplaced(self.fold.name, self.fold.log, self.partition)
        self.position, self.now, self.epoch = marker.position, marker.now, marker.epoch + 1
        self.generation = marker.generation + self.is_replaced
        self._watermarks = Watermarks(marker.sources, marker.watermarks)
        self.snapshots.adopt(stored)
        for unit, ((generation, position), raw) in stored.states.items():
            if generation == self.generation:
                self._as_of[unit] = position  # hole 1: events below it are already in this state
            state = self.snapshots.decode(unit, raw, stored.pieces.get(unit, {}))
            if unit == TALLY:
                assert self._ingress is not None
                self._ingress.tally = state
            else:
                self.states[unit] = state
                self._wakes.set(unit, self.fold.wake_at(state))
        if self.is_replaced:  # hole 4: what is known stays, the new incarnation is read from its beginning
            self.position = low
            self._write_states(self.states)  # before the claim: whoever restores earlier does the same
        elif stored.has_marker:
            self.skip_to(low)
        else:
            self.position = low
        if stored.unsealed:
            tally = {TALLY: self._ingress.tally} if self._ingress is not None else {}
            for output in self.snapshots.seal_anew(stored, {**self.states, **tally}):
                self._outbox.send(output)
        self._write_marker(is_clean=False)  # the claim: from here on older writers lose (hole 2)
        self._outbox.flush()
        for output in self.snapshots.forgotten(stored):
            self._outbox.send(output)

    def skip_to(self, low: int) -> None:
        """Go on at the first offset that the input still has; records that were deleted unread count in `n_lost`.

        Raises:
            GapFound: There are such, and the input is no door.
        """
        if low <= self.position:
            return
        if self._ingress is None:
            raise GapFound(self.fold.name, self.fold.log, self.partition, self.position, low)
        self.n_lost += low - self.position
        self.position = low

    def reached(self, end: int) -> None:
        """Note that there is nothing to read below an offset: a door's last ones may be control records."""
        if self._ingress is not None:
            self.position = max(self.position, end)

    def process(self, record: Record) -> None:
        """Fold one record in and send what comes out; see `process_all`."""
        self.process_all((record,))

    def process_all(self, records: Sequence[Record]) -> None:
        """Fold records in, in order, and send what comes out: the same as one by one.

        Raises:
            GapFound: One is not the next; only a door may have gaps, where a producer used transactions.
            Exception: A bug in the fold; the host halts at this position. A door goes on.
        """
        for start in range(0, len(records), _STRETCH):
            stretch = records[start : start + _STRETCH]
            if self._ingress is not None:
                self._admit_all(stretch, self._ingress)
            else:
                self._take_all(stretch)

    def _is_in_state(self, unit: str, offset: int) -> bool:
        as_of = self._as_of.get(unit)
        if as_of is None:
            return False
        if offset < as_of:
            return True
        del self._as_of[unit]
        return False

    def _step(self, record: Record, event: Event) -> Emitted:
        """Fold an event in, unless its state already holds it; return what is to be sent."""
        unit = self.fold.unit(event.subject)
        if self._as_of and self._is_in_state(unit, record.offset):
            return []
        state = self.states.get(unit)
        if state is None:
            state = self.fold.initial(unit)
        try:
            state, emits = self.fold.step(state, event)
        except Reject:
            raise
        except Exception:
            if unit in self.states:  # stored as far as it came: a replay comes as far
                self._dirty[unit] = None
            raise
        self.n_folded += 1
        self.states[unit] = state
        self._dirty[unit] = None
        self._wakes.set(unit, self.fold.wake_at(state))
        emitted: Emitted = []
        data: Payload | None = None
        for emit in emits:
            if emit.data is not data:  # what goes to several logs is encoded once
                data, payload = emit.data, encode_payload(emit.data)
            emitted.append((emit, payload))
        return emitted

    def due(self, now: int) -> list[tuple[str, int]]:
        """Units whose `wake_at` has come, each once, with the time they waited for; the host appends their ticks."""
        return self._wakes.due(now)

    @property
    def next_wake(self) -> int | None:
        """Earliest time at which `due` may have something, ms."""
        return self._wakes.next

    @property
    def is_dirty(self) -> bool:
        """Whether anything was read since the last marker."""
        return bool(self._dirty) or self.position != self._marked

    def snapshot(self, *, is_clean: bool = False) -> None:
        """Store every changed state, then the marker that closes them."""
        self._outbox.flush()  # all outputs up to `position` are acknowledged before a state says so
        self._write_states(self._dirty)
        self._dirty.clear()
        self._write_marker(is_clean=is_clean)

    def _write_states(self, units: Iterable[str]) -> None:
        place = (self.generation, self.position)
        states: list[tuple[str, Any]] = [(unit, self.states[unit]) for unit in units if unit in self.states]
        if self._ingress is not None:  # first: no other state of a torn snapshot is ahead of the tally
            states.insert(0, (TALLY, self._ingress.tally))
        for unit, state in states:
            for output in self.snapshots.state(unit, state, place):
                self._outbox.send(output)

    def _write_marker(self, *, is_clean: bool) -> None:
        marker = Marker(
            position=self.position,
            now=self.now,
            sources=self._watermarks.sources,
            epoch=self.epoch,
            version=self.version,
            platform=platform.machine(),
            is_clean=is_clean,
            topic_id=self._topic_id,
            generation=self.generation,
        )
        for output in self.snapshots.marker(marker):
            self._outbox.send(output)
        self._marked = self.position
        if self._observer is not None:
            self._observer.committed(self.fold.log, self.partition, self.position)
