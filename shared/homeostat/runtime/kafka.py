"""The Kafka host of folds: one consumer group, one idempotent producer, any number of partitions."""

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from homeostat.codec import Output
from homeostat.core import Fold, Halt
from homeostat.events.logs import SNAPSHOTS
from homeostat.runtime.assignment import Assignment
from homeostat.runtime.cluster import Cluster, low_of
from homeostat.runtime.errors import LogTruncated, RecordUnreadable
from homeostat.runtime.kafka_errors import error_of, is_passing
from homeostat.runtime.kafka_outbox import KafkaOutbox
from homeostat.runtime.pacing import SnapshotPace
from homeostat.runtime.readiness import Readiness
from homeostat.runtime.reading import (
    group_consumer,
    is_unreadable,
    next_readable,
    plain_consumer,
    read_partition,
    record_of,
)
from homeostat.runtime.sealing import seals_of
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.ticks import tick
from homeostat.runtime.tracing import assignment_type
from homeostat.runtime.version import version_of
from homeostat.telemetry import NullTracer, Tracer

log = structlog.get_logger(__name__)
_BATCH: Final = 500
_IDLE_SECONDS: Final = 0.25
_STOP_SECONDS: Final = 0.8
"""A graceful stop is done in under a second, or the process says that the broker is away."""


