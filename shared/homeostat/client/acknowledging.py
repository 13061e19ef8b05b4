"""A producer for an event loop: whoever hands records over is told when Kafka has each, or why it has not."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from homeostat.client.event_builder import place
from homeostat.client.kafka import QuietSettings
from homeostat.client.producing import producer_properties
from homeostat.codec import Output
from homeostat.core import HomeostatError
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.kafka_errors import TopicMissing
from homeostat.runtime.settings import HostSettings

QUEUE_KBYTES: Final = 65_536
"""Of records that wait; what comes beyond is refused at once."""

_POLL_SECONDS: Final = 0.001
_LONGEST_POLL_SECONDS: Final = 0.01
"""Between two looks while nothing comes: a broker that takes its time is not asked for all the machine has."""

_CONNECT_SECONDS: Final = 10.0
_AGAIN_SECONDS: Final = 1.0
_PURGE_SECONDS: Final = 1.0


class _Handover:
    """Records of one call, and what became of each."""

    __slots__ = ("done", "n_left", "troubles")

    def __init__(self, n: int) -> None:
        self.n_left, self.troubles = n, [""] * n
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(self, number: int, trouble: str) -> None:
        self.troubles[number] = trouble
        self.n_left -= 1
        if not self.n_left and not self.done.done():
            self.done.set_result(None)


class AcknowledgingProducer:
    """Idempotent, in order, partitioned by CRC32 of the key, as `Client`; every method on one event loop.

    While records wait, the loop asks the library every few milliseconds what became of them: no thread hands anything
    over.

    Args:
        settings: Where and how to connect.
        client_id: For the broker's logs.
        topics: That are written to.
        timeout_seconds: How long Kafka has to acknowledge a record, > 0.
    """

    def __init__(self, settings: HostSettings, client_id: str, topics: Sequence[str], timeout_seconds: float) -> None:
        self._settings = QuietSettings.model_construct(**vars(settings))
        self._properties = producer_properties(self._settings, client_id) | {
            "message.timeout.ms": round(timeout_seconds * 1000),
            "queue.buffering.max.kbytes": QUEUE_KBYTES,
        }
        self._topics = tuple(topics)
        self._partitions: dict[str, int] = {}
        self._producer: Producer | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._is_polling, self._pause_seconds = False, _POLL_SECONDS
        self.n_unacknowledged = 0
        self.trouble = "Kafka has not been asked yet"
        """Why nothing can be written, one sentence; empty if something can, as far as is known."""

    def start(self) -> None:
        """Begin to look for the broker, and go on until it is found."""
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        while True:
            try:
                self._partitions = await asyncio.to_thread(self._found)
                self.trouble = ""
            except HomeostatError as error:
                self.trouble = str(error)
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                return

    def _found(self) -> dict[str, int]:
        cluster = Cluster(self._settings)
        cluster.load(_CONNECT_SECONDS)
        known = cluster.known()
        for topic in self._topics:
            if topic not in known:
                raise TopicMissing(topic)
        return {topic: known[topic].partitions for topic in self._topics}

    async def deliver(self, outputs: Sequence[Output]) -> list[str]:
        """Write records, and wait until each is acknowledged by all replicas in sync, or given up.

        A record that was given up may be in the log all the same: the same again, under the same id, does no harm.

        Args:
            outputs: Their partitions are chosen here.

        Returns:
            For each record nothing, or why it was not acknowledged.
        """
        if not self._partitions:
            return [self.trouble] * len(outputs)
        if not outputs:
            return []
        handover = _Handover(len(outputs))
        for number, output in enumerate(outputs):
            self._send(handover, number, place(output, self._partitions[output.topic]))
        if self.n_unacknowledged and not self._is_polling:
            self._is_polling, self._pause_seconds = True, _POLL_SECONDS
            asyncio.get_running_loop().call_soon(self._poll)
        await asyncio.shield(handover.done)  # a sender that goes away takes no record back
        return handover.troubles

    def _send(self, handover: _Handover, number: int, output: Output) -> None:
        if self._producer is None:
            self._producer = Producer(self._properties)
        headers: Any = output.headers  # a list of pairs is what it takes
        try:
            self._producer.produce(
                output.topic,
                value=output.value,
                key=output.key,
                partition=output.partition,
                headers=headers,
                on_delivery=partial(self._report, self._producer, handover, number),
            )
        except BufferError:
            handover.settle(number, "more waits for Kafka than is kept")
        except KafkaException as error:
            self._drop_if_fatal(error.args[0])
            handover.settle(number, error.args[0].str())
        else:
            self.n_unacknowledged += 1

    def _report(
        self, producer: Producer, handover: _Handover, number: int, error: KafkaError | None, _: Message | None
    ) -> None:
        self.n_unacknowledged -= 1
        if error is None:
            self.trouble = ""
        elif producer is self._producer:
            self.trouble = f"Kafka does not acknowledge: {error.str()}"
            self._drop_if_fatal(error)
            if self._connecting is None or self._connecting.done():
                self.start()  # whoever is not ready gets no records that could show that it is again
        handover.settle(number, "" if error is None else error.str())

    def _drop_if_fatal(self, error: KafkaError) -> None:
        """After a fatal error of the library its handle takes nothing more: the next record gets another one."""
        if error.fatal() and self._producer is not None:
            asyncio.get_running_loop().call_soon(_purge, self._producer)  # not from within one of its callbacks
            self._producer = None

    def _poll(self) -> None:
        before = self.n_unacknowledged
        if self._producer is not None:
            self._producer.poll(0)
        has_come = self.n_unacknowledged < before
        self._pause_seconds = _POLL_SECONDS if has_come else min(1.5 * self._pause_seconds, _LONGEST_POLL_SECONDS)
        self._is_polling = self.n_unacknowledged > 0
        if self._is_polling:
            asyncio.get_running_loop().call_later(self._pause_seconds, self._poll)

    async def close(self) -> None:
        """Wait for what still waits, as long as it may, and give the connections back."""
        if self._connecting is not None:
            self._connecting.cancel()
        while self.n_unacknowledged and self._producer is not None:
            await asyncio.sleep(_POLL_SECONDS)
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await asyncio.to_thread(producer.close)


def _purge(producer: Producer) -> None:
    """Give up what waits at a handle; those who wait are told."""
    producer.purge()
    producer.flush(_PURGE_SECONDS)
