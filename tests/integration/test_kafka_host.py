"""Exactly-once on a real broker: two stages of processes, killed, stopped, woken, rebalanced."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from homeostat.codec import Output, Record
from homeostat.events.logs import LOGS, QUARANTINE, SNAPSHOTS, Log
from homeostat.host import replay
from homeostat.host.connection import Cluster, KafkaOutbox, read_partition
from homeostat.host.settings import HostSettings
from homeostat.stack.topics import TopicSpec, ensure_topics
from homeostat.testing.counter import Counter
from homeostat.testing.signals import signal as made_up

pytestmark = pytest.mark.kafka
PARTITIONS = 3


def settings(kafka: str) -> HostSettings:
    return HostSettings(bootstrap_servers=kafka, snapshot_interval_seconds=0.3)


@pytest.fixture
def topics(kafka: str) -> dict[str, str]:
    """Names of the topics of one test: input, middle, output, and the two snapshot topics."""
    tag = f"{os.getpid()}-{random.randrange(10**6)}"
    names = {role: f"homeostat.test-{role}-{tag}" for role in ("in", "mid", "out")}
    stages = {"one": f"one-{tag}", "two": f"two-{tag}"}
    wanted = [TopicSpec(name, PARTITIONS, {"message.timestamp.type": "LogAppendTime"}) for name in names.values()]
    for stage in stages.values():
        log = Log(SNAPSHOTS + stage, "snapshots", "", "")
        wanted.append(TopicSpec(log.name, PARTITIONS, log.config() | {"segment.ms": "2000"}))
    quarantine = next(log for log in LOGS if log.name == QUARANTINE)
    wanted.append(TopicSpec(QUARANTINE, PARTITIONS, quarantine.config()))
    ensure_topics(kafka, wanted)
    return names | stages


@contextmanager
def stage(kafka: str, name: str, log: str, out: str) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Give a function that starts one more process of a stage; all are ended on leaving."""
    running: list[subprocess.Popen[bytes]] = []
    environment = os.environ | {"HOMEOSTAT_BOOTSTRAP_SERVERS": kafka, "HOMEOSTAT_SNAPSHOT_INTERVAL_SECONDS": "0.3"}

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "homeostat.testing.pipeline", name, log, out], env=environment
        )
        running.append(process)
        return process

    try:
        yield start
    finally:
        for process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()


def records_of(kafka: str, topic: str) -> dict[int, list[Record]]:
    cluster = Cluster(settings(kafka))
    cluster.load()
    return {
        p: list(read_partition(settings(kafka), topic, p, cluster.topic_id(topic)))
        for p in range(cluster.places(topic))
    }


def seen(records: dict[int, list[Record]]) -> dict[int, list[tuple[bytes, bytes]]]:
    """What a reader sees that drops repeats, by partition: identity and value, in order of each source."""
    views: dict[int, list[tuple[bytes, bytes]]] = {}
    for partition, lines in records.items():
        watermarks: dict[bytes, bytes] = defaultdict(bytes)
        views[partition] = []
        for record in lines:
            headers = dict(record.headers)
            if headers["ce_sequence"] > watermarks[headers["ce_source"]]:
                watermarks[headers["ce_source"]] = headers["ce_sequence"]
                views[partition].append((headers["ce_source"] + b"#" + headers["ce_id"], record.value or b""))
    return {partition: sorted(view) for partition, view in views.items()}


def derived(kafka: str, fold: Counter, out: str) -> dict[int, list[tuple[bytes, bytes]]]:
    """What one uninterrupted in-memory fold of the recorded input log says."""
    views: dict[int, list[tuple[bytes, bytes]]] = {partition: [] for partition in range(PARTITIONS)}
    for records in records_of(kafka, fold.log).values():
        for output in replay(fold, records, lambda _: PARTITIONS):
            if output.topic == out:
                headers = dict(output.headers)
                views[output.partition].append((headers["ce_source"] + b"#" + headers["ce_id"], output.value or b""))
    return {partition: sorted(view) for partition, view in views.items()}


def publish(kafka: str, topic: str, start: int, n: int) -> None:
    outbox = KafkaOutbox(settings(kafka), "made-up")
    for i in range(start, start + n):
        subject = f"team/m{i % 40}"
        line = made_up(topic, subject, -1.0 if i % 50 == 0 else float(i), i, source=f"/made-up/{i % PARTITIONS}")
        outbox.send(Output(topic, i % PARTITIONS, line.key, line.value, line.headers))
    outbox.flush()


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the pipeline did not finish in time"
        time.sleep(0.2)


def test_two_stages_lose_and_double_nothing(kafka: str, topics: dict[str, str]) -> None:
    """Two kills, one zombie, one rebalance: each stage's output equals an in-memory fold of its input log."""
    folds: dict[str, Any] = {
        "one": Counter(name=topics["one"], log=topics["in"], out=topics["mid"]),
        "two": Counter(name=topics["two"], log=topics["mid"], out=topics["out"]),
    }
    with (
        stage(kafka, topics["one"], topics["in"], topics["mid"]) as start_one,
        stage(kafka, topics["two"], topics["mid"], topics["out"]) as start_two,
    ):
        first, second = start_one(), start_two()
        publish(kafka, topics["in"], 0, 600)
        wait_until(lambda: sum(map(len, records_of(kafka, topics["mid"]).values())) > 300)
        first.kill()
        start_one()
        publish(kafka, topics["in"], 600, 600)
        zombie = start_one()  # a rebalance
        wait_until(lambda: sum(map(len, records_of(kafka, topics["mid"]).values())) > 1500)
        zombie.send_signal(signal.SIGSTOP)
        second.kill()
        start_two()
        publish(kafka, topics["in"], 1200, 600)
        expected_mid = (1800 - 36) * 2
        wait_until(lambda: sum(len(v) for v in seen(records_of(kafka, topics["mid"])).values()) >= expected_mid)
        zombie.send_signal(signal.SIGCONT)
        wait_until(lambda: sum(len(v) for v in seen(records_of(kafka, topics["out"])).values()) >= expected_mid)

    assert seen(records_of(kafka, topics["mid"])) == derived(kafka, folds["one"], topics["mid"])
    assert seen(records_of(kafka, topics["out"])) == derived(kafka, folds["two"], topics["out"])
    assert sum(len(v) for v in seen(records_of(kafka, topics["out"])).values()) == expected_mid


def test_a_graceful_stop_takes_less_than_the_session(kafka: str, topics: dict[str, str]) -> None:
    """SIGTERM leaves the group and a clean marker: the next process starts at once, exit code 0."""
    with stage(kafka, topics["one"], topics["in"], topics["mid"]) as start:
        process = start()
        publish(kafka, topics["in"], 0, 30)
        wait_until(lambda: sum(map(len, records_of(kafka, topics["mid"]).values())) >= 58)

        process.terminate()

        assert process.wait(timeout=10) == 0
