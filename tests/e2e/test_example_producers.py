"""Producers that nobody here wrote a library for: what they publish is admitted."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.broker import shared_broker

from homeostat.client.kafka import KafkaLogs
from homeostat.codec import Output, decode_event
from homeostat.events import Labels, ModelRegistered, Samples
from homeostat.events.logs import QUARANTINE, TELEMETRY, TIMELINE
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.memory_loop import MemoryLoop
from homeostat.runtime.settings import HostSettings
from homeostat.services.intake.telemetry import TelemetryIntake
from homeostat_tools.local_stack.errors import KafkaUnavailable
from homeostat_tools.local_stack.jars import ensure_jars
from homeostat_tools.local_stack.services import topics
from homeostat_tools.local_stack.topics import ensure_topics

pytestmark = pytest.mark.kafka
EXAMPLES = Path(__file__).parents[2] / "examples"
LIMIT_SECONDS = 240.0


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker with every topic."""
    try:
        with shared_broker(tmp_path_factory.mktemp("producers"), None) as address:
            ensure_topics(address, topics(3))
            yield address
    except KafkaUnavailable as unavailable:
        pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")


def admitted(servers: str, model: str) -> list[type]:
    """Types that intake makes of what lies at the door about a model, in the partitions where it lies."""
    logs = KafkaLogs(HostSettings(bootstrap_servers=servers))
    records = [record for record in logs.read([TELEMETRY]) if record.key == model.encode()]
    logs.close()
    log = MemoryLog(partitions=3, start_ms=records[0].timestamp)
    loop = MemoryLoop(log, [TelemetryIntake()])
    for record in records:
        log.append(Output(record.topic, record.partition, record.key or b"", record.value, record.headers))
        loop.settle()
    assert not list(log.all(QUARANTINE))
    events = [decode_event(record, time=0, emitter="", is_door=False) for record in log.all(TIMELINE)]
    return [type(event.data) for event in events if event.subject == model]


def test_a_jvm_publishes(servers: str) -> None:
    """With Kafka's own client and its partitioner; the single file is compiled as it runs."""
    java = shutil.which("java")
    modules = subprocess.run([java or "false", "--list-modules"], capture_output=True, text=True).stdout
    if java is None or "jdk.compiler" not in modules:
        pytest.skip("no Java here that compiles")
    done = subprocess.run(
        [java, "-cp", os.pathsep.join(map(str, ensure_jars(print))), EXAMPLES / "jvm" / "Producer.java", servers],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
    )

    assert done.returncode == 0, done.stderr
    assert len(re.findall("published at homeostat.telemetry-", done.stdout)) == 3
    assert admitted(servers, "fraud/scorer") == [ModelRegistered, Samples, Labels]


def test_a_shell_publishes(servers: str) -> None:
    """By kcat."""
    if shutil.which("kcat") is None:
        pytest.skip("kcat is not installed here: apt-get install kcat")
    done = subprocess.run(
        ["sh", EXAMPLES / "kcat" / "publish.sh", servers], capture_output=True, text=True, timeout=LIMIT_SECONDS
    )

    assert done.returncode == 0, done.stderr
    assert admitted(servers, "shell/doubler") == [ModelRegistered, Samples, Labels]
