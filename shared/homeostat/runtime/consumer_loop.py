"""The one loop that polls Kafka: it owns the consumer, the assignment, errors, the stop and the sign of life.

What is done with the records is a strategy's: folds, hands, the auditor and the feature store have one each.

Model: arroyo, `processing/processor.py`.
"""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from homeostat.runtime.cluster import Cluster, low_of
from homeostat.runtime.kafka_errors import error_of, is_passing
from homeostat.runtime.readiness import Readiness
from homeostat.runtime.reading import group_consumer, is_unreadable, next_readable, plain_consumer, records_of
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.stop_signal import StopSignal
from homeostat.runtime.strategy import Partition, Strategy

logger = structlog.get_logger(__name__)
_BATCH: Final = 500
_FOLLOW_MS: Final = 500


class ConsumerLoop:
    """Reads for a strategy until it is stopped.

    Args:
        service: Consumer group, or the client's name of a loop outside of any.
        settings: Of the process.
        cluster: Metadata.
        strategy: Told what is read.
        topics: The group's subscription; none for a loop that reads what `assign` says.
        batch: Most records of one turn.
    """

    def __init__(
        self,
        service: str,
        settings: HostSettings,
        cluster: Cluster,
        strategy: Strategy,
        topics: Collection[str] = (),
        batch: int = _BATCH,
    ) -> None:
        self._service, self._settings, self._cluster, self._strategy = service, settings, cluster, strategy
        self._topics, self._batch = tuple(topics), batch
        self._owned: set[Partition] = set()
        self._failure: BaseException | None = None
        self._stopping = StopSignal()
        self._readiness = Readiness(service, cluster, lambda: bool(self._owned))

    @property
    def problem(self) -> str:
        """Why the service does not do its work, or nothing; from any thread."""
        return self._readiness.problem

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Ask for a graceful stop. From any thread, and from a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Read until `stop`.

        Raises:
            HomeostatError: Kafka does not do what it must, or what the strategy raises.
        """
        self.open()
        while not self._stopping.is_set():
            self.turn()
        self._strategy.stopped()
        self.close()

    def open(self) -> None:
        """Connect, and subscribe if there is a subscription. Before any other call but `stop`."""
        if self._topics:
            ready, protocol = self._readiness, self._cluster.group_protocol
            self._consumer = group_consumer(self._settings, self._service, ready.client_id, protocol, ready.failed)
            self._asking: Consumer | None = plain_consumer(self._settings, f"{self._service}-asking")
            self._consumer.subscribe(
                list(self._topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
        else:
            self._consumer, self._asking = plain_consumer(self._settings, self._service, wait_ms=_FOLLOW_MS), None

    def close(self) -> None:
        """Disconnect, and leave the group."""
        self._consumer.close()

    def turn(self) -> None:
        """Read at most one batch, and let the strategy do what is due."""
        self._readiness.turned()
        self.read(self._strategy.timeout())
        self._strategy.turned()

    def read(self, timeout: float) -> None:
        """Wait for records, and give the strategy what is there.

        Args:
            timeout: Longest time to wait for the first one, s.
        """
        first = self._consumer.poll(timeout)
        self._check()
        if first is not None:
            rest = self._consumer.consume(self._batch - 1, 0)
            self._check()
            self._distribute([first, *rest])

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def assign(self, positions: Mapping[Partition, int]) -> None:
        """Read these partitions from these offsets, and no others: for a loop without a group."""
        self._consumer.assign([TopicPartition(*partition, offset) for partition, offset in positions.items()])
        self._owned = set(positions)

    def ends(self, partitions: Iterable[Partition], deadline: float) -> dict[Partition, int]:
        """Ask where partitions of a group's loop end now.

        Args:
            partitions: Of any topics.
            deadline: Monotonic time by which to give up.

        Raises:
            KafkaException: No answer in time.
        """
        assert self._asking is not None
        found = {}
        for partition in partitions:
            left = max(0.05, deadline - time.monotonic())
            found[partition] = self._asking.get_watermark_offsets(
                TopicPartition(*partition), timeout=left, cached=False
            )[1]
        return found

    def low(self, partition: Partition) -> int:
        """Ask for the first offset that a partition still has.

        The group's own consumer is never asked: its long fetches hold up every question for half a second.
        """
        return low_of(self._asking or self._consumer, TopicPartition(*partition), self._settings.bootstrap_servers)

    def committed(self, partitions: Sequence[Partition], timeout: float) -> list[TopicPartition]:
        """Ask what the group has committed of partitions, with its metadata.

        Raises:
            KafkaException: No answer.
        """
        return self._consumer.committed([TopicPartition(*partition) for partition in partitions], timeout=timeout)

    def commit(self, offsets: Sequence[TopicPartition], *, is_synchronous: bool = False) -> None:
        """Commit; what does not come through is committed by the next one, or read again."""
        try:
            if is_synchronous:
                self._consumer.commit(offsets=list(offsets), asynchronous=False)
            else:
                self._consumer.commit(offsets=list(offsets), asynchronous=True)
        except KafkaException as error:
            logger.debug("commit_failed", error=str(error))

    # -- what was read ----------------------------------------------------------------------------

    def _distribute(self, messages: Sequence[Message]) -> None:
        """Give the strategy the records by partition, each with what is no record in its place between them."""
        waiting: dict[Partition, list[Message]] = {}
        for message in messages:
            partition, error = (message.topic() or "", message.partition() or 0), message.error()
            if error is None:
                if partition not in waiting:
                    waiting[partition] = []
                waiting[partition].append(message)
                continue
            self._process(partition, waiting.pop(partition, []))
            self._take_note(partition, message.offset() or 0, error)
        for partition, some in waiting.items():
            self._process(partition, some)

    def _process(self, partition: Partition, messages: Sequence[Message]) -> None:
        if messages and partition in self._owned:  # others are left over from before a rebalance
            topic, number = partition
            self._strategy.process(partition, records_of(messages, topic, self._cluster.topic_id(topic), number))

    def _take_note(self, partition: Partition, offset: int, error: KafkaError) -> None:
        """Take note of what is no record: the end, a batch that cannot be read, an offset that is gone."""
        servers = self._settings.bootstrap_servers
        if error.fatal():
            raise error_of(servers, error)
        if partition not in self._owned:
            if not is_passing(error) and error.code() != KafkaError._PARTITION_EOF:
                self._strategy.failed(None, error_of(servers, error))
        elif error.code() == KafkaError._PARTITION_EOF:
            self._strategy.reached(partition, offset)
        elif is_unreadable(error):
            if not self._strategy.passes_over(partition, offset, error.str()):
                raise error_of(servers, error)
            end = next_readable(self._settings, *partition, offset)
            self._go_on(partition, self._strategy.skipped(partition, offset, end))
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            self._go_on(partition, self._strategy.truncated(partition, self.low(partition), error.str()))
        elif not is_passing(error):
            self._strategy.failed(partition, error_of(servers, error))

    def _go_on(self, partition: Partition, position: int) -> None:
        at = TopicPartition(*partition, position)
        if self._topics:
            self._consumer.incremental_unassign([TopicPartition(*partition)])
            self._consumer.incremental_assign([at])
        else:
            self._consumer.seek(at)

    # -- rebalance callbacks; they run inside poll and consume, and the binding would swallow what they raise ----

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self._cluster.load()  # a topic may have been made again since
            starts = self._strategy.assigned([(place.topic, place.partition) for place in partitions])
            # a seek would be too early, and nobody would hear of it
            consumer.incremental_assign([TopicPartition(*partition, start) for partition, start in starts.items()])
            self._owned.update(starts)
            if self._strategy.is_lease:
                consumer.pause(partitions)
        except BaseException as error:
            self._failure = error

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self._strategy.revoked(self._disowned(partitions))
            consumer.incremental_unassign(partitions)
        except BaseException as error:
            self._failure = error

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self._strategy.lost(self._disowned(partitions))
            consumer.incremental_unassign(partitions)
        except BaseException as error:
            self._failure = error

    def _disowned(self, partitions: Sequence[TopicPartition]) -> list[Partition]:
        gone = [(place.topic, place.partition) for place in partitions]
        self._owned.difference_update(gone)
        return gone
