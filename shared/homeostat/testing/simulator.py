"""Made-up runs of one fold with crashes, torn snapshots, zombies, duplicates, delays, and a topic that is made again.

The invariant: what a reader that drops repeats sees is exactly what one uninterrupted fold of the
same input log says, nothing lost, nothing doubled, nothing changed, whatever happened on the way.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from homeostat.codec import Output, Record, encode_state
from homeostat.core import Fold
from homeostat.events.logs import SNAPSHOTS, Log, by_name, snapshot_log
from homeostat.runtime.assignment import Assignment
from homeostat.runtime.errors import SnapshotDamaged
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.snapshots import SnapshotWriter
from homeostat.testing.faulty_outbox import Crash, FaultyOutbox
from homeostat.testing.traces import Step

_CHUNK_BYTES: Final = 12
"""So small that every state is stored in several records, which a crash tears apart."""

_Seen = dict[tuple[str, int], list[tuple[bytes, bytes]]]


class SmallChunks(SnapshotWriter):
    """Stores every state in several records."""

    def __init__(self, fold: Fold[Any], partition: int, writer: str) -> None:
        super().__init__(fold, partition, writer, _CHUNK_BYTES)


@dataclass(slots=True)
class Outcome:
    """What a run was like.

    Args:
        expected: Outputs of one uninterrupted fold, by place.
        seen: Outputs that a reader sees who drops repeats, by place.
        states_equal: Whether the final states are equal too.
        n_crashes: How often a process died.
        n_repeats: Records written more than once.
        halt: What a process has said that stopped for a human; nothing can be compared then.
    """

    expected: _Seen
    seen: _Seen
    states_equal: bool
    n_crashes: int
    n_repeats: int
    halt: str = ""

    @property
    def is_exact(self) -> bool:
        """Nothing lost, doubled, reordered or changed, and nobody had to be called."""
        return self.expected == self.seen and self.states_equal and not self.halt


@dataclass(slots=True)
class _Process:
    """One that owns the partition, or thinks so; before its claim it has only read the snapshots."""

    assignment: Assignment[Any]
    outbox: FaultyOutbox
    topic_id: str
    stored: list[Record] | None = None

    def claim(self) -> None:
        if self.stored is not None:
            stored, self.stored = self.stored, None
            self.assignment.restore(stored)


class Simulator:
    """Runs one fold over one partition of given input, with faults.

    Args:
        fold: Makes a fresh fold.
        inputs: What is written to the fold's log, in order.
        steps: What happens, see `traces.plan`.
        assignment: Class to run; a test reopens a hole in a subclass.
    """

    def __init__(
        self,
        fold: Callable[[], Fold[Any]],
        inputs: Sequence[Output],
        steps: Sequence[Step],
        assignment: type[Assignment[Any]] = Assignment,
    ) -> None:
        if assignment.new_snapshots is SnapshotWriter:
            assignment = type("Simulated", (assignment,), {"new_snapshots": SmallChunks})
        self._make, self._waiting, self._steps = fold, list(inputs), steps
        self._assignment = assignment
        self.chance = random.Random(0)  # noqa: S311  # set anew by every step
        self.log = MemoryLog(partitions=1)
        self._fold = fold()
        self._snapshots = snapshot_log(self._fold.name, Log(self._fold.log, "log", "", "", 1))
        self.log.create(self._snapshots)
        self._zombies: list[_Process] = []
        self._owner: _Process | None = None
        self._incarnations: list[Sequence[Record]] = []
        self.n_crashes = self._n_writers = 0

    def run(self) -> Outcome:
        """Let it happen, fold what is left, compare."""
        try:
            return self._run()
        except SnapshotDamaged as halt:
            return Outcome({}, {}, False, self.n_crashes, 0, str(halt))

    def _run(self) -> Outcome:
        for step in self._steps:
            self.chance.seed(step.seed)
            self.log.now += self.chance.randint(0, 50)
            try:
                self._play(step)
            except Crash:
                self.n_crashes += 1
                self._owner = None
        self._write(len(self._waiting))
        final = self._catch_up()
        self._incarnations.append(self.log.records(self._fold.log, 0))
        return self._outcome(final.assignment)

    def _play(self, step: Step) -> None:
        owner = self._own() if step.op in ("fold", "snapshot", "fuse", "crash", "stop") else None
        match step.op:
            case "write":
                self._write(step.n)
            case "fold" if owner:
                self._fold_some(owner, step.n)
            case "snapshot" if owner:
                owner.assignment.snapshot()
            case "fuse" if owner:
                owner.outbox.fuse = step.n
            case "crash":
                raise Crash
            case "stop" if owner:
                self._zombies.append(owner)
                self._owner = None
            case "stall":
                self._zombies.append(self._open())
            case "wake" if self._zombies:
                self._wake(self._zombies[step.n % len(self._zombies)])
            case "recreate":
                self._recreate()

    def _own(self) -> _Process:
        if self._owner is None:
            self._owner = self._open()
            self._owner.claim()
        return self._owner

    def _open(self) -> _Process:
        self._n_writers += 1
        outbox, topic_id = FaultyOutbox(self.log, self.chance), self.log.topic_id(self._fold.log)
        assignment = self._assignment(
            self._make(),
            version="simulated",
            topic_id=topic_id,
            partition=0,
            n_partitions=self.log.n_partitions,
            outbox=outbox,
            writer=f"{self._n_writers:08x}",
        )
        return _Process(assignment, outbox, topic_id, self._stored())

    def _stored(self) -> list[Record]:
        """The snapshot topic, compacted at random."""
        records = list(self.log.records(self._snapshots.name, 0))
        last = {record.key: record.offset for record in records}
        return [r for r in records if last[r.key] == r.offset or self.chance.random() < 0.5]

    def _write(self, n: int) -> None:
        for _ in range(min(len(self._waiting), n)):
            output = self._waiting.pop(0)
            for _ in range(2 if self.chance.random() < 0.1 else 1):  # an upstream zombie repeats
                self.log.append(output)

    def _fold_some(self, process: _Process, n: int) -> None:
        for _ in range(n):
            record = self.log.read(self._fold.log, 0, process.assignment.position)
            if record is None or process.topic_id != record.topic_id:
                return
            process.assignment.process(record)

    def _wake(self, zombie: _Process) -> None:
        """A stopped process goes on where it stood: it folds, writes state, may die in the middle."""
        try:
            zombie.claim()
            self._fold_some(zombie, self.chance.randint(1, 5))
            if self.chance.random() < 0.7:
                zombie.assignment.snapshot()
        except Crash:
            self._zombies.remove(zombie)

    def _catch_up(self) -> _Process:
        """Fold and store all there is, undisturbed."""
        process = self._open()
        process.claim()
        while (record := self.log.read(self._fold.log, 0, process.assignment.position)) is not None:
            process.assignment.process(record)
        process.assignment.snapshot(is_clean=True)
        process.outbox.flush()
        return process

    def _recreate(self) -> None:
        """Delete the input when all of it is folded, and make it again."""
        self._owner = None
        self._catch_up()
        self._incarnations.append(self.log.records(self._fold.log, 0))
        self.log.create(by_name(self._fold.log))

    def _outcome(self, final: Assignment[Any]) -> Outcome:
        clean, states = self._clean()
        expected = self._views(clean, drops_repeats=False)[0]
        seen, n_repeats = self._views(self.log, drops_repeats=True)
        fresh = self._open()
        fresh.claim()
        equal = states == _encoded(final) == _encoded(fresh.assignment)
        return Outcome(expected, seen, equal, self.n_crashes, n_repeats)

    def _clean(self) -> tuple[MemoryLog, dict[str, bytes]]:
        """Fold every incarnation of the input without a fault, on a log of its own."""
        log = MemoryLog(partitions=1)
        log.create(self._snapshots)
        states: dict[str, bytes] = {}
        for records in self._incarnations:
            assignment: Assignment[Any] = Assignment(
                self._make(),
                version="simulated",
                topic_id=records[0].topic_id if records else "",
                partition=0,
                n_partitions=log.n_partitions,
                outbox=FaultyOutbox(log, None),
                writer=f"clean{len(states)}",
            )
            assignment.restore(log.records(self._snapshots.name, 0))
            for record in records:
                assignment.process(record)
            assignment.snapshot(is_clean=True)
            states = _encoded(assignment)
        return log, states

    def _views(self, log: MemoryLog, *, drops_repeats: bool) -> tuple[_Seen, int]:
        """What a reader of all output logs sees of this fold."""
        seen: _Seen = defaultdict(list)
        ours, watermarks, n_repeats = f"/homeostat/{self._fold.name}/".encode(), dict[tuple[str, bytes], bytes](), 0
        for record in (r for topic in log.topics() if not topic.startswith(SNAPSHOTS) for r in log.all(topic)):
            headers = dict(record.headers)
            source = (record.topic, headers.get("ce_source") or b"")
            if not source[1].startswith(ours):
                continue
            if drops_repeats and headers["ce_sequence"] <= watermarks.get(source, b""):
                n_repeats += 1
                continue
            watermarks[source] = headers["ce_sequence"]
            seen[record.topic, record.partition].append(_view(record))
        return dict(seen), n_repeats


def _encoded(assignment: Assignment[Any]) -> dict[str, bytes]:
    return {unit: encode_state(state) for unit, state in sorted(assignment.states.items())}


def _view(record: Record) -> tuple[bytes, bytes]:
    lines = (name.encode() + b"=" + text for name, text in record.headers if name.startswith("ce_"))
    return b"\0".join(lines), record.value or b""
