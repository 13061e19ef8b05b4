"""The Kafka host does what every host must do: the same checks as in tests/conformance, on real brokers.

On Kafka 4 groups speak the new protocol (KIP-848), on 3.9 the classic one: which one is found out by the host.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from homeostat.codec import Output, Record
from homeostat.core import Fold
from homeostat.events.logs import LOGS, QUARANTINE, SNAPSHOTS, Log
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.kafka_outbox import KafkaOutbox
from homeostat.runtime.reading import read_partition
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.ticks import tick
from homeostat.testing.counter import Counter
from homeostat.testing.hosts import DOOR_CHECKS, HOST_CHECKS, HostCheck
from homeostat_tools.local_stack.errors import KafkaUnavailable
from homeostat_tools.local_stack.topics import TopicSpec, ensure_topics

pytestmark = pytest.mark.kafka
PATIENCE_SECONDS = 240.0
SNAPSHOT_SECONDS = "0.3"
STAMPED = {"message.timestamp.type": "LogAppendTime"}


class KafkaUnderTest:
    """A counter stage as a process of its own, on topics of its own.

    Args:
        kafka: Address of the broker.
        is_door: Whether the input is a door.
    """

    def __init__(self, kafka: str, *, is_door: bool) -> None:
        self.kafka, tag = kafka, f"{os.getpid()}-{random.randrange(10**6)}"
        self._kind = "door" if is_door else "log"
        self._admin = AdminClient({"bootstrap.servers": kafka, "log_level": 0})
        self.name, self.log, self.out = f"host-{tag}", f"homeostat.test-host-in-{tag}", f"homeostat.test-host-out-{tag}"
        self.settings = HostSettings(bootstrap_servers=kafka)
        snapshots = Log(SNAPSHOTS + self.name, "snapshots", "", "").config()
        quarantine = next(log for log in LOGS if log.name == QUARANTINE)
        ensure_topics(
            kafka,
            [
                TopicSpec(self.log, 1, STAMPED),
                TopicSpec(self.out, 2, STAMPED),
                TopicSpec(SNAPSHOTS + self.name, 1, snapshots),
                TopicSpec(QUARANTINE, 3, quarantine.config()),
            ],
        )
        self.cluster = Cluster(self.settings)
        self.cluster.load()
        self.outbox = KafkaOutbox(self.settings, "made-up")
        self.process = self._spawn()

    def start(self) -> None:
        """See `HostUnderTest.start`."""
        self.process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "HOMEOSTAT_BOOTSTRAP_SERVERS": self.kafka,
            "HOMEOSTAT_SNAPSHOT_INTERVAL_SECONDS": SNAPSHOT_SECONDS,
        }
        command = [sys.executable, "-m", "homeostat.testing.counter_stage", self.name, self.log, self.out, self._kind]
        return subprocess.Popen(command, env=environment)

    def write(self, outputs: Sequence[Output]) -> None:
        """See `HostUnderTest.write`."""
        for output in outputs:
            self.outbox.send(Output(self.log, 0, output.key, output.value, output.headers))
        self.outbox.flush()

    def settle(self, n: int) -> None:
        """See `HostUnderTest.settle`."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._n_published() < n and time.monotonic() < deadline:
            time.sleep(0.1)

    def _n_published(self) -> int:
        headers = [dict(record.headers) for record in self.published()]
        return len({(header["ce_source"], header["ce_id"]) for header in headers})

    def restart(self, *, is_clean: bool) -> None:
        """SIGTERM or SIGKILL, and another process."""
        self._end(signal.SIGTERM if is_clean else signal.SIGKILL)
        self.start()

    def stop(self) -> None:
        """SIGTERM."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.wait(timeout=PATIENCE_SECONDS)

    def skip(self) -> None:
        """A transaction that is aborted, and one that is committed and says nothing: two records, two markers."""
        producer = Producer({"bootstrap.servers": self.kafka, "transactional.id": self.name, "log_level": 0})
        producer.init_transactions(PATIENCE_SECONDS)
        for is_committed in (False, True):
            producer.begin_transaction()
            nothing = tick(self.log, 0, "team/m", "testing", 0)
            producer.produce(self.log, nothing.value, nothing.key, 0, headers=nothing.headers)  # type: ignore[arg-type]
            producer.flush()
            (producer.commit_transaction if is_committed else producer.abort_transaction)()

    def expire(self, offset: int) -> None:
        """Delete records, as retention does."""
        for deleted in self._admin.delete_records([TopicPartition(self.log, 0, offset)]).values():
            deleted.result(PATIENCE_SECONDS)

    def replace(self) -> None:
        """Delete the topic, and create it."""
        self._admin.delete_topics([self.log])[self.log].result(PATIENCE_SECONDS)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                ensure_topics(self.kafka, [TopicSpec(self.log, 1, STAMPED)], 2.0)
                break
            except KafkaUnavailable:
                if time.monotonic() > deadline:
                    raise
        self.cluster = Cluster(self.settings)
        self.outbox = KafkaOutbox(self.settings, "made-up")

    def fold(self) -> Fold[Any]:
        """See `HostUnderTest.fold`."""
        return Counter(name=self.name, log=self.log, out=self.out, is_door=self._kind == "door")

    def n_partitions(self, topic: str) -> int:
        """See `HostUnderTest.n_partitions`."""
        return self.cluster.n_partitions(topic)

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
        return [r for p in range(self.n_partitions(topic)) for r in read_partition(self.settings, topic, p, topic_id)]

    def close(self) -> None:
        """End the process."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture(params=["kafka", "kafka_39"])
def broker(request: pytest.FixtureRequest) -> str:
    """Address of a broker of each kind."""
    address: str = request.getfixturevalue(request.param)
    return address


@pytest.mark.parametrize("check", HOST_CHECKS, ids=lambda check: check.__name__)
def test_the_kafka_host_conforms(broker: str, check: HostCheck) -> None:
    """The check says what is wrong."""
    with closing(KafkaUnderTest(broker, is_door=False)) as host:
        check(host)


@pytest.mark.parametrize("check", DOOR_CHECKS, ids=lambda check: check.__name__)
def test_the_kafka_host_conforms_at_a_door(broker: str, check: HostCheck) -> None:
    """As above."""
    with closing(KafkaUnderTest(broker, is_door=True)) as host:
        check(host)


def test_the_protocol_is_that_of_the_broker(kafka: str, kafka_39: str) -> None:
    """The new one where the broker has it, unless the setting says otherwise."""
    found = [Cluster(HostSettings(bootstrap_servers=address)).group_protocol for address in (kafka, kafka_39)]
    wanted = Cluster(HostSettings(bootstrap_servers=kafka, group_protocol="classic")).group_protocol

    assert [*found, wanted] == ["consumer", "classic", "classic"]
