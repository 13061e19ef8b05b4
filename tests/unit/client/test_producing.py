"""A producer whose broker is not there: every call ends, and no record is lost silently."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from time import monotonic, sleep

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from homeostat.client import producing
from homeostat.client.client import Client
from homeostat.client.errors import DeliveryFailed, QueueFull
from homeostat.client.memory import MemoryLogs
from homeostat.client.producing import ClientProducer, n_waiting
from homeostat.codec import Output
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.settings import HostSettings

ROOT = Path(__file__).parents[3]
NOWHERE = HostSettings(bootstrap_servers="127.0.0.1:9")


def output(number: int) -> Output:
    return Output("homeostat.telemetry", 0, b"team/m", f"{number}".encode(), [("ce_id", f"{number}".encode())])


def producer(flush_seconds: float = 0.1, room_seconds: float = 0.1, **more: int) -> ClientProducer:
    return ClientProducer(NOWHERE, "test", flush_seconds, room_seconds, **more)


def test_a_full_queue_ends_the_wait() -> None:
    """The record that found no place is in the error; those that wait go on waiting."""
    waiting = producer(queue_buffering_max_messages=3)
    for number in range(3):
        waiting.send(output(number))

    with pytest.raises(QueueFull, match=r"3 others wait.*Client\.resend") as full:
        waiting.send(output(3))

    assert full.value.outputs == (output(3),)
    assert full.value.n_waiting == 3
    with pytest.raises(DeliveryFailed):
        waiting.close()


def test_a_flush_ends_and_gives_nothing_up() -> None:
    """The error says that they still wait, and where the broker was looked for."""
    waiting = producer()
    waiting.send(output(0))

    for _ in range(2):
        with pytest.raises(DeliveryFailed, match=r"1 records.*127\.0\.0\.1:9.*call flush again") as failed:
            waiting.flush()
        assert failed.value.outputs == ()

    with pytest.raises(DeliveryFailed):
        waiting.close()


def test_what_the_library_has_to_tell_is_no_record() -> None:
    """It counts its errors with what waits; that no broker was there is one of them, again and again."""
    library = Producer(NOWHERE.client() | {"log_level": 0})
    library.produce("homeostat.telemetry", b"")
    deadline = monotonic() + 240
    while len(library) < 3 and monotonic() < deadline:
        sleep(0.01)

    assert len(library) >= 3
    assert n_waiting(library) == 1
    library.purge()


def test_what_a_close_gives_up_is_in_its_error() -> None:
    """Whole and in order, so that it can be sent again under the same ids."""
    waiting, n = producer(), 1200
    for number in range(n):
        waiting.send(output(number))

    with pytest.raises(DeliveryFailed, match=r"1200 records.*Client\.resend") as failed:
        waiting.close()

    assert failed.value.outputs == tuple(map(output, range(n)))
    assert not waiting.is_usable


def test_what_was_given_up_is_raised_before_the_next_record_is_taken() -> None:
    """So that whoever catches it knows that the record of this call was not sent."""
    waiting = producer(flush_seconds=60, room_seconds=60, message_timeout_ms=10, queue_buffering_max_messages=1000)
    waiting.send(output(0))
    with pytest.raises(DeliveryFailed) as failed:
        waiting.flush()
    assert failed.value.outputs == (output(0),)

    def send_on() -> None:
        while True:
            waiting.send(output(next(numbers)))

    numbers = count(1)
    with pytest.raises(DeliveryFailed) as failed:
        send_on()

    assert failed.value.outputs[0] == output(1)
    assert output(next(numbers) - 1) not in failed.value.outputs
    with suppress(DeliveryFailed):  # whether any is left depends on the clock
        waiting.close()


_SCRIPT = """
import sys
from itertools import count
from pathlib import Path
from tests.unit.client.test_producing import *
from homeostat.client import ending
ending.END_SECONDS = 0.2
waiting = ClientProducer(NOWHERE, "test")
for number in range(4):
    waiting.send(output(number))
"""


@pytest.mark.parametrize(("end", "code"), [("", 0), ("sys.exit(3)", 3), ("raise ValueError", 1), ("waiting = None", 0)])
def test_a_process_that_ends_says_what_it_takes_with_it(end: str, code: int) -> None:
    """On stderr, by number, with what to do; by return, exit, exception, or when nobody holds the client any more."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(ROOT)])}

    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT + end], capture_output=True, text=True, env=environment, timeout=240, check=False
    )

    assert done.returncode == code
    assert done.stdout == ""
    assert "4 records were not delivered to Kafka at 127.0.0.1:9" in done.stderr
    assert "Client.flush" in done.stderr


class _Fatal:
    """A library that takes two records, gives neither up, and then is no more."""

    def __init__(self, _: object) -> None:
        self._told: list[Callable[[KafkaError | None, None], None]] = []

    def __len__(self) -> int:
        return len(self._told)

    def produce(self, *_: object, on_delivery: Callable[[KafkaError | None, None], None], **__: object) -> None:
        if len(self._told) == 2:
            raise KafkaException(KafkaError(KafkaError._FATAL, "out of order", fatal=True))
        self._told.append(on_delivery)

    def poll(self, _: float) -> int:
        return 0

    def purge(self) -> None:
        self._purged = True

    def flush(self, _: float) -> int:
        told, self._told = self._told, []
        for tell in told:
            tell(KafkaError(KafkaError._PURGE_QUEUE), None)
        return 0

    def close(self) -> None:
        pass


def test_a_fatal_error_brings_back_all_that_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order in which they were published, the one that met the error last: `resend` says them again."""
    monkeypatch.setattr(producing, "Producer", _Fatal)
    dying = producer()
    for number in range(2):
        dying.send(output(number))

    with pytest.raises(DeliveryFailed, match="3 records") as failed:
        dying.send(output(2))

    assert failed.value.outputs == tuple(output(number) for number in range(3))
    assert not dying.is_usable


def test_what_is_not_taken_again_is_in_the_error() -> None:
    """`resend` loses none of what it was given, wherever it stops."""
    earlier = output(7)

    class Refusing(MemoryLogs):
        def send(self, output: Output) -> None:
            if output.value == b"1":
                raise DeliveryFailed(1, "earlier", (earlier,))

    client = Client(source="/svc", logs=Refusing(MemoryLog()))
    outputs = tuple(output(number) for number in range(4))

    with pytest.raises(DeliveryFailed) as failed:
        client.resend(DeliveryFailed(4, "away", outputs))

    assert failed.value.outputs == (earlier, *outputs[1:])


def test_giving_up_does_not_wait_for_what_was_given_up() -> None:
    """The library's own `close` waits for every record without bound: what was told of is purged before."""
    waiting = producer()
    waiting.send(output(0))
    started = monotonic()

    waiting.end(0.1)

    assert monotonic() - started < 1.5
