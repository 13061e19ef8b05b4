"""The producer that the guarantees rest on."""

import os
import time
from collections.abc import Callable
from typing import Final

import structlog
from confluent_kafka import KafkaError, Message, Producer

from homeostat.codec import Output
from homeostat.events.logs import MAX_QUARANTINED_BYTES
from homeostat.runtime.settings import HostSettings

log = structlog.get_logger(__name__)
EXIT_UNDELIVERED: Final = 75
"""Exit code when the broker did not take what was sent: nothing is lost, a restart sends it again."""

_FLUSH_SECONDS: Final = 120.0
_BURST: Final = 64
"""Records handed over at once: few requests, and at most 64 MB waiting."""


class KafkaOutbox:
    """Idempotent, gapless, without a message time-out (hole 3); any delivery error ends the process.

    Records are handed to the client in bursts, in order: one by one, each would wake its thread and
    become a request of its own. Order of calls: `serve` or `flush` after what must go out now.

    Args:
        settings: Of the host.
        client_id: For the broker's logs.
        sign: Adds the notary's signature.
    """

    def __init__(self, settings: HostSettings, client_id: str, sign: Callable[[Output], Output] | None = None) -> None:
        self._sign = sign
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
                "message.max.bytes": MAX_QUARANTINED_BYTES,
                "compression.type": "lz4",
                "delivery.report.only.error": True,
                "queue.buffering.max.kbytes": 262144,
                "queue.buffering.max.messages": 200000,
                "error_cb": _on_error,
            }
        )

    def send(self, output: Output) -> None:
        """Queue one record; waits while the queue is full."""
        self._waiting.append(output if self._sign is None else self._sign(output))
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
