"""The limit: a confluent-kafka loop that copies records from one topic to another and does nothing else."""

import time
from typing import Final

from confluent_kafka import Consumer, Producer, TopicPartition

from homeostat_lab.bench.ground import PARTITIONS, Ground
from homeostat_lab.bench.workload import indicators

_BATCH: Final = 500
_SOURCE: Final = "homeostat.bench-bare-in"
_COPY: Final = "homeostat.bench-bare-out"


def bare_rate(ground: Ground, *, n: int) -> float:
    """Write `n` indicators to a topic of their own and copy them; return records per second.

    Args:
        ground: Where; nothing else should run there.
        n: Records, >= 1,000.
    """
    ground.create([], _SOURCE, _COPY)
    ground.publish(indicators(_SOURCE, PARTITIONS, n))
    return copy_rate(ground, _SOURCE, _COPY, [0] * PARTITIONS, n)


def copy_rate(ground: Ground, topic: str, out: str, starts: list[int], n: int) -> float:
    """Copy `n` records; return records per second, from the first batch to the last acknowledgement.

    The clients have the settings of the host's, so that the difference is the host's work alone.

    Args:
        ground: Where.
        topic: Read from `starts` on.
        out: Written to, with as many partitions.
        starts: First offset of each partition.
        n: Records that wait there.
    """
    common = ground.settings.client()
    consumer = Consumer(
        common
        | {
            "group.id": "homeostat-bench-bare",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "fetch.queue.backoff.ms": 10,
        }
    )
    producer = Producer(
        common
        | {
            "enable.idempotence": True,
            "acks": "all",
            "enable.gapless.guarantee": True,
            "message.timeout.ms": 0,
            "linger.ms": 0,
            "compression.type": "lz4",
            "delivery.report.only.error": True,
            "queue.buffering.max.kbytes": 262144,
            "queue.buffering.max.messages": 200000,
        }
    )
    consumer.assign([TopicPartition(topic, partition, starts[partition]) for partition in range(PARTITIONS)])
    done, first, started = 0, 0, 0.0
    while done < n:
        for message in consumer.consume(_BATCH, 1.0):
            while True:
                try:
                    producer.produce(
                        out,
                        value=message.value(),
                        key=message.key(),
                        partition=message.partition() or 0,
                        headers=message.headers() or [],
                    )
                except BufferError:
                    producer.poll(0.05)
                else:
                    break
            done += 1
        if done and not first:
            first, started = done, time.perf_counter()
        producer.poll(0)
    producer.flush()
    seconds = time.perf_counter() - started
    consumer.close()
    return (done - first) / seconds
