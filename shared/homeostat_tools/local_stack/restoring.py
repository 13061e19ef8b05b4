"""Write recorded topics into a broker that has none of their records, with the times that they had."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

from homeostat.codec import Record
from homeostat_tools.local_stack.errors import KafkaUnavailable
from homeostat_tools.local_stack.topics import TopicSpec, ensure_topics, repair_topics

_FLUSH_SECONDS: Final = 60.0
_ANSWER_SECONDS: Final = 30.0
_TIME: Final = "message.timestamp.type"


class TopicRestorer:
    """Restores topics one after the other; `finish` gives them the settings that they must have.

    Args:
        client: Settings of librdkafka.
        specs: Settings of the topics, by name; another topic gets the broker's own.
    """

    def __init__(self, client: Mapping[str, Any], specs: Mapping[str, TopicSpec]) -> None:
        self._client, self._specs = dict(client), specs
        self._failed = ""

    def create(self, partitions: Mapping[str, int]) -> None:
        """Create topics that take times as they are given.

        Args:
            partitions: Number, by topic.

        Raises:
            KafkaUnavailable, TopicMismatch: See `ensure_topics`.
        """
        given = [TopicSpec(name, n, dict(self._config(name)) | {_TIME: "CreateTime"}) for name, n in partitions.items()]
        ensure_topics(self._client, given)
        repair_topics(self._client, given)

    def write(self, topic: str, records: Iterable[Record]) -> None:
        """Write the records of one topic, each into its partition, in their order.

        Raises:
            KafkaUnavailable: Something could not be delivered.
        """
        producer = Producer(self._client | {"enable.idempotence": True, "log_level": 0})
        for record in records:
            while True:
                try:
                    producer.produce(
                        topic,
                        value=record.value,
                        key=record.key,
                        partition=record.partition,
                        timestamp=record.timestamp,
                        headers=[(name, value or b"") for name, value in record.headers],
                        on_delivery=self._delivered,
                    )
                    break
                except BufferError:
                    producer.poll(0.5)
            producer.poll(0)
        if producer.flush(_FLUSH_SECONDS) or self._failed:
            raise KafkaUnavailable(
                f"{topic} could not be written: {self._failed or 'no answer'}.", "Delete it; try again."
            )

    def read(self, topic: str, partitions: int) -> Iterator[Record]:
        """Yield what lies in a topic, with the times that were given: other readers of ours believe no sender's.

        Args:
            topic: Of those that were written.
            partitions: Number of its partitions.

        Raises:
            KafkaUnavailable: The broker does not answer.
        """
        own = {
            "group.id": "homeostat-restore",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 0,
        }
        consumer, left = Consumer(self._client | own), set(range(partitions))
        consumer.assign([TopicPartition(topic, place, OFFSET_BEGINNING) for place in left])
        try:
            while left:
                message = consumer.poll(_ANSWER_SECONDS)
                if message is None:
                    raise KafkaUnavailable(f"{topic} could not be read back.", "See whether the broker runs.")
                place, error = message.partition() or 0, message.error()
                if error is None:
                    headers: Any = message.headers() or []
                    at, time = message.offset() or 0, message.timestamp()[1]
                    yield Record(topic, "", place, at, time, message.key(), message.value(), headers)
                elif error.code() == KafkaError._PARTITION_EOF:
                    left.discard(place)
                else:
                    raise KafkaUnavailable(f"{topic} could not be read back: {error.str()}.", "Try again.")
        finally:
            consumer.close()

    def finish(self, topics: Iterable[str]) -> None:
        """Let the broker date records again.

        Raises:
            KafkaUnavailable: It does not answer.
        """
        repair_topics(self._client, [TopicSpec(name, 1, self._config(name)) for name in topics])

    def _config(self, name: str) -> Mapping[str, str]:
        return self._specs[name].config if name in self._specs else {_TIME: "LogAppendTime"}

    def _delivered(self, error: KafkaError | None, _: object) -> None:
        if error is not None:
            self._failed = KafkaException(error).args[0].str()
