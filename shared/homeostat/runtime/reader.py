"""Reading a stretch of a log again: training data, tasks, stories."""

from collections.abc import Iterator
from typing import Final, Protocol

from confluent_kafka import TopicPartition

from homeostat.codec import Record, decode_event
from homeostat.codec.encode import partition_of
from homeostat.core import Event, Reject
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.kafka_errors import asked
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.reading import plain_consumer, read_partition
from homeostat.runtime.settings import HostSettings

_ASK_SECONDS: Final = 10.0


class LogReader(Protocol):
    """Past events of one subject."""

    def read(self, log: str, subject: str, from_time: int) -> Iterator[Event]:
        """Yield the subject's events from a broker time (ms) on, in order, up to the log's end at the call.

        Args:
            log: Topic.
            subject: Key.
            from_time: Broker time, ms.
        """


def events_of(records: Iterator[Record], subject: str, from_time: int) -> Iterator[Event]:
    """Decode the records of one subject; what cannot be decoded is not history.

    Args:
        records: Of one partition, in order.
        subject: Key.
        from_time: Broker time, ms.
    """
    key = subject.encode()
    for record in records:
        if record.key != key or record.timestamp < from_time:
            continue
        try:
            yield decode_event(record, time=record.timestamp, emitter="", is_door=False)
        except Reject:
            continue


class MemoryReader:
    """Reads a `MemoryLog`."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    def read(self, log: str, subject: str, from_time: int) -> Iterator[Event]:
        """See `LogReader.read`."""
        partition = partition_of(subject.encode(), self._log.n_partitions(log))
        return events_of(iter(self._log.records(log, partition)), subject, from_time)


class KafkaReader:
    """Reads Kafka, starting at the offset of the time.

    Args:
        settings: Where the broker is.
        cluster: Metadata.
    """

    def __init__(self, settings: HostSettings, cluster: Cluster) -> None:
        self._settings, self._cluster = settings, cluster

    def read(self, log: str, subject: str, from_time: int) -> Iterator[Event]:
        """See `LogReader.read`.

        Raises:
            HomeostatError: See `kafka_errors.error_of`.
        """
        partition = partition_of(subject.encode(), self._cluster.n_partitions(log))
        consumer = plain_consumer(self._settings, f"find-{log}")
        begin = [TopicPartition(log, partition, from_time)]
        try:
            (found,) = asked(
                lambda: consumer.offsets_for_times(begin, timeout=_ASK_SECONDS), self._settings.bootstrap_servers
            )
        finally:
            consumer.close()
        if found.offset < 0:
            return iter(())
        records = read_partition(self._settings, log, partition, self._cluster.topic_id(log), found.offset)
        return events_of(records, subject, from_time)
