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
from homeostat.host.assignment import Assignment
from homeostat.host.connection import Cluster, KafkaOutbox, group_consumer, plain_consumer, read_partition, record_of
from homeostat.host.memory import tick
from homeostat.host.settings import HostSettings
from homeostat.host.traced import assignment_type
from homeostat.host.version import version_of
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
        seal: The notary.
        tracer: Told what is emitted.
    """

    def __init__(
        self,
        service: str,
        folds: Sequence[Fold[Any]],
        settings: HostSettings,
        cluster: Cluster,
        seal: Callable[[Output], Output] | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self.service, self._settings, self._cluster = service, settings, cluster
        self._folds = {fold.log: fold for fold in folds}
        self.versions = {fold.name: version_of(fold) for fold in folds}
        self.assignments: dict[tuple[str, int], Assignment[Any]] = {}
        self._new_assignment = assignment_type(tracer or NullTracer(), service)
        self.n_rebalances = 0
        self.n_ticks: dict[str, int] = {}
        self.snapshot_seconds = self.restore_seconds = 0.0
        self._seal = seal
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self.is_ready = False

    def stop(self) -> None:
        """Ask for a graceful stop: snapshot, leave the group. From any thread."""
        self._stopping.set()

    def run(self) -> None:
        """Fold until `stop`.

        Raises:
            Halt: A human must act; the message says how.
            Exception: A bug in a fold, noted with its position.
        """
        self._outbox = KafkaOutbox(self._settings, self.service, self._seal)
        consumer = group_consumer(self._settings, self.service, self.service)
        self._asking = plain_consumer(self._settings, f"{self.service}-asking")
        consumer.subscribe(
            list(self._folds), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )
        self.is_ready, next_snapshot = True, time.monotonic() + self._settings.snapshot_interval_seconds
        while not self._stopping.is_set():
            first = consumer.poll(self._timeout(next_snapshot))
            if self._failure is not None:
                raise self._failure
            if first is not None:
                for message in [first, *consumer.consume(_BATCH - 1, 0)]:
                    self._process(message)
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

    def _process(self, message: Message) -> None:
        error = message.error()
        if error is not None:
            if error.code() != KafkaError._AUTO_OFFSET_RESET and not error.fatal():
                log.warning("consume_failed", topic=message.topic(), error=error.str())
                return
            raise Halt(f"{message.topic()}[{message.partition()}]: {error.str()}; the offset is gone from the log")
        topic, partition = message.topic() or "", message.partition() or 0
        assignment = self.assignments.get((topic, partition))
        if assignment is None:
            return  # left over from before a rebalance
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

    def _tick(self) -> None:
        now = int(time.time() * 1000)
        for (topic, partition), assignment in self.assignments.items():
            for unit, due in assignment.due(now):
                self.n_ticks[assignment.fold.name] = self.n_ticks.get(assignment.fold.name, 0) + 1
                self._outbox.send(tick(topic, partition, unit, assignment.fold.name, due))

    def _snapshot(self, consumer: Consumer) -> None:
        started = time.monotonic()
        dirty = [place for place, assignment in self.assignments.items() if assignment.is_dirty]
        for place in dirty:
            self.assignments[place].snapshot()
        if dirty:
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
            places=self._cluster.places,
            outbox=self._outbox,
            writer=secrets.token_hex(4),
            adopt_version=self._settings.adopt_version,
        )
        snapshots = SNAPSHOTS + fold.name
        low, _ = self._asking.get_watermark_offsets(place, timeout=10.0, cached=False)
        assignment.restore(
            read_partition(self._settings, snapshots, place.partition, self._cluster.topic_id(snapshots)), low
        )
        self.assignments[place.topic, place.partition] = assignment
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
