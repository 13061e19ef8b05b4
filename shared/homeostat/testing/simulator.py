"""Seeded made-up runs of one fold with crashes, torn snapshots, zombies, duplicates and delays.

The invariant: what a reader that drops repeats sees is exactly what one uninterrupted fold of the
same input log says, nothing lost, nothing doubled, nothing changed, whatever happened on the way.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.codec import Output, Record, encode_state
from homeostat.core import Fold
from homeostat.events.logs import SNAPSHOTS, Log, snapshot_log
from homeostat.host.assignment import Assignment
from homeostat.host.memory import MemoryLog
from homeostat.host.replay import replay


class Crash(Exception):  # a test's way to stop a process anywhere
    """The process is gone."""


class FaultyOutbox:
    """Queues like a producer: what is queued goes out in order, some time; a crash loses a tail of it.

    Args:
        log: Where it goes.
        random_: Seeded.
    """

    def __init__(self, log: MemoryLog, random_: random.Random) -> None:
        self._log, self._random = log, random_
        self._queue: list[Output] = []
        self.fuse: int | None = None

    def send(self, output: Output) -> None:
        """Queue, and perhaps deliver some of the queue; crash when the fuse has burnt."""
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise Crash
        self._queue.append(output)
        if self._random.random() < 0.3:
            self.deliver(self._random.randint(0, len(self._queue)))

    def deliver(self, n: int) -> None:
        """Write the first `n` of the queue."""
        for output in self._queue[:n]:
            self._log.append(output)
        del self._queue[:n]

    def flush(self) -> None:
        """Write everything."""
        self.deliver(len(self._queue))


@dataclass(slots=True)
class Outcome:
    """What a run was like.

    Args:
        expected: Outputs of one uninterrupted fold, by place.
        seen: Outputs that a reader sees who drops repeats, by place.
        states_equal: Whether the final states are equal too.
        n_crashes: How often a process died.
        n_repeats: Records written more than once.
    """

    expected: dict[tuple[str, int], list[tuple[bytes, bytes]]]
    seen: dict[tuple[str, int], list[tuple[bytes, bytes]]]
    states_equal: bool
    n_crashes: int
    n_repeats: int

    @property
    def is_exact(self) -> bool:
        """Nothing lost, doubled, reordered or changed."""
        return self.expected == self.seen and self.states_equal


class Simulator:
    """Runs one fold over one partition of given input, with faults, from a seed.

    Args:
        fold: Makes a fresh fold.
        inputs: What is written to the fold's log, in order.
        seed: Same seed, same run.
        assignment: Class to run; a test reopens a hole in a subclass.
    """

    def __init__(
        self,
        fold: Callable[[], Fold[Any]],
        inputs: Sequence[Output],
        seed: int,
        assignment: type[Assignment[Any]] = Assignment,
    ) -> None:
        self._make, self._inputs, self._assignment = fold, inputs, assignment
        self.random = random.Random(seed)  # noqa: S311  # a simulation
        self.log = MemoryLog(partitions=1)
        self._fold = fold()
        self._snapshots = snapshot_log(self._fold.name, Log(self._fold.log, "log", "", "", 1))
        self.log.create(self._snapshots)
        self.n_crashes = self._n_writers = 0

    def _open(self, fuse: int | None) -> tuple[Assignment[Any], FaultyOutbox]:
        self._n_writers += 1
        outbox = FaultyOutbox(self.log, self.random)
        outbox.fuse = fuse
        assignment = self._assignment(
            self._make(),
            version="simulated",
            topic_id=self.log.topic_id(self._fold.log),
            partition=0,
            places=self.log.places,
            outbox=outbox,
            writer=f"{self._n_writers:08x}",
        )
        assignment.restore(self._stored())
        return assignment, outbox

    def _stored(self) -> list[Record]:
        """The snapshot topic, compacted at random."""
        records = list(self.log.records(self._snapshots.name, 0))
        last = {record.key: record.offset for record in records}
        return [r for r in records if last[r.key] == r.offset or self.random.random() < 0.5]

    def run(self) -> Outcome:
        """Write the input, fold it with faults until all is folded, compare."""
        waiting = list(self._inputs)
        zombies: list[Assignment[Any]] = []
        current: Assignment[Any] | None = None
        while True:
            try:
                if current is None:
                    current, _ = self._open(self._fuse())
                current = self._act(current, waiting, zombies)
                if current is not None and not waiting and self._at_end(current) and self.random.random() < 0.2:
                    break
            except Crash:
                self.n_crashes += 1
                current = None
        final, outbox = self._open(None)
        while (record := self.log.read(self._fold.log, 0, final.position)) is not None:
            final.process(record)
        final.snapshot(is_clean=True)
        outbox.flush()
        return self._outcome(final)

    def _fuse(self) -> int | None:
        return self.random.choice([None, self.random.randint(0, 60)]) if self.n_crashes < 12 else None

    def _at_end(self, assignment: Assignment[Any]) -> bool:
        return self.log.read(self._fold.log, 0, assignment.position) is None

    def _act(
        self, current: Assignment[Any], waiting: list[Output], zombies: list[Assignment[Any]]
    ) -> Assignment[Any] | None:
        self.log.now += self.random.randint(0, 50)
        match self.random.choices(["write", "fold", "snapshot", "zombie", "wake", "tick"], [5, 8, 2, 0.5, 1, 1])[0]:
            case "write":
                for output in [waiting.pop(0) for _ in range(min(len(waiting), self.random.randint(1, 4)))]:
                    for _ in range(2 if self.random.random() < 0.1 else 1):  # an upstream zombie repeats
                        self.log.append(output)
            case "fold":
                self._fold_some(current)
            case "snapshot":
                current.snapshot()
            case "zombie":
                zombies.append(current)
                return None
            case "wake" if zombies:
                self._wake(self.random.choice(zombies))
            case _:
                pass
        return current

    def _fold_some(self, assignment: Assignment[Any]) -> None:
        for _ in range(self.random.randint(1, 5)):
            record = self.log.read(self._fold.log, 0, assignment.position)
            if record is None:
                return
            assignment.process(record)

    def _wake(self, zombie: Assignment[Any]) -> None:
        """A stopped process goes on where it stood: it folds, writes state, may die in the middle."""
        try:
            self._fold_some(zombie)
            if self.random.random() < 0.7:
                zombie.snapshot()
        except Crash:
            pass

    def _outcome(self, final: Assignment[Any]) -> Outcome:
        records = self.log.records(self._fold.log, 0)
        expected: dict[tuple[str, int], list[tuple[bytes, bytes]]] = defaultdict(list)
        for output in replay(self._make(), records, self.log.places):
            expected[output.topic, output.partition].append(_view(output.headers, output.value))
        seen: dict[tuple[str, int], list[tuple[bytes, bytes]]] = defaultdict(list)
        n_repeats = 0
        for topic in sorted({topic for topic, _ in expected} | {"homeostat.quarantine"}):
            if topic.startswith(SNAPSHOTS):
                continue
            for partition in range(self.log.places(topic)):
                watermark = b""
                for record in self.log.records(topic, partition):
                    sequence = dict(record.headers)["ce_sequence"]
                    if sequence <= watermark:
                        n_repeats += 1
                        continue
                    watermark = sequence
                    seen[topic, partition].append(_view(record.headers, record.value))
        return Outcome(dict(expected), dict(seen), self._same_states(final, records), self.n_crashes, n_repeats)

    def _same_states(self, final: Assignment[Any], records: Sequence[Record]) -> bool:
        fresh, _ = self._open(None)
        clean = Assignment(
            self._make(),
            version="simulated",
            topic_id=self.log.topic_id(self._fold.log),
            partition=0,
            places=self.log.places,
            outbox=FaultyOutbox(MemoryLog(1), self.random),
            writer="clean",
        )
        clean._outbox = _Nowhere()
        for record in records:
            clean.process(record)
        encoded = {unit: encode_state(state) for unit, state in sorted(clean.states.items())}
        return (
            encoded
            == {unit: encode_state(state) for unit, state in sorted(final.states.items())}
            == {unit: encode_state(state) for unit, state in sorted(fresh.states.items())}
        )


class _Nowhere:
    def send(self, output: Output) -> None:
        """Forget it."""

    def flush(self) -> None:
        """Nothing."""


def _view(headers: Any, value: bytes | None) -> tuple[bytes, bytes]:
    return b"\0".join(name.encode() + b"=" + text for name, text in headers if name.startswith("ce_")), value or b""
