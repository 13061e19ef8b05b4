"""librdkafka clients with the settings that the guarantees rest on, and records to and from them."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from homeostat.codec import Output, Record
from homeostat.core import Halt, Retry
from homeostat.host.settings import HostSettings

log = structlog.get_logger(__name__)
EXIT_UNDELIVERED: Final = 75
"""Exit code when the broker did not take what was sent: nothing is lost, a restart sends it again."""

_FLUSH_SECONDS: Final = 120.0
_ENDS_SECONDS: Final = 2.0
_BURST: Final = 64
"""Records handed over at once: few requests, and at most 64 MB waiting."""
MAX_MESSAGE_BYTES: Final = 3_145_728
"""A quarantined record is the refused one in base64, with its headers."""


class BrokerUnreachable(Retry):
    """No broker answers.

    Operator: check HOMEOSTAT_BOOTSTRAP_SERVERS, or run `homeostat up`.
    """

    def __init__(self, servers: str, reason: str) -> None:
        super().__init__(f"no Kafka broker answers at {servers} ({reason}); check the address, or run `homeostat up`")
        self.servers, self.reason = servers, reason


class TopicMissing(Halt):
    """A topic of the catalogue does not exist.

    Operator: run `homeostat topics create`.
    """

    def __init__(self, topic: str) -> None:
        super().__init__(f"topic {topic} does not exist; run `homeostat topics create`")
        self.topic = topic


class Cluster:
    """Metadata that must not change while a host runs: topic ids and partition counts."""

    def __init__(self, settings: HostSettings) -> None:
        self._settings = settings
        self._admin = AdminClient(settings.client())
        self._places: dict[str, int] = {}
        self._ids: dict[str, str] = {}

    def load(self, timeout_seconds: float = 10.0) -> None:
        """Read ids and partition counts of every topic.

        Raises:
            BrokerUnreachable: Nobody answers in time.
        """
        from confluent_kafka import TopicCollection

        try:
            names = [n for n in self._admin.list_topics(timeout=timeout_seconds).topics if n.startswith("homeostat.")]
            if not names:
                return
            futures = self._admin.describe_topics(TopicCollection(names), request_timeout=timeout_seconds)
            for name, future in futures.items():
                description = future.result()
                self._places[name] = len(description.partitions)
                self._ids[name] = str(description.topic_id)
        except KafkaException as error:
            raise BrokerUnreachable(self._settings.bootstrap_servers, error.args[0].str()) from None

    def places(self, topic: str) -> int:
        """Number of partitions.

        Raises:
            TopicMissing: There is no such topic.
        """
        if topic not in self._places:
            self.load()
        if topic not in self._places:
            raise TopicMissing(topic)
        return self._places[topic]

    def ends(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """End of each partition, asked of the broker; from any thread. Empty if it does not answer."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # no types there
        wanted = {TopicPartition(topic, partition): latest for topic, partition in places}
        if not wanted:
            return {}
        try:
            try:
                return self._ask_ends(wanted)
            except KafkaException:
                # a broker that has been away leads in a new epoch, which nothing but fresh metadata tells the client
                self._admin.list_topics(timeout=_ENDS_SECONDS)
                return self._ask_ends(wanted)
        except KafkaException:
            return {}

    def _ask_ends(self, wanted: dict[TopicPartition, OffsetSpec]) -> dict[tuple[str, int], int]:
        futures = self._admin.list_offsets(wanted, request_timeout=_ENDS_SECONDS)
        ends = {(p.topic, p.partition): future.result().offset for p, future in futures.items()}
        return {place: end for place, end in ends.items() if end >= 0}  # it gives an error code for one it cannot ask

    def topic_id(self, topic: str) -> str:
        """The broker's id of this incarnation of a topic."""
        self.places(topic)
        return self._ids[topic]


def record_of(message: Message, topic_id: str) -> Record:
    """Turn a consumed message into a record."""
    return Record(
        message.topic() or "",
        topic_id,
        message.partition() or 0,
        message.offset() or 0,
        message.timestamp()[1],
        message.key(),
        message.value(),
        message.headers() or [],  # type: ignore[arg-type]  # as above
    )


