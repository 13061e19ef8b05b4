"""A producer for a process that is not ours: it never ends it, never waits without bound, never loses silently."""

from collections.abc import Callable
from functools import partial
from itertools import count
from operator import itemgetter
from time import monotonic
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from homeostat.client import ending
from homeostat.client.errors import DeliveryFailed, QueueFull
from homeostat.client.forking import close_beside, drop_in_children, is_child, keep_for_ever
from homeostat.codec import Output
from homeostat.events.logs import MAX_QUARANTINED_BYTES
from homeostat.runtime.settings import HostSettings

_FLUSH_SECONDS: Final = 30.0
_ROOM_SECONDS: Final = 30.0
"""How long a record waits for a place in a full queue."""

_COUNTS: Final = 3
_LINGER_MS: Final = 2
"""Enough to fill batches under load; nothing a person or a loop would notice."""


def producer_properties(settings: HostSettings, client_id: str) -> dict[str, str | int | float | bool]:
    """How what is said from outside is written: idempotent, in order, acknowledged by all replicas in sync.

    Args:
        settings: Where and how to connect.
        client_id: For the broker's logs.
    """
    return settings.client() | {
        "client.id": client_id,
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": _LINGER_MS,
        "message.max.bytes": MAX_QUARANTINED_BYTES,
        "compression.type": "lz4",
        "log_level": 0,
    }


class _Failures:
    """Records that were given up; apart from the producer, so that records under way do not keep it alive."""

    def __init__(self) -> None:
        self.reason = ""
        self._outputs: list[tuple[int, Output]] = []
        self._numbers = count()

    def callback(self, output: Output) -> Callable[[KafkaError | None, Message | None], None]:
        """What librdkafka calls once it knows what became of a record that is handed over now."""
        return partial(self._add, next(self._numbers), output)

    def _add(self, number: int, output: Output, error: KafkaError | None, _: Message | None) -> None:
        if error is not None:
            self.reason = self.reason or f"{output.topic}: {error.str()}"
            self._outputs.append((number, output))

    def outputs(self) -> list[Output]:
        """In the order in which they were published, which is not that in which they are given up."""
        return [output for _, output in sorted(self._outputs, key=itemgetter(0))]

    def take(self) -> DeliveryFailed | None:
        if not self._outputs:
            return None
        failure = DeliveryFailed(len(self._outputs), self.reason, self.outputs())
        self.reason, self._outputs = "", []
        return failure


