"""The intake service as a process of its own, on a broker with all topics."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from confluent_kafka import Message, Producer
from confluent_kafka.admin import AdminClient

from homeostat.codec import Record, decode_event
from homeostat.events.logs import DOORS, QUARANTINE
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.reading import read_partition
from homeostat.runtime.settings import HostSettings
from homeostat_tools.local_stack.loopback import get
from homeostat_tools.local_stack.ports import pick_port
from homeostat_tools.local_stack.series import read_series
from homeostat_tools.local_stack.services import topics
from homeostat_tools.local_stack.topics import ensure_topics

PARTITIONS = 3
PATIENCE_SECONDS = 240.0
Place = tuple[str, int, int]
"""Topic, partition, offset."""


class IntakeProcess:
    """All four doors.

    Args:
        broker: Address.
        folder: For its data and its log.
        settings: Environment variables beside the address.
    """

    def __init__(self, broker: str, folder: Path, **settings: str) -> None:
        self.broker, self.port = broker, pick_port(())
        self.settings = HostSettings(bootstrap_servers=broker)
        self.log = folder / "intake.log"
        self._environment = (
            os.environ
            | settings
            | {
                "HOMEOSTAT_BOOTSTRAP_SERVERS": broker,
                "HOMEOSTAT_DATA_DIR": str(folder),
                "HOMEOSTAT_METRICS_PORT": str(self.port),
                "HOMEOSTAT_SNAPSHOT_INTERVAL_SECONDS": "0.3",
            }
        )
        ensure_topics(broker, topics(PARTITIONS))
        self.admin = AdminClient({"bootstrap.servers": broker, "log_level": 0})
        self.producer = Producer(
            {
                "bootstrap.servers": broker,
                "compression.type": "lz4",
                "message.max.bytes": 500_000_000,
                "queue.buffering.max.kbytes": 1_000_000,
                "log_level": 0,
            }
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, is_ready: bool = True) -> None:
        """Start, and wait until it is ready."""
        with self.log.open("ab") as output:
            argv = [sys.executable, "-m", "homeostat.runtime.process", "intake"]
            self.process = subprocess.Popen(argv, env=self._environment, stdout=output, stderr=subprocess.STDOUT)
        if is_ready:
            self.wait(lambda: self.ready() == (200, "ok"))

    def stop(self) -> None:
        """End it gracefully."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=PATIENCE_SECONDS)

    def close(self) -> None:
        """End it, if it can gracefully: it leaves its group then, and who comes next need not wait for its session."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=30.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def ready(self) -> tuple[int, str]:
        """What `/readyz` says; 0 while nobody answers."""
        try:
            return get(f"http://127.0.0.1:{self.port}/readyz", timeout_seconds=30.0)
        except OSError:
            return 0, ""

    def metric(self, name: str, **labels: str) -> float:
        """Sum of the samples of a metric with these labels."""
        return sum(self._samples(name, **labels))

    def is_idle(self) -> bool:
        """No door has anything left to read."""
        return all(list(self._samples("homeostat_lag_records", log=door)) == [0] for door in DOORS)

    def _samples(self, name: str, **labels: str) -> Iterator[float]:
        for sample in read_series(self.port, (name,), PATIENCE_SECONDS):
            if labels.items() <= sample.labels.items():
                yield sample.value

    def send(self, topic: str, value: bytes | None, key: bytes | None = None, **more: Any) -> Place:
        """Write one record as a stranger does; return where it lies."""
        answers: list[tuple[Any, Message]] = []
        self.producer.produce(topic, value=value, key=key, on_delivery=lambda *answer: answers.append(answer), **more)
        self.producer.flush(PATIENCE_SECONDS)
        ((error, message),) = answers
        assert error is None, error
        topic, partition, offset = message.topic() or "", message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        return topic, partition, offset

    def records(self, topic: str) -> list[Record]:
        """Everything in a log."""
        cluster = Cluster(self.settings)
        topic_id = cluster.topic_id(topic)
        return [
            r for p in range(cluster.n_partitions(topic)) for r in read_partition(self.settings, topic, p, topic_id)
        ]

    def events(self, topic: str, subject: str = "") -> list[Any]:
        """Payloads in an internal log, of one subject if named."""
        wanted = [record for record in self.records(topic) if not subject or record.key == subject.encode()]
        return [decode_event(record, time=0, emitter="", is_door=False).data for record in wanted]

    def types(self, topic: str) -> dict[str, list[str]]:
        """Types of the events in an internal log, by subject."""
        found: dict[str, list[str]] = {}
        for record in self.records(topic):
            found.setdefault((record.key or b"").decode(), []).append(dict(record.headers)["ce_type"].decode())
        return found

    def refused(self) -> list[Any]:
        """What lies in quarantine."""
        return self.events(QUARANTINE)

    def refusals(self) -> list[Place]:
        """Where that lay which lies in quarantine."""
        return [(data.log, data.partition, data.offset) for data in self.refused()]

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds, while the process lives.

        Raises:
            AssertionError: It does not, or the process has ended; says the end of its log.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(self.log.read_text(errors="replace")[-3000:])
            time.sleep(0.1)