class KafkaOutbox:
    """Idempotent, gapless, without a message time-out (hole 3); any delivery error ends the process.

    Records are handed to the client in bursts, in order: one by one, each would wake its thread and
    become a request of its own. Order of calls: `serve` or `flush` after what must go out now.

    Args:
        settings: Of the host.
        client_id: For the broker's logs.
        seal: Adds the notary's signature.
    """

    def __init__(self, settings: HostSettings, client_id: str, seal: Callable[[Output], Output] | None = None) -> None:
        self._seal = seal
        self._deadline: float | None = None
        self._waiting: list[Output] = []
        self._producer = Producer(
            settings.client()
            | {
                "client.id": client_id,
                "enable.idempotence": True,
                "acks": "all",
                "enable.gapless.guarantee": True,
                "message.timeout.ms": 0,
                # Any other value costs each hop more than a millisecond (0.2 as much as 0.5), though it saves the
                # producer's thread a third of its work under full load.
                "linger.ms": 0,
                "message.max.bytes": MAX_MESSAGE_BYTES,
                "compression.type": "lz4",
                "delivery.report.only.error": True,
                "queue.buffering.max.kbytes": 262144,
                "queue.buffering.max.messages": 200000,
                "error_cb": _on_error,
            }
        )

    def send(self, output: Output) -> None:
        """Queue one record; waits while the queue is full."""
        self._waiting.append(output if self._seal is None else self._seal(output))
        if len(self._waiting) >= _BURST:
            self._hand_over()

    def _hand_over(self) -> None:
        produce = self._producer.produce
        for output in self._waiting:
            while True:
                try:
                    produce(
                        output.topic,
                        value=output.value,
                        key=output.key,
                        partition=output.partition,
                        headers=output.headers,  # type: ignore[arg-type]  # a list of pairs is what it takes
                        on_delivery=_on_delivery,
                    )
                except BufferError:
                    self._producer.poll(0.05)
                else:
                    break
        self._waiting.clear()

    def serve(self) -> None:
        """Let everything go out, and run delivery callbacks."""
        self._hand_over()
        self._producer.poll(0)

    def stop_by(self, deadline: float) -> None:
        """From now on give up at this monotonic time: the process is stopping."""
        self._deadline = deadline

    def flush(self) -> None:
        """Wait for acknowledgement; end the process with `EXIT_UNDELIVERED` if it does not come."""
        self._hand_over()
        seconds = _FLUSH_SECONDS if self._deadline is None else max(0.05, self._deadline - time.monotonic())
        if self._producer.flush(seconds) > 0:
            log.error("outputs_undelivered", hint="the broker does not answer; nothing is lost, start again")
            os._exit(EXIT_UNDELIVERED)


def _on_delivery(error: KafkaError | None, message: Message) -> None:
    if error is not None:
        log.error("delivery_failed", topic=message.topic(), error=error.str())
        os._exit(EXIT_UNDELIVERED)


def _on_error(error: KafkaError) -> None:
    if error.fatal():
        log.error("producer_failed", error=error.str())
        os._exit(EXIT_UNDELIVERED)


def group_consumer(settings: HostSettings, group: str, client_id: str) -> Consumer:
    """Consumer of the KIP-848 protocol that never starts at a place nobody chose."""
    return Consumer(
        settings.client()
        | {
            "client.id": client_id,
            "group.id": group,
            "group.protocol": "consumer",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "fetch.queue.backoff.ms": 10,
            "fetch.message.max.bytes": MAX_MESSAGE_BYTES,
        }
    )


def plain_consumer(settings: HostSettings, client_id: str, *, wait_ms: int = 10) -> Consumer:
    """Consumer outside of any group, for reading a stretch of a log and for asking where logs end.

    Not to be replaced by the group's own consumer: its long fetches hold up every question for half a second.

    Args:
        settings: Where the broker is.
        client_id: For the broker's logs.
        wait_ms: How long the broker may hold an empty fetch: short to find an end, long to follow a log.
    """
    return Consumer(
        settings.client()
        | {
            "client.id": client_id,
            "group.id": f"homeostat-read-{os.getpid()}",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": wait_ms,
            "auto.offset.reset": "earliest",
            "fetch.queue.backoff.ms": 10,
            "fetch.message.max.bytes": MAX_MESSAGE_BYTES,
            "queued.min.messages": 200000,
        }
    )


def read_partition(
    settings: HostSettings, topic: str, partition: int, topic_id: str, start: int = 0, end: int | None = None
) -> Iterator[Record]:
    """Yield a partition's records from `start` to `end` (exclusive), or to its end at the time of the call.

    Raises:
        BrokerUnreachable: Nobody answers.
    """
    consumer = plain_consumer(settings, f"read-{topic}-{partition}")
    place = TopicPartition(topic, partition)
    try:
        low, high = consumer.get_watermark_offsets(place, timeout=10.0, cached=False)
        end = high if end is None else min(end, high)
        start = max(start, low)
        if start >= end:
            return
        consumer.assign([TopicPartition(topic, partition, start)])
        while True:
            first = consumer.poll(1.0)
            for message in [first, *consumer.consume(2000, 0)] if first is not None else []:
                error: Any = message.error()
                if error is not None:
                    if error.code() == KafkaError._PARTITION_EOF:
                        return
                    raise KafkaException(error)
                if (message.offset() or 0) >= end:
                    return
                yield record_of(message, topic_id)
    except KafkaException as error:
        raise BrokerUnreachable(settings.bootstrap_servers, error.args[0].str()) from None
    finally:
        consumer.close()