class ClientProducer:
    """Idempotent and in order; failures are raised at the next call, or said when the process ends.

    Args:
        settings: Where and how to connect.
        client_id: For the broker's logs.
        flush_seconds: How long `flush` waits.
        room_seconds: How long `send` waits while the queue is full.
        **more: Settings of librdkafka on top, for tests.
    """

    def __init__(
        self,
        settings: HostSettings,
        client_id: str,
        flush_seconds: float = _FLUSH_SECONDS,
        room_seconds: float = _ROOM_SECONDS,
        **more: int,
    ) -> None:
        self._failures = _Failures()
        self._servers, self._flush_seconds, self._room_seconds = settings.bootstrap_servers, flush_seconds, room_seconds
        self._is_ended = False
        self._producer: Producer | None = None
        self._producer = Producer(
            producer_properties(settings, client_id)
            | {"delivery.report.only.error": True, "queue.buffering.max.kbytes": 262144}
            | {name.replace("_", "."): value for name, value in more.items()}
        )
        drop_in_children(self)
        ending.end_with_process(self)

    @property
    def is_usable(self) -> bool:
        """Whether it can send: not after a fork, a fatal error of the library, or `close`."""
        return self._producer is not None

    def send(self, output: Output) -> None:
        """Queue one record; while the queue is full, wait for a place.

        Raises:
            DeliveryFailed: An earlier one was not delivered, or this one never can be; this one was not taken. After a
                fatal error of the library its `outputs` are all that were not acknowledged, this one the last.
            QueueFull: No place in time; this one was not taken.
        """
        producer = self._live()
        producer.poll(0)
        self._raise_failures()
        deadline: float | None = None
        while True:
            try:
                producer.produce(
                    output.topic,
                    value=output.value,
                    key=output.key,
                    partition=output.partition,
                    headers=output.headers,  # type: ignore[arg-type]  # a list of pairs is what it takes
                    on_delivery=self._failures.callback(output),
                )
            except BufferError:
                deadline = monotonic() + self._room_seconds if deadline is None else deadline
                if monotonic() > deadline:
                    raise QueueFull(n_waiting(producer), self._room_seconds, output) from None
                producer.poll(0.05)
            except KafkaException as error:
                if error.args[0].fatal():
                    outputs = (*self._give_up(), output)
                    raise DeliveryFailed(len(outputs), f"{output.topic}: {error.args[0].str()}", outputs) from None
                raise DeliveryFailed(1, f"{output.topic}: {error.args[0].str()}", (output,)) from None
            else:
                return

    def flush(self) -> None:
        """Wait for acknowledgement of everything.

        Raises:
            DeliveryFailed: It did not come in time, or was a refusal.
        """
        producer = self._live()
        n_left = producer.flush(self._flush_seconds) and n_waiting(producer)
        self._raise_failures()
        if n_left:
            raise DeliveryFailed(n_left, f"no answer from {self._servers} in {self._flush_seconds:g} s")

    def close(self) -> None:
        """Flush, and give the connections back whatever comes of it.

        Raises:
            DeliveryFailed: As `flush`; what still waited is given up, and among its `outputs`.
        """
        self._live()
        try:
            self.flush()
        except DeliveryFailed as failed:
            outputs = (*failed.outputs, *self._give_up())
            raise DeliveryFailed(len(outputs), failed.reason, outputs) from None
        finally:
            self._let_go()

    def end(self, timeout_seconds: float) -> None:
        """See `Unfinished`."""
        self._finish(timeout_seconds)
        if is_child():
            keep_for_ever(self._producer)
            self._producer = None
        else:
            self._let_go()

    def _finish(self, timeout_seconds: float) -> None:
        if self._is_ended or self._producer is None:
            return
        self._is_ended = True
        n_left = self._producer.flush(timeout_seconds) and n_waiting(self._producer)
        failure = self._failures.take()
        if n_left or failure is not None:
            n = n_left + (failure.n_records if failure else 0)
            reason = failure.reason if failure else f"no answer in {timeout_seconds:.0f} s"
            ending.log.error(
                "homeostat: %d records were not delivered to Kafka at %s (%s) and end with this process; "
                "Client.flush or Client.close raise while something can still be done",
                n,
                self._servers,
                reason,
            )

    def _give_up(self) -> list[Output]:
        """Purge what waits, and let the handle go.

        Returns:
            All that was not acknowledged and was not told of yet, in the order in which it was published.
        """
        producer = self._live()
        producer.purge()
        producer.flush(1.0)  # runs the callbacks of what was purged
        failure = self._failures.take()
        self._let_go()
        return [] if failure is None else list(failure.outputs)

    def _let_go(self) -> None:
        producer, self._producer, self._is_ended = self._producer, None, True
        if producer is not None:
            close_beside(partial(_close, producer))

    def after_fork(self) -> None:
        """See `Forkable`. What the parent has queued, the parent sends."""
        keep_for_ever(self._producer)
        self._producer, self._failures, self._is_ended = None, _Failures(), True

    def __del__(self) -> None:
        """What was published by a client that nobody holds any more goes out, too."""
        if not getattr(self, "_is_ended", True):
            self._finish(ending.END_SECONDS)
            self._let_go()

    def _live(self) -> Producer:
        if self._producer is None:
            raise RuntimeError("the producer was closed, or is its parent's: make another one")
        return self._producer

    def _raise_failures(self) -> None:
        failure = self._failures.take()
        if failure is not None:
            raise failure


def _close(producer: Producer) -> None:
    """Give the connections back; what still waits was told of, and must not be waited for: `close` has no time-out."""
    producer.purge()
    producer.close()


def n_waiting(producer: Producer) -> int:
    """Records without an answer: the library counts what it has to tell, that no broker is there, among them."""
    found = len(producer)
    for _ in range(_COUNTS):  # it may have something to tell in between, and records only become fewer
        producer.poll(0)
        found = min(found, len(producer))
    return found
