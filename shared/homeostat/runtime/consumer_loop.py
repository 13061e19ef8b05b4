"""The one loop that polls Kafka: it owns the consumer, the assignment, errors, the stop and the sign of life.

What is done with the records is a strategy's: folds, hands, the auditor and the feature store have one each.

Model: arroyo, `processing/processor.py` and `processing/strategies/abstract.py`.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from homeostat.codec import Record
from homeostat.core import HomeostatError
from homeostat.runtime.cluster import Cluster, low_of
from homeostat.runtime.kafka_errors import error_of, is_passing
from homeostat.runtime.readiness import Readiness
from homeostat.runtime.reading import group_consumer, is_unreadable, next_readable, plain_consumer, record_of
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.stop_signal import StopSignal

logger = structlog.get_logger(__name__)
Partition = tuple[str, int]
"""Topic and number."""

IDLE_SECONDS: Final = 0.25
_BATCH: Final = 500
_FOLLOW_MS: Final = 500


class Strategy(ABC):
    """What is done with the records of one loop; two methods are to be written, the others have a default.

    Every call comes from the thread that runs the loop, and may assume:

    1. `assigned` comes before any record of a partition, `revoked` or `lost` after the last one.
    2. Records of a partition come in offset order, from the position that `assigned` returned, without one left out
       but for what `skipped` and `truncated` were told of.
    3. `turned` follows everything that was read in one turn, and comes at least every `timeout` seconds.
    4. `stopped` is the last call, with all partitions that are still assigned; after a crash it never comes.

    What a method raises ends the loop: nothing is committed by the loop itself.
    """

    is_lease: bool = False
    """The partitions say who may work: they are paused, and nothing is read through them."""

    @abstractmethod
    def assigned(self, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        """Take partitions over; return the offset of the first record that is wanted of each."""

    @abstractmethod
    def process(self, partition: Partition, records: Sequence[Record]) -> None:
        """Take some records of a partition in; at least one."""

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """Give partitions up that another member is assigned to as soon as this returns."""
        self.lost(partitions)

    def lost(self, partitions: Sequence[Partition]) -> None:  # noqa: B027  # nothing is the default
        """Forget partitions that another member owns already."""

    def reached(self, partition: Partition, offset: int) -> None:  # noqa: B027  # nothing is the default
        """Take note that nothing is left to read below an offset."""

    def passes_over(self, partition: Partition, offset: int, reason: str) -> bool:
        """Whether to go on behind a batch that no client can read; if so `skipped` follows, else the loop ends.

        Args:
            partition: It lies in.
            offset: Of its first record.
            reason: What the client says of it.
        """
        return False

    def skipped(self, partition: Partition, offset: int, end: int) -> int:
        """Take note that records from `offset` to `end` cannot be read; return where to go on."""
        logger.error("records_unreadable", topic=partition[0], partition=partition[1], position=end)
        return end

    def truncated(self, partition: Partition, low: int, reason: str) -> int:
        """Take note that the log begins at `low` now, and the next record is gone; return where to go on."""
        logger.error("records_lost", topic=partition[0], partition=partition[1], position=low, error=reason)
        return low

    def failed(self, partition: Partition | None, error: HomeostatError) -> None:
        """Raise if what Kafka says of a partition, or beside any, must end the loop.

        Args:
            partition: One that is assigned; None for what concerns none, of which `Readiness` is told.
            error: Not fatal, and not over in a moment.
        """
        if partition is not None:
            raise error

    def timeout(self) -> float:
        """Longest time to wait for a record, s."""
        return IDLE_SECONDS

    def turned(self) -> None:  # noqa: B027  # nothing is the default
        """Do what is due between batches."""

    def stopped(self) -> None:  # noqa: B027  # nothing is the default
        """Finish what is begun: the loop ends."""


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
                waiting.setdefault(partition, []).append(message)
                continue
            self._process(partition, waiting.pop(partition, []))
            self._take_note(partition, message.offset() or 0, error)
        for partition, some in waiting.items():
            self._process(partition, some)

    def _process(self, partition: Partition, messages: Sequence[Message]) -> None:
        if messages and partition in self._owned:  # others are left over from before a rebalance
            topic_id = self._cluster.topic_id(partition[0])
            self._strategy.process(partition, [record_of(message, topic_id) for message in messages])

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
