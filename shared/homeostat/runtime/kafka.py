"""The Kafka host of folds: one consumer group, one idempotent producer, any number of partitions."""

import secrets
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import structlog
from confluent_kafka import TopicPartition

from homeostat.codec import Output, Record
from homeostat.core import Fold, Halt
from homeostat.events.logs import SNAPSHOTS
from homeostat.runtime.assignment import Assignment
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.consumer_loop import ConsumerLoop
from homeostat.runtime.errors import LogTruncated, RecordUnreadable
from homeostat.runtime.kafka_outbox import KafkaOutbox
from homeostat.runtime.observer import HostObserver
from homeostat.runtime.pacing import SnapshotPace
from homeostat.runtime.reading import read_partition
from homeostat.runtime.sealing import seals_of
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.strategy import IDLE_SECONDS, Partition, Strategy
from homeostat.runtime.ticks import tick
from homeostat.runtime.version import version_of

logger = structlog.get_logger(__name__)
_STOP_SECONDS: Final = 0.8
"""A graceful stop is done in under a second, or the process says that the broker is away."""


class KafkaHost(Strategy):
    """Runs the folds of one service: what they read is its consumer group's subscription.

    Every callback and every step runs in the one thread that calls `run`. What is committed is for display of lag only:
    a restart begins at the marker.

    Args:
        service: Consumer group.
        folds: At most one per topic.
        settings: Of the process.
        cluster: Shared metadata.
        sign: Adds the notary's signature to what binds others.
        observer: Told of what happens.
    """

    def __init__(
        self,
        service: str,
        folds: Sequence[Fold[Any]],
        settings: HostSettings,
        cluster: Cluster,
        sign: Callable[[Output], Output] | None = None,
        observer: HostObserver | None = None,
    ) -> None:
        self.service, self._settings, self._cluster = service, settings, cluster
        self._folds = {fold.log: fold for fold in folds}
        self.versions = {fold.name: version_of(fold) for fold in folds}
        self.assignments: dict[Partition, Assignment[Any]] = {}
        self._paces: dict[Partition, SnapshotPace] = {}
        self.n_rebalances = 0
        self.n_ticks: dict[str, int] = {}
        self.n_lost: dict[tuple[str, str], int] = {}
        self.snapshot_seconds = self.restore_seconds = 0.0
        self._sign, self._observer = sign, observer
        self._loop = ConsumerLoop(service, settings, cluster, self, self._folds)
        self._next_snapshot = 0.0

    @property
    def folds(self) -> list[Fold[Any]]:
        """What it runs."""
        return list(self._folds.values())

    @property
    def problem(self) -> str:
        """Why the service does not work, or nothing; from any thread."""
        return self._loop.problem

    def stop(self) -> None:
        """Ask for a graceful stop: snapshot, leave the group. From any thread, and from a signal handler."""
        self._loop.stop()

    def run(self) -> None:
        """Fold until `stop`.

        Raises:
            Halt: A human must act; the message says how.
            Exception: A bug in a fold, noted with its position.
        """
        self._seals = seals_of(self._settings)
        self._outbox = KafkaOutbox(self._settings, self.service, self._sign)
        self._next_snapshot = time.monotonic() + self._settings.snapshot_interval_seconds
        self._loop.run()

    def flush(self) -> None:
        """Wait until every output is acknowledged. From the thread that runs the loop, as an observer may."""
        self._outbox.flush()

    # -- what the loop asks for -------------------------------------------------------------------

    def assigned(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Restore each partition and claim it; return where it stands."""
        return {partition: self._acquire(partition) for partition in partitions}

    def process(self, partition: Partition, records: Sequence[Record]) -> None:
        """Fold records in; a bug halts at its position."""
        assignment = self.assignments[partition]
        self._paces[partition].n_read += sum([len(record.value or b"") for record in records])
        try:
            assignment.process_all(records)
        except Halt:
            raise
        except Exception as bug:
            topic, number = partition
            bug.add_note(
                f"fold {assignment.fold.name} failed at {topic}[{number}] offset {assignment.position - 1}: it halts "
                "here and loses nothing. Fix the fold and start it again; `homeostat tail` shows the record."
            )
            raise

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """Store everything, for whoever goes on."""
        self._release(partitions)

    def lost(self, partitions: Sequence[Partition]) -> None:
        """Another member owns them already: what we have is worth nothing."""
        for partition in partitions:
            self.assignments.pop(partition, None)

    def reached(self, partition: Partition, offset: int) -> None:
        """A door's last records may be control records, which nobody reads."""
        self.assignments[partition].reached(offset)

    def passes_over(self, partition: Partition, offset: int, reason: str) -> bool:
        """See `Strategy.passes_over`: only a door goes on behind a batch that cannot be read.

        Raises:
            RecordUnreadable: It is no door.
        """
        if not self.assignments[partition].fold.is_door:
            raise RecordUnreadable(*partition, offset, reason)
        return True

    def skipped(self, partition: Partition, offset: int, end: int) -> int:
        """See `Strategy.skipped`: counts what a door has lost."""
        assignment = self.assignments[partition]
        self._lost(assignment, "unreadable", end - max(offset, assignment.position))
        assignment.reached(end)
        return assignment.position

    def truncated(self, partition: Partition, low: int, reason: str) -> int:
        """See `Strategy.truncated`: counts what a door has lost to retention.

        Raises:
            LogTruncated: The log ends before the position.
            GapFound: It is no door.
        """
        assignment = self.assignments[partition]
        before = assignment.position
        if low <= before:
            raise LogTruncated(assignment.fold.name, *partition, before)
        assignment.skip_to(low)
        self._lost(assignment, "retention", low - before)
        return assignment.position

    def timeout(self) -> float:
        """Until the next snapshot or tick, at most."""
        timeout = IDLE_SECONDS
        if any(a.is_dirty for a in self.assignments.values()):
            timeout = min(timeout, max(0.0, self._next_snapshot - time.monotonic()))
        wake = min((a.next_wake for a in self.assignments.values() if a.next_wake is not None), default=None)
        return timeout if wake is None else max(0.0, min(timeout, wake / 1000 - time.time()))

    def turned(self) -> None:
        """Send ticks, store snapshots, let outputs go out."""
        self._tick()
        if time.monotonic() >= self._next_snapshot:
            self._snapshot()
            self._next_snapshot = time.monotonic() + self._settings.snapshot_interval_seconds
        self._outbox.serve()
        if self._observer is not None:
            self._observer.turned()

    def stopped(self) -> None:
        """Store everything within the time that a stop has."""
        self._outbox.stop_by(time.monotonic() + _STOP_SECONDS)
        self._release(list(self.assignments))

    # -- how ------------------------------------------------------------------------------------

    def _lost(self, assignment: Assignment[Any], why: str, n: int) -> None:
        """Count and say what a door has lost unread."""
        key = (assignment.fold.name, why)
        self.n_lost[key] = self.n_lost.get(key, 0) + n
        logger.error(
            "door_records_lost",
            door=assignment.fold.log,
            partition=assignment.partition,
            n_records=n,
            why=why,
            position=assignment.position,
        )

    def _tick(self) -> None:
        now = int(time.time() * 1000)
        for (topic, partition), assignment in self.assignments.items():
            for unit, due in assignment.due(now):
                self.n_ticks[assignment.fold.name] = self.n_ticks.get(assignment.fold.name, 0) + 1
                self._outbox.send(tick(topic, partition, unit, assignment.fold.name, due))

    def _snapshot(self) -> None:
        """Store what is worth it, and say how far everything is: up to there all outputs are acknowledged."""
        started = time.monotonic()
        dirty = [partition for partition, assignment in self.assignments.items() if assignment.is_dirty]
        for partition in dirty:
            pace, assignment = self._paces[partition], self.assignments[partition]
            if pace.is_due(started):
                before = assignment.snapshots.n_bytes
                assignment.snapshot()
                pace.written(started, assignment.snapshots.n_bytes - before)
        if dirty:
            self._outbox.flush()
            self.snapshot_seconds += time.monotonic() - started
            self._commit(dirty, is_synchronous=False)

    def _commit(self, partitions: Collection[Partition], *, is_synchronous: bool) -> None:
        positions = [TopicPartition(*partition, self.assignments[partition].position) for partition in partitions]
        self._loop.commit(positions, is_synchronous=is_synchronous)

    def _acquire(self, place: Partition) -> int:
        started, (topic, partition) = time.monotonic(), place
        fold = self._folds[topic]
        assignment = Assignment(
            fold,
            version=self.versions[fold.name],
            topic_id=self._cluster.topic_id(topic),
            partition=partition,
            n_partitions=self._cluster.n_partitions,
            outbox=self._outbox,
            writer=secrets.token_hex(4),
            adopt_version=self._settings.adopt_version,
            seals=self._seals,
            observer=self._observer,
        )
        snapshots, low = SNAPSHOTS + fold.name, self._loop.low(place)
        assignment.restore(read_partition(self._settings, snapshots, partition, self._cluster.topic_id(snapshots)), low)
        if assignment.n_lost:
            self._lost(assignment, "retention", assignment.n_lost)
        if assignment.is_replaced:
            logger.warning("door_replaced", door=topic, partition=partition, position=low)
        self.assignments[place] = assignment
        self._paces[place] = SnapshotPace(time.monotonic())
        self.n_rebalances += 1
        self.restore_seconds += time.monotonic() - started
        logger.info(
            "partition_assigned",
            fold=fold.name,
            partition=partition,
            position=assignment.position,
            n_subjects=len(assignment.states),
            seconds=round(time.monotonic() - started, 3),
        )
        return assignment.position

    def _release(self, partitions: Collection[Partition]) -> None:
        held = [partition for partition in partitions if partition in self.assignments]
        for partition in held:
            self.assignments[partition].snapshot(is_clean=True)
        if held:
            self._outbox.flush()
            self._commit(held, is_synchronous=not self._loop.is_stopping)
        for partition in held:
            del self.assignments[partition]
