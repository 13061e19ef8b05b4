"""The Kafka host of a hand: at-least-once, brakes read to the end before each effect."""

import threading
import time
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from homeostat.runtime.cluster import Cluster, low_of
from homeostat.runtime.hands import HandRunner
from homeostat.runtime.kafka_errors import asked, error_of, is_passing
from homeostat.runtime.kafka_outbox import KafkaOutbox
from homeostat.runtime.readiness import Readiness
from homeostat.runtime.reading import group_consumer, plain_consumer, read_partition, record_of
from homeostat.runtime.settings import HostSettings

log = structlog.get_logger(__name__)
_BUSY_SECONDS: Final = 0.01
_IDLE_SECONDS: Final = 0.25
_BROKER_SECONDS: Final = 1.0
"""A hand starts nothing after this long without the broker."""
_STOP_SECONDS: Final = 0.8
_ASK_SECONDS: Final = 10.0


class KafkaHands:
    """Runs one hand: reads commands, asks the runner what may start, sends its reports, then commits.

    A command is committed only when its last report is acknowledged, so a killed hand takes it up again.

    Args:
        service: Consumer group.
        runner: Of the hand.
        settings: Of the process.
        cluster: Shared metadata.
    """

    def __init__(self, service: str, runner: HandRunner, settings: HostSettings, cluster: Cluster) -> None:
        self.service, self.runner, self._settings, self._cluster = service, runner, settings, cluster
        self._readiness = Readiness(service, cluster, lambda: bool(self._positions))
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._positions: dict[tuple[str, int], int] = {}
        self._committed: dict[tuple[str, int], int] = {}

    @property
    def positions(self) -> dict[tuple[str, int], int]:
        """Offset that each partition is read up to. From any thread."""
        return dict(self._positions)

    @property
    def problem(self) -> str:
        """Why the hand does not act, or nothing; from any thread."""
        return self._readiness.problem

    def stop(self) -> None:
        """Ask for a graceful stop. From any thread."""
        self._stopping.set()

    def run(self) -> None:
        """Act until `stop`."""
        self._outbox = KafkaOutbox(self._settings, self.service)
        ready = self._readiness
        consumer = group_consumer(
            self._settings, self.service, ready.client_id, self._cluster.group_protocol, ready.failed
        )
        self._asking = plain_consumer(self._settings, f"{self.service}-asking")
        consumer.subscribe(
            list(self.runner.hand.logs), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )
        while not self._stopping.is_set():
            ready.turned()
            self._read(consumer, _BUSY_SECONDS if self.runner.is_busy else _IDLE_SECONDS)
            if self.runner.is_waiting and self._read_to_end(consumer):
                self.runner.start_ready(int(time.time() * 1000))
            self._report()
            self._commit(consumer)
        self._outbox.stop_by(time.monotonic() + _STOP_SECONDS)
        self.runner.cancel()
        self._outbox.flush()
        consumer.close()

    def _read(self, consumer: Consumer, timeout: float) -> None:
        first = consumer.poll(timeout)
        if self._failure is not None:
            raise self._failure
        for message in [first, *consumer.consume(100, 0)] if first is not None else []:
            error = message.error()
            topic, partition = message.topic() or "", message.partition() or 0
            if error is not None:
                self._beside(consumer, TopicPartition(topic, partition), error)
            elif (topic, partition) in self._positions:
                self._positions[topic, partition] = (message.offset() or 0) + 1
                self.runner.take(record_of(message, self._cluster.topic_id(topic)), message.timestamp()[1])

    def _beside(self, consumer: Consumer, place: TopicPartition, error: KafkaError) -> None:
        """Take note of what is no record: the end, or an offset that is gone."""
        if error.code() == KafkaError._PARTITION_EOF or is_passing(error):
            return
        servers = self._settings.bootstrap_servers
        if error.fatal() or error.code() != KafkaError._AUTO_OFFSET_RESET:
            raise error_of(servers, error)
        low = low_of(self._asking, place, servers)
        log.error("commands_lost", topic=place.topic, partition=place.partition, position=low, error=error.str())
        self._positions[place.topic, place.partition] = low
        consumer.incremental_unassign([place])
        consumer.incremental_assign([TopicPartition(place.topic, place.partition, low)])

    def _read_to_end(self, consumer: Consumer) -> bool:
        """Read every policy partition up to its present end, so that no brake is overlooked."""
        deadline = time.monotonic() + _BROKER_SECONDS
        try:
            ends = {
                place: self._asking.get_watermark_offsets(
                    TopicPartition(*place), timeout=max(0.05, deadline - time.monotonic()), cached=False
                )[1]
                for place in self.runner.waiting_places()
            }
        except KafkaException as error:
            log.warning("broker_away", error=str(error), hint="commands wait until it is back")
            return False
        while any(self._positions.get(place, end) < end for place, end in ends.items()):
            if time.monotonic() > deadline or self._stopping.is_set():
                return False
            self._read(consumer, _BUSY_SECONDS)
        return True

    def _report(self) -> None:
        outputs = self.runner.poll(self._cluster.n_partitions)
        for output in outputs:
            self._outbox.send(output)
        if outputs:
            self._outbox.flush()

    def _commit(self, consumer: Consumer) -> None:
        due: list[TopicPartition] = []
        for (topic, partition), position in self._positions.items():
            oldest = self.runner.oldest(topic, partition)
            offset = position if oldest is None else min(position, oldest)
            if self._committed.get((topic, partition)) != offset:
                due.append(TopicPartition(topic, partition, offset, self._cluster.topic_id(topic)))
                self._committed[topic, partition] = offset
        if due:
            try:
                consumer.commit(offsets=due, asynchronous=True)
            except KafkaException as error:
                log.debug("commit_failed", error=str(error))

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self._cluster.load()  # a topic may have been made again since
            servers = self._settings.bootstrap_servers
            for place in asked(lambda: consumer.committed(partitions, timeout=_ASK_SECONDS), servers):
                low, topic_id = low_of(self._asking, place, servers), self._cluster.topic_id(place.topic)
                is_of_another = place.metadata not in (None, "", topic_id)  # of a topic that was deleted
                start = 0 if is_of_another else max(0, place.offset)
                if place.topic in self.runner.command_logs:
                    for record in read_partition(self._settings, place.topic, place.partition, topic_id, 0, start):
                        self.runner.take(record, record.timestamp, is_history=True)
                start = max(start, low)
                self._positions[place.topic, place.partition] = start
                self._committed[place.topic, place.partition] = start
                consumer.incremental_assign([TopicPartition(place.topic, place.partition, start)])
        except BaseException as error:  # the binding would swallow it
            self._failure = error

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for place in partitions:
            self._positions.pop((place.topic, place.partition), None)
            self._committed.pop((place.topic, place.partition), None)
            self.runner.drop(place.topic, place.partition)
        consumer.incremental_unassign(partitions)
