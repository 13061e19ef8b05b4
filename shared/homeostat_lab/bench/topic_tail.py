"""Watches the end of topics while something is fed in at a steady pace, and says when each record came."""

import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, TopicPartition

from homeostat.codec import Output, Record
from homeostat.runtime.kafka_outbox import KafkaOutbox
from homeostat.runtime.reading import record_of
from homeostat_lab.bench.ends import ends
from homeostat_lab.bench.ground import Ground


class TopicTail:
    """Reads topics from their present end in a thread of its own.

    Args:
        ground: Where.
        topics: Of `PARTITIONS` partitions each.
        on_record: Called with each record and the moment it came, `time.perf_counter` seconds.
    """

    def __init__(self, ground: Ground, topics: Iterable[str], on_record: Callable[[Record, float], None]) -> None:
        self._consumer = Consumer(
            ground.settings.client()
            | {"group.id": "homeostat-bench-watch", "enable.auto.commit": False, "fetch.queue.backoff.ms": 10}
        )
        self._consumer.assign(
            [TopicPartition(topic, place, end) for topic in topics for place, end in enumerate(ends(ground, topic))]
        )
        self._on_record, self._ending = on_record, threading.Event()
        self._thread = threading.Thread(target=self._run, name="bench-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()
        self._consumer.close()

    def _run(self) -> None:
        while not self._ending.is_set():
            message = self._consumer.poll(0.1)
            if message is None or message.error() is not None:
                continue
            now = time.perf_counter()
            self._on_record(record_of(message, ""), now)


def pace(ground: Ground, outputs: Iterable[Output], per_second: float) -> list[float]:
    """Publish records one by one at a steady pace; return the moment of each, `time.perf_counter` seconds.

    Args:
        ground: Broker and settings.
        outputs: Published in order.
        per_second: Of them, > 0; falling behind is not made up for.
    """
    outbox, sent, due = KafkaOutbox(ground.settings, "bench-pace"), list[float](), time.perf_counter()
    for output in outputs:
        time.sleep(max(0.0, due - time.perf_counter()))
        due += 1.0 / per_second
        sent.append(time.perf_counter())
        outbox.send(output)
        outbox.serve()
    outbox.flush()
    return sent


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until a condition holds; False when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def story_of(record: Record | Output) -> bytes:
    """`ce_correlationid`: what an event and all that follows from it have in common."""
    return dict(record.headers)["ce_correlationid"]