class KafkaHost:
    """Runs the folds of one service: what they read is its consumer group's subscription.

    Every callback and every step runs in the one thread that calls `run`.

    Args:
        service: Consumer group.
        folds: At most one per topic.
        settings: Of the process.
        cluster: Shared metadata.
        sign: The notary.
        tracer: Told what is emitted.
    """

    def __init__(
        self,
        service: str,
        folds: Sequence[Fold[Any]],
        settings: HostSettings,
        cluster: Cluster,
        sign: Callable[[Output], Output] | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self.service, self._settings, self._cluster = service, settings, cluster
        self._folds = {fold.log: fold for fold in folds}
        self.versions = {fold.name: version_of(fold) for fold in folds}
        self.assignments: dict[tuple[str, int], Assignment[Any]] = {}
        self._paces: dict[tuple[str, int], SnapshotPace] = {}
        self._new_assignment = assignment_type(tracer or NullTracer(), service)
        self.n_rebalances = 0
        self.n_ticks: dict[str, int] = {}
        self.n_lost: dict[tuple[str, str], int] = {}
        self.snapshot_seconds = self.restore_seconds = 0.0
        self._sign = sign
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._readiness = Readiness(service, cluster, lambda: bool(self.assignments))

    @property
    def folds(self) -> list[Fold[Any]]:
        """What it runs."""
        return list(self._folds.values())

    @property
    def problem(self) -> str:
        """Why the service does not work, or nothing; from any thread."""
        return self._readiness.problem

    def stop(self) -> None:
        """Ask for a graceful stop: snapshot, leave the group. From any thread."""
        self._stopping.set()

    def run(self) -> None:
        """Fold until `stop`.

        Raises:
            Halt: A human must act; the message says how.
            Exception: A bug in a fold, noted with its position.
        """
        self._seals = seals_of(self._settings)
        self._outbox = KafkaOutbox(self._settings, self.service, self._sign)
        ready = self._readiness
        consumer = group_consumer(
            self._settings, self.service, ready.client_id, self._cluster.group_protocol, ready.failed
        )
        self._asking = plain_consumer(self._settings, f"{self.service}-asking")
        consumer.subscribe(
            list(self._folds), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )
        next_snapshot = time.monotonic() + self._settings.snapshot_interval_seconds
        while not self._stopping.is_set():
            ready.turned()
            first = consumer.poll(self._timeout(next_snapshot))
            if self._failure is not None:
                raise self._failure
            if first is not None:
                for message in [first, *consumer.consume(_BATCH - 1, 0)]:
                    self._process(consumer, message)
            self._tick()
            if time.monotonic() >= next_snapshot:
                self._snapshot(consumer)
                next_snapshot = time.monotonic() + self._settings.snapshot_interval_seconds
            self._outbox.serve()
        self._outbox.stop_by(time.monotonic() + _STOP_SECONDS)
        self._release(consumer, list(self.assignments))
        consumer.close()

    def _timeout(self, next_snapshot: float) -> float:
        timeout = _IDLE_SECONDS
        if any(a.is_dirty for a in self.assignments.values()):
            timeout = min(timeout, max(0.0, next_snapshot - time.monotonic()))
        wake = min((a.next_wake for a in self.assignments.values() if a.next_wake is not None), default=None)
        return timeout if wake is None else max(0.0, min(timeout, wake / 1000 - time.time()))

    def _process(self, consumer: Consumer, message: Message) -> None:
        topic, partition = message.topic() or "", message.partition() or 0
        assignment = self.assignments.get((topic, partition))
        error = message.error()
        if error is not None and error.fatal():
            raise error_of(self._settings.bootstrap_servers, error)
        if assignment is None:
            return  # left over from before a rebalance, or of no partition: `Readiness` was told
        if error is not None:
            self._beside(consumer, assignment, message, error)
            return
        self._paces[topic, partition].n_read += len(message)
        try:
            assignment.process(record_of(message, self._cluster.topic_id(topic)))
        except Halt:
            raise
        except Exception as bug:
            bug.add_note(
                f"fold {assignment.fold.name} failed at {topic}[{partition}] offset {message.offset()}: it halts here "
                "and loses nothing. Fix the fold and start it again; `homeostat tail` shows the record."
            )
            raise

    def _beside(self, consumer: Consumer, assignment: Assignment[Any], message: Message, error: KafkaError) -> None:
        """Take note of what is no record: the end, an offset that is gone, a batch that cannot be read."""
        topic, offset = assignment.fold.log, message.offset() or 0
        place = TopicPartition(topic, assignment.partition)
        if error.code() == KafkaError._PARTITION_EOF:
            assignment.reached(offset)
        elif is_unreadable(error):
            if not assignment.fold.is_door:
                raise RecordUnreadable(topic, assignment.partition, offset, error.str())
            behind = next_readable(self._settings, topic, assignment.partition, offset)
            self._lost(assignment, "unreadable", behind - max(offset, assignment.position))
            assignment.reached(behind)
            self._go_on(consumer, place, assignment)
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            before, low = assignment.position, low_of(self._asking, place, self._settings.bootstrap_servers)
            if low <= before:
                raise LogTruncated(assignment.fold.name, topic, assignment.partition, before)
            assignment.skip_to(low)
            self._lost(assignment, "retention", low - before)
            self._go_on(consumer, place, assignment)
        elif not is_passing(error):
            raise error_of(self._settings.bootstrap_servers, error)

    @staticmethod
    def _go_on(consumer: Consumer, place: TopicPartition, assignment: Assignment[Any]) -> None:
        consumer.incremental_unassign([place])
        consumer.incremental_assign([TopicPartition(place.topic, place.partition, assignment.position)])

    def _lost(self, assignment: Assignment[Any], why: str, n: int) -> None:
        """Count and say what a door has lost unread."""
        key = (assignment.fold.name, why)
        self.n_lost[key] = self.n_lost.get(key, 0) + n
        log.error(
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

    def _snapshot(self, consumer: Consumer) -> None:
        """Store what is worth it, and say how far everything is: up to there all outputs are acknowledged."""
        started = time.monotonic()
        dirty = [place for place, assignment in self.assignments.items() if assignment.is_dirty]
        for place in dirty:
            pace, assignment = self._paces[place], self.assignments[place]
            if pace.is_due(started):
                before = assignment.snapshots.n_bytes
                assignment.snapshot()
                pace.written(started, assignment.snapshots.n_bytes - before)
        if dirty:
            self._outbox.flush()
            self.snapshot_seconds += time.monotonic() - started
            self._commit(consumer, dirty, is_synchronous=False)

    def _commit(self, consumer: Consumer, places: Sequence[tuple[str, int]], *, is_synchronous: bool) -> None:
        """Commit for display of lag only: a restart begins at the marker."""
        offsets = [TopicPartition(t, p, self.assignments[t, p].position) for t, p in places]
        try:
            if is_synchronous:
                consumer.commit(offsets=offsets, asynchronous=False)
            else:
                consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            log.debug("commit_failed", error=str(error))

    # -- rebalance callbacks; they run inside poll ------------------------------------------------

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self._cluster.load()  # a topic may have been made again since
            for place in partitions:
                self._acquire(consumer, place)
        except BaseException as error:  # the binding would swallow it
            self._failure = error

    def _acquire(self, consumer: Consumer, place: TopicPartition) -> None:
        started = time.monotonic()
        fold = self._folds[place.topic]
        assignment = self._new_assignment(
            fold,
            version=self.versions[fold.name],
            topic_id=self._cluster.topic_id(place.topic),
            partition=place.partition,
            n_partitions=self._cluster.n_partitions,
            outbox=self._outbox,
            writer=secrets.token_hex(4),
            adopt_version=self._settings.adopt_version,
            seals=self._seals,
        )
        snapshots = SNAPSHOTS + fold.name
        low = low_of(self._asking, place, self._settings.bootstrap_servers)
        assignment.restore(
            read_partition(self._settings, snapshots, place.partition, self._cluster.topic_id(snapshots)), low
        )
        if assignment.n_lost:
            self._lost(assignment, "retention", assignment.n_lost)
        if assignment.is_replaced:
            log.warning("door_replaced", door=place.topic, partition=place.partition, position=low)
        self.assignments[place.topic, place.partition] = assignment
        self._paces[place.topic, place.partition] = SnapshotPace(time.monotonic())
        consumer.incremental_assign([TopicPartition(place.topic, place.partition, assignment.position)])
        self.n_rebalances += 1
        self.restore_seconds += time.monotonic() - started
        log.info(
            "partition_assigned",
            fold=fold.name,
            partition=place.partition,
            position=assignment.position,
            n_subjects=len(assignment.states),
            seconds=round(time.monotonic() - started, 3),
        )

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self._release(consumer, [(place.topic, place.partition) for place in partitions])
            consumer.incremental_unassign(partitions)
        except BaseException as error:  # as above
            self._failure = error

    def _release(self, consumer: Consumer, places: Sequence[tuple[str, int]]) -> None:
        places = [place for place in places if place in self.assignments]
        for place in places:
            self.assignments[place].snapshot(is_clean=True)
        if places:
            self._outbox.flush()
            self._commit(consumer, places, is_synchronous=not self._stopping.is_set())
        for place in places:
            del self.assignments[place]

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Another member owns them already: what we have is worth nothing."""
        for place in partitions:
            self.assignments.pop((place.topic, place.partition), None)
        consumer.incremental_unassign(partitions)
