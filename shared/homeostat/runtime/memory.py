"""The in-memory log and host: the same algorithm without a broker, in virtual time.

A twin for speed and simulation, under the same conformance suite as the real thing. Exactly-once is
claimed from a real broker only.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from homeostat.codec import Output, Record
from homeostat.codec.envelope import envelope
from homeostat.core import Fold
from homeostat.events.logs import LOGS, Log, snapshot_log
from homeostat.runtime.assignment import Assignment
from homeostat.runtime.observer import HostObserver
from homeostat.runtime.sealing import Seals
from homeostat.runtime.ticks import tick
from homeostat.runtime.version import version_of


class MemoryLog:
    """Topics of records in memory, with one virtual clock.

    Args:
        partitions: Of every topic that does not say.
        start_ms: The clock's first value.
    """

    def __init__(self, partitions: int = 2, start_ms: int = 1_700_000_000_000) -> None:
        self.now = start_ms
        self.default_partitions, self.n_writers = partitions, 0
        self._topics: dict[str, list[list[Record | None]]] = {}
        self._lows: dict[tuple[str, int], int] = {}
        self._ids: dict[str, str] = {}
        self._generation = 0
        for log in LOGS:
            self.create(log)

    def create(self, log: Log) -> None:
        """Create a topic, or create it again with another id and no records."""
        self._generation += 1
        self._topics[log.name] = [[] for _ in range(log.partitions or self.default_partitions)]
        self._lows = {place: low for place, low in self._lows.items() if place[0] != log.name}
        self._ids[log.name] = hashlib.sha256(f"{log.name}{self._generation}".encode()).hexdigest()[:16]

    def topics(self) -> list[str]:
        """Names of all topics, sorted."""
        return sorted(self._topics)

    def n_partitions(self, topic: str) -> int:
        """Number of partitions of a topic."""
        return len(self._topics[topic])

    def topic_id(self, topic: str) -> str:
        """Incarnation of a topic."""
        return self._ids[topic]

    def has(self, topic: str) -> bool:
        """Whether the topic exists."""
        return topic in self._topics

    def append(self, output: Output) -> Record:
        """Write one record; its timestamp is the clock's."""
        records = self._topics[output.topic][output.partition]
        record = Record(
            output.topic,
            self._ids[output.topic],
            output.partition,
            len(records),
            self.now,
            output.key,
            output.value,
            list(output.headers),
        )
        records.append(record)
        return record

    def skip(self, topic: str, partition: int, n: int = 1) -> None:
        """Use up offsets as a broker does for a transaction's control records: nobody reads them.

        Args:
            topic: Which.
            partition: Of it.
            n: Offsets.
        """
        self._topics[topic][partition] += [None] * n

    def delete_before(self, topic: str, partition: int, offset: int) -> None:
        """Delete the oldest records of a partition, as retention does.

        Args:
            topic: Which.
            partition: Of it.
            offset: First that stays.
        """
        self._lows[topic, partition] = offset

    def low(self, topic: str, partition: int) -> int:
        """First offset that a partition still has."""
        return self._lows.get((topic, partition), 0)

    def end(self, topic: str, partition: int) -> int:
        """Offset of the next record of a partition."""
        return len(self._topics[topic][partition])

    def records(self, topic: str, partition: int, offset: int = 0) -> Sequence[Record]:
        """Records of a partition from an offset on.

        Args:
            topic: Which.
            partition: Of it.
            offset: From which on.
        """
        start = max(offset, self.low(topic, partition))
        return [record for record in self._topics[topic][partition][start:] if record is not None]

    def read(self, topic: str, partition: int, offset: int) -> Record | None:
        """The first record at an offset or after it, or None at the end.

        Args:
            topic: Which.
            partition: Of it.
            offset: From which on.
        """
        records = self._topics[topic][partition]
        for at in range(max(offset, self.low(topic, partition)), len(records)):
            if records[at] is not None:
                return records[at]
        return None

    def all(self, topic: str) -> Iterator[Record]:
        """Every record of a topic, partition by partition."""
        for partition in range(self.n_partitions(topic)):
            yield from self.records(topic, partition)

    def publish(
        self, topic: str, subject: str, data: Any, *, id_: str, source: str, headers: Iterable[Any] = ()
    ) -> None:
        """Write one payload to a door, as a client would.

        Args:
            topic: Ingress topic.
            subject: Key.
            data: Payload.
            id_: Of the event.
            source: Of the event.
            headers: Besides those of the envelope.
        """
        n = self.n_partitions(topic)
        output = envelope(topic, subject, data, id_=id_, source=source, time=self.now, n_partitions=n)
        output.headers += headers
        self.append(output)


class MemoryOutbox:
    """Writes to a `MemoryLog`, optionally through a transformation (the signature)."""

    def __init__(self, log: MemoryLog, sign: Callable[[Output], Output] | None = None) -> None:
        self._log, self._sign = log, sign

    def send(self, output: Output) -> None:
        """Append at once."""
        self._log.append(self._sign(output) if self._sign else output)

    def flush(self) -> None:
        """Nothing is ever in flight."""


class MemoryHost:
    """Runs one fold over all partitions of its log.

    Args:
        log: The log.
        fold: The fold.
        sign: Notary's signature on what the fold sends.
        seals: What its snapshots are sealed with.
        observer: Told of what happens.
    """

    def __init__(
        self,
        log: MemoryLog,
        fold: Fold[Any],
        sign: Callable[[Output], Output] | None = None,
        seals: Seals | None = None,
        observer: HostObserver | None = None,
    ) -> None:
        self.log, self.fold, self.version = log, fold, version_of(fold)
        self.sign, self.seals, self._observer = sign, seals, observer
        snapshots = snapshot_log(fold.name, Log(fold.log, "log", "", "", log.n_partitions(fold.log)))
        if not log.has(snapshots.name):
            log.create(snapshots)
        self.assignments = [self.assign(partition) for partition in range(log.n_partitions(fold.log))]

    def assign(self, partition: int) -> Assignment[Any]:
        """Open a partition: restore and claim."""
        self.log.n_writers += 1  # of all hosts: no two have the same
        assignment = Assignment(
            self.fold,
            version=self.version,
            topic_id=self.log.topic_id(self.fold.log),
            partition=partition,
            n_partitions=self.log.n_partitions,
            outbox=MemoryOutbox(self.log, self.sign),
            writer=f"{self.log.n_writers:08x}",
            seals=self.seals,
            observer=self._observer,
        )
        snapshots = self.log.records(snapshot_log(self.fold.name, LOGS[0]).name, partition)
        assignment.restore(snapshots, self.log.low(self.fold.log, partition))
        return assignment

    def run(self) -> int:
        """Fold everything that is there; return how many records were read."""
        n = 0
        for assignment in self.assignments:
            while (record := self.log.read(self.fold.log, assignment.partition, assignment.position)) is not None:
                assignment.process(record)
                n += 1
        return n

    def tick(self) -> int:
        """Append the ticks that are due; return how many."""
        n = 0
        for assignment in self.assignments:
            for unit, due in assignment.due(self.log.now):
                self.log.append(tick(self.fold.log, assignment.partition, unit, self.fold.name, due))
                n += 1
        return n

    @property
    def next_wake(self) -> int | None:
        """Earliest time at which a tick is due."""
        return min((a.next_wake for a in self.assignments if a.next_wake is not None), default=None)
