"""Consumers, and records from them."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, KafkaError, KafkaException, Message, TopicPartition

from homeostat.codec import Record
from homeostat.events.bounds import LAST_SECOND
from homeostat.runtime.kafka_errors import BrokerUnreachable, error_of, insist
from homeostat.runtime.settings import HostSettings

_FETCH_BYTES: Final = 3_145_728
"""Of one partition in one fetch; a larger record comes alone."""

_FAIR_BYTES: Final = 1_048_576
_FAIR_MESSAGES: Final = 2_000
"""What a member of a group fetches ahead of one partition: all partitions share one queue, and whoever floods one would
fill it. A hundred thousand records ahead, as the library does by itself, are seconds that the other partitions wait."""

_ASK_SECONDS: Final = 10.0
_SESSION_MS: Final = 10_000
_UNREADABLE: Final = (KafkaError._BAD_COMPRESSION, KafkaError._BAD_MSG)
_LAST_MS: Final = 1000 * LAST_SECOND
UNTIMED: Final = -1
"""Time of a record that its broker did not stamp: its producer's clock is nobody's business."""


def record_of(message: Message, topic_id: str) -> Record:
    """Turn a consumed message into a record."""
    return records_of([message], message.topic() or "", topic_id, message.partition() or 0)[0]


def records_of(messages: Sequence[Message], topic: str, topic_id: str, partition: int) -> list[Record]:
    """Turn messages of one partition into records.

    Args:
        messages: Consumed, without an error.
        topic: That all are of.
        topic_id: Its incarnation.
        partition: That all are of.
    """
    return [
        Record(
            topic,
            topic_id,
            partition,
            message.offset() or 0,
            _time_of(*message.timestamp()),
            message.key(),
            message.value(),
            message.headers() or [],  # type: ignore[arg-type]  # a list of pairs is what it gives
        )
        for message in messages
    ]


def _time_of(kind: int, time: int) -> int:
    return time if kind == TIMESTAMP_LOG_APPEND_TIME and time <= _LAST_MS else UNTIMED


def group_consumer(
    settings: HostSettings, group: str, client_id: str, protocol: str, on_error: Callable[[KafkaError], None]
) -> Consumer:
    """Consumer of a group that never starts at a place nobody chose, and reads what is committed.

    Args:
        settings: Where the broker is.
        group: Name of the group.
        client_id: For the broker's logs, and to find this member in its group.
        protocol: `consumer` (KIP-848) or `classic`, which rebalances cooperatively too.
        on_error: Told what goes wrong beside the records: a broker that is away, or does not let us in.
    """
    own: dict[str, Any] = {"group.protocol": protocol, "error_cb": on_error}
    if protocol == "classic":
        own |= {"partition.assignment.strategy": "cooperative-sticky", "session.timeout.ms": _SESSION_MS}
    return Consumer(
        settings.client()
        | own
        | {
            "client.id": client_id,
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "fetch.queue.backoff.ms": 10,
            "fetch.message.max.bytes": _FAIR_BYTES,
            "queued.min.messages": _FAIR_MESSAGES,
        }
    )


def plain_consumer(
    settings: HostSettings,
    client_id: str,
    *,
    wait_ms: int = 10,
    on_error: Callable[[KafkaError], None] | None = None,
) -> Consumer:
    """Consumer outside of any group, for reading a stretch of a log and for asking where logs end.

    Not to be replaced by the group's own consumer: its long fetches hold up every question for half a second.

    Args:
        settings: Where the broker is.
        client_id: For the broker's logs.
        wait_ms: How long the broker may hold an empty fetch: short to find an end, long to follow a log.
        on_error: Told of errors that the library tries to overcome by itself, inside `poll`.
    """
    return Consumer(
        settings.client()
        | {
            "client.id": client_id,
            "group.id": f"homeostat-read-{os.getpid()}",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": wait_ms,
            "auto.offset.reset": "earliest",
            "fetch.queue.backoff.ms": 10,
            "fetch.message.max.bytes": _FETCH_BYTES,
            "queued.min.messages": 200000,
        }
        | ({} if on_error is None else {"error_cb": on_error})
    )


def read_partition(
    settings: HostSettings, topic: str, partition: int, topic_id: str, start: int = 0, end: int | None = None
) -> Iterator[Record]:
    """Yield a partition's records from `start` to `end` (exclusive), or to its end at the time of the call.

    What no client can decompress is passed over.

    Args:
        settings: Where and how to connect.
        topic: Which.
        partition: Of it.
        topic_id: Incarnation of it.
        start: First offset.
        end: The one behind the last; None: that of the log.

    Raises:
        BrokerUnreachable: Nobody answers.
    """
    seen: list[KafkaError] = []
    consumer = plain_consumer(settings, f"read-{topic}-{partition}", on_error=seen.append)
    servers, place = settings.bootstrap_servers, TopicPartition(topic, partition)
    try:
        low, high = insist(lambda: consumer.get_watermark_offsets(place, timeout=_ASK_SECONDS, cached=False))
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
                    if is_unreadable(error):
                        readable = next_readable(settings, topic, partition, message.offset() or 0)
                        consumer.assign([TopicPartition(topic, partition, readable)])
                        break
                    raise KafkaException(error)
                if (message.offset() or 0) >= end:
                    return
                yield record_of(message, topic_id)
    except KafkaException as error:
        raise error_of(servers, _why_unknown(consumer, topic, error), seen) from None
    finally:
        consumer.close()


def _why_unknown(consumer: Consumer, topic: str, error: KafkaException) -> KafkaException:
    """What the broker says of a topic that a client does not know: it may be forbidden to look."""
    if error.args[0].code() in (KafkaError._UNKNOWN_PARTITION, KafkaError._UNKNOWN_TOPIC):
        known = consumer.list_topics(topic, timeout=_ASK_SECONDS).topics.get(topic)
        if known is not None and known.error is not None:
            return KafkaException(known.error)
    return error


def is_unreadable(error: KafkaError) -> bool:
    """Whether a batch can be read by no client: it does not decompress to what a client may hold, or is damaged."""
    return error.code() in _UNREADABLE


def pass_over(settings: HostSettings, consumer: Consumer, message: Message) -> int:
    """Let an assigned consumer go on behind an unreadable batch; return where.

    Args:
        settings: Where the broker is.
        consumer: That has met it.
        message: The error.
    """
    place = TopicPartition(message.topic() or "", message.partition() or 0)
    place.offset = next_readable(settings, place.topic, place.partition, message.offset() or 0)
    consumer.seek(place)
    return place.offset


def next_readable(settings: HostSettings, topic: str, partition: int, base: int) -> int:
    """Offset of the first record behind an unreadable batch.

    Args:
        settings: Where the broker is.
        topic: Of the batch.
        partition: Of the batch.
        base: First offset of the batch, which is what the error names.

    Raises:
        BrokerUnreachable: Nobody answers.
    """
    consumer = plain_consumer(settings, f"skip-{topic}-{partition}")

    def is_behind(offset: int) -> bool:
        """Whether a read from there gives something else than the same batch."""
        consumer.assign([TopicPartition(topic, partition, offset)])
        while True:
            message = consumer.poll(_ASK_SECONDS)
            if message is None:
                raise BrokerUnreachable(settings.bootstrap_servers, "no answer")
            error = message.error()
            if error is None or not is_unreadable(error):
                return True
            return (message.offset() or 0) > base

    try:
        bad, step = base, 1
        while not is_behind(bad + step):
            bad, step = bad + step, 2 * step
        good = bad + step
        while good - bad > 1:
            middle = (good + bad) // 2
            bad, good = (bad, middle) if is_behind(middle) else (middle, good)
        return good
    except KafkaException as error:
        raise error_of(settings.bootstrap_servers, error) from None
    finally:
        consumer.close()
