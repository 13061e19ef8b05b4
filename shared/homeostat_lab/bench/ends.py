"""Where the partitions of a topic end now."""

import time
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from homeostat_lab.bench.ground import PARTITIONS, Ground

_SECONDS: Final = 20.0


def ends(ground: Ground, topic: str) -> list[int]:
    """End offset of each partition; a topic that was just made may need a moment to answer.

    Raises:
        KafkaException: It does not answer.
    """
    consumer = Consumer(ground.settings.client() | {"group.id": "homeostat-bench-ends"})
    try:
        return [_end(consumer, TopicPartition(topic, partition)) for partition in range(PARTITIONS)]
    finally:
        consumer.close()


def _end(consumer: Consumer, place: TopicPartition) -> int:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            return consumer.get_watermark_offsets(place, timeout=10.0, cached=False)[1]
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
