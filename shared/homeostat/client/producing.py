"""A producer for a process that is not ours: it never ends it, and never loses a record silently."""

from typing import Final

from confluent_kafka import KafkaError, Message, Producer

from homeostat.codec import Output
from homeostat.core import Retry
from homeostat.host.connection import MAX_MESSAGE_BYTES
from homeostat.host.settings import HostSettings

_FLUSH_SECONDS: Final = 30.0
_LINGER_MS: Final = 2
"""Enough to fill batches under load; nothing a person or a loop would notice."""


class DeliveryFailed(Retry):
    """Records were not acknowledged. They may be in the log or not: publish them again, doors drop repeats by id.

    Operator: see the reason; check the broker, the rights of this client, and the size of the records.
    """

    def __init__(self, n_records: int, reason: str) -> None:
        super().__init__(f"{n_records} records were not acknowledged ({reason}); check the broker and publish again")
        self.n_records, self.reason = n_records, reason


class ClientProducer:
    """Idempotent and in order; failures are raised at the next call.

    Args:
        settings: Where and how to connect.
        client_id: For the broker's logs.
        flush_seconds: How long `flush` waits.
    """

    def __init__(self, settings: HostSettings, client_id: str, flush_seconds: float = _FLUSH_SECONDS) -> None:
        self._failed: list[str] = []
        self._flush_seconds = flush_seconds
        self._producer = Producer(
            settings.client()
            | {
                "client.id": client_id,
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": _LINGER_MS,
                "message.max.bytes": MAX_MESSAGE_BYTES,
                "compression.type": "lz4",
                "delivery.report.only.error": True,
                "queue.buffering.max.kbytes": 262144,
                "log_level": 0,
            }
        )

    def send(self, output: Output) -> None:
        """Queue one record; waits while the queue is full.

        Raises:
            DeliveryFailed: An earlier one was not delivered, or this one never can be.
        """
        while True:
            try:
                self._producer.produce(
                    output.topic,
                    value=output.value,
                    key=output.key,
                    partition=output.partition,
                    headers=output.headers,  # type: ignore[arg-type]  # a list of pairs is what it takes
                    on_delivery=self._on_delivery,
                )
            except BufferError:
                self._producer.poll(0.05)
            else:
                break
        self._producer.poll(0)
        self._raise_failures()

    def flush(self) -> None:
        """Wait for acknowledgement of everything.

        Raises:
            DeliveryFailed: It did not come in time, or was a refusal.
        """
        n_left = self._producer.flush(self._flush_seconds)
        self._raise_failures()
        if n_left:
            raise DeliveryFailed(n_left, f"no answer in {self._flush_seconds:g} s")

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed.append(f"{message.topic()}: {error.str()}")

    def _raise_failures(self) -> None:
        if self._failed:
            failed, self._failed = self._failed, []
            raise DeliveryFailed(len(failed), failed[0])
