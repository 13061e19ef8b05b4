"""The Kafka host does what every host must do: the same checks as in tests/conformance, on a real broker."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from homeostat.codec import Output, Record
from homeostat.core import Fold
from homeostat.events.logs import LOGS, QUARANTINE, SNAPSHOTS, Log
from homeostat.host.connection import Cluster, KafkaOutbox, read_partition
from homeostat.host.settings import HostSettings
from homeostat.stack.topics import TopicSpec, ensure_topics
from homeostat.testing.counter import Counter
from homeostat.testing.hosts import HOST_CHECKS, HostCheck

pytestmark = pytest.mark.kafka
PATIENCE_SECONDS = 60.0
SNAPSHOT_SECONDS = "0.3"


class KafkaUnderTest:
    """A counter stage as a process of its own, on topics of its own."""

    def __init__(self, kafka: str) -> None:
        self.kafka, tag = kafka, f"{os.getpid()}-{random.randrange(10**6)}"
        self.name, self.log, self.out = f"host-{tag}", f"homeostat.test-host-in-{tag}", f"homeostat.test-host-out-{tag}"
        self.settings = HostSettings(bootstrap_servers=kafka)
        snapshots = Log(SNAPSHOTS + self.name, "snapshots", "", "").config()
        quarantine = next(log for log in LOGS if log.name == QUARANTINE)
        stamped = {"message.timestamp.type": "LogAppendTime"}
        ensure_topics(
            kafka,
            [
                TopicSpec(self.log, 1, stamped),
                TopicSpec(self.out, 2, stamped),
                TopicSpec(SNAPSHOTS + self.name, 1, snapshots),
                TopicSpec(QUARANTINE, 3, quarantine.config()),
            ],
        )
        self.cluster = Cluster(self.settings)
        self.cluster.load()
        self.outbox = KafkaOutbox(self.settings, "made-up")
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Start the stage."""
        environment = os.environ | {
            "HOMEOSTAT_BOOTSTRAP_SERVERS": self.kafka,
            "HOMEOSTAT_SNAPSHOT_INTERVAL_SECONDS": SNAPSHOT_SECONDS,
        }
        command = [sys.executable, "-m", "homeostat.testing.pipeline", self.name, self.log, self.out]
        return subprocess.Popen(command, env=environment)

    def write(self, outputs: Sequence[Output]) -> None:
        """See `HostUnderTest.write`."""
        for output in outputs:
            self.outbox.send(Output(self.log, 0, output.key, output.value, output.headers))
        self.outbox.flush()

    def settle(self, n: int) -> None:
        """See `HostUnderTest.settle`."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len({dict(r.headers)["ce_id"] for r in self.published()}) < n and time.monotonic() < deadline:
            time.sleep(0.1)

    def restart(self, *, is_clean: bool) -> None:
        """SIGTERM or SIGKILL, and another process."""
        self.process.send_signal(signal.SIGTERM if is_clean else signal.SIGKILL)
        self.process.wait(timeout=PATIENCE_SECONDS)
        self.process = self.start()

    def fold(self) -> Fold[Any]:
        """See `HostUnderTest.fold`."""
        return Counter(name=self.name, log=self.log, out=self.out)

    def places(self, topic: str) -> int:
        """See `HostUnderTest.places`."""
        return self.cluster.places(topic)

    def input(self) -> Sequence[Record]:
        """See `HostUnderTest.input`."""
        return self.records(self.log)

    def published(self) -> Sequence[Record]:
        """See `HostUnderTest.published`."""
        return [
            record
            for topic in (self.out, QUARANTINE)
            for record in self.records(topic)
            if f"/homeostat/{self.name}/".encode() in dict(record.headers)["ce_source"]
        ]

    def records(self, topic: str) -> list[Record]:
        """Everything in a log."""
        topic_id = self.cluster.topic_id(topic)
        return [r for p in range(self.places(topic)) for r in read_partition(self.settings, topic, p, topic_id)]

    def close(self) -> None:
        """End the process."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture
def host(kafka: str) -> Iterator[KafkaUnderTest]:
    """A host with topics of its own."""
    under_test = KafkaUnderTest(kafka)
    yield under_test
    under_test.close()


@pytest.mark.parametrize("check", HOST_CHECKS, ids=lambda check: check.__name__)
def test_the_kafka_host_conforms(host: KafkaUnderTest, check: HostCheck) -> None:
    """The check says what is wrong."""
    check(host)
