"""The snippets of the documents do what the documents say, on a real broker."""

import os
import re
import select
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from tests.support.broker import shared_broker

from homeostat.audit import keys
from homeostat.audit.keys import Key
from homeostat.client.kafka import KafkaLogs
from homeostat.codec import Output, Record, decode_event, encode_payload
from homeostat.codec.encode import encode_headers, partition_of
from homeostat.core import Event, Fold, Identity
from homeostat.core.identity import emit_id, sequence
from homeostat.events import BrakeSet, Labels, ModelRegistered, RolloutSet, Samples
from homeostat.events.logs import GOVERNANCE_KEY, POLICY_ROLLOUT, QUARANTINE, REPORTS, REQUESTS, TELEMETRY, TIMELINE
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.memory_loop import MemoryLoop
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.signer import sign_with
from homeostat.services.governor.fold import Governor
from homeostat.services.intake.requests import RequestsIntake
from homeostat.services.intake.telemetry import TelemetryIntake
from homeostat.testing.enrolled import Enrolled, registration
from homeostat_tools.local_stack.errors import KafkaUnavailable
from homeostat_tools.local_stack.services import topics
from homeostat_tools.local_stack.topics import ensure_topics

pytestmark = pytest.mark.kafka
ROOT = Path(__file__).parents[2]
LOCAL = "127.0.0.1:9092"
WAIT_SECONDS = 240.0


def snippets(document: str, language: str) -> list[str]:
    """Code blocks of a document."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / document).read_text("utf-8"), re.MULTILINE | re.DOTALL)


FIRST_EVENT, FIRST_POLICY = snippets("README.md", "python")
KCAT = [line for block in snippets("README.md", "sh") for line in block.splitlines() if "kcat" in line]
(BY_HAND,) = snippets("docs/requests.md", "python")
(ACTUATOR,) = snippets("docs/actuators.md", "python")


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of its own: the README speaks to a fresh one."""
    with ExitStack() as stack:
        try:
            servers = stack.enter_context(shared_broker(tmp_path_factory.mktemp("readme"), None))
        except KafkaUnavailable as unavailable:
            pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")
        yield servers


@pytest.fixture(scope="module")
def servers(kafka: str) -> str:
    """A broker with every topic."""
    ensure_topics(kafka, topics(3))  # as every test on the shared broker
    return kafka


@pytest.fixture
def logs(servers: str) -> Iterator[KafkaLogs]:
    """The logs, read and written directly."""
    logs = KafkaLogs(HostSettings(bootstrap_servers=servers))
    yield logs
    logs.close()


def records_of(logs: KafkaLogs, topic: str, subject: str, source: str) -> list[Record]:
    """What a source has put into a log about a subject."""
    key = subject.encode()
    place = partition_of(key, logs.n_partitions(topic))
    records = logs.read([topic], partition=place)
    return [
        record for record in records if record.key == key and source.encode() in (record.value or b"") + _source(record)
    ]


def _source(record: Record) -> bytes:
    return dict(record.headers).get("ce_source", b"")


def folded(records: list[Record], *folds: Fold[Any], operator: Key | None = None) -> MemoryLog:
    """Logs in memory after these folds have read these records, as they lie on the broker, at the time they have.

    Args:
        records: Of doors.
        folds: That read.
        operator: Root of the keyring by then.
    """
    log = MemoryLog(start_ms=records[0].timestamp)
    loop = MemoryLoop(log, folds)
    if operator is not None:
        Enrolled(log, operator).request(registration(operator, "operator"), GOVERNANCE_KEY)
        loop.settle()
    for record in records:
        place = partition_of(record.key or b"", log.n_partitions(record.topic))
        log.append(Output(record.topic, place, record.key or b"", record.value, record.headers))
    loop.settle()
    return log


def events_of(log: MemoryLog, topic: str) -> list[Event]:
    return [decode_event(record, time=record.timestamp, emitter="", is_door=False) for record in log.all(topic)]


def test_the_first_event_is_admitted(
    servers: str, logs: KafkaLogs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Model, rows and their joined labels reach the timeline; nothing is refused. It has ten lines at most."""
    monkeypatch.setenv("HOMEOSTAT_BOOTSTRAP_SERVERS", servers)
    monkeypatch.chdir(tmp_path)

    exec(FIRST_EVENT, {})

    log = folded(records_of(logs, TELEMETRY, "shop/ranker", "/shop/ranker"), TelemetryIntake())
    assert [type(event.data) for event in events_of(log, TIMELINE)] == [ModelRegistered, Samples, Labels]
    assert not list(log.all(QUARANTINE))
    assert len(FIRST_EVENT.splitlines()) <= 10


def test_the_first_policy_is_heard(servers: str, logs: KafkaLogs, tmp_path: Path) -> None:
    """What was decided about the model is printed once though it lies there twice; nothing while there is a brake."""
    rollout = RolloutSet(
        action="/a#1",
        verdict="/v#1",
        family="shop/rankers",
        model="shop/ranker",
        expires_at=9_000_000_000_000,
        champion="v1",
        canary="v2",
        weight=0.1,
        reference="v1",
    )
    notary = keys.create(tmp_path / ".homeostat" / "keys", "notary")  # where `homeostat up` makes it
    last = rollout.model_copy(update={"champion": "v2", "canary": None, "weight": 0.0})
    decided: list[tuple[int, RolloutSet | BrakeSet]] = [
        (1, rollout),
        (1, rollout),
        (2, BrakeSet(scope="other", freeze="/f#1")),
        (3, last),
    ]
    for offset, data in decided:
        logs.send(sign_with(notary)(_command(offset, data, logs.n_partitions(POLICY_ROLLOUT))))
    logs.flush()
    environment = os.environ | {"HOMEOSTAT_BOOTSTRAP_SERVERS": servers, "PYTHONPATH": os.pathsep.join(sys.path)}

    with subprocess.Popen(
        [sys.executable, "-c", FIRST_POLICY], stdout=subprocess.PIPE, cwd=tmp_path, env=environment
    ) as process:
        try:
            printed = [_line(process), _line(process)]
        finally:
            process.kill()

    assert printed == ["v1 v2 0.1", "v2 None 0.0"]
    assert len(FIRST_POLICY.splitlines()) <= 10


def test_an_actuator_of_ones_own_is_called_and_reports(servers: str, logs: KafkaLogs, tmp_path: Path) -> None:
    """With what names it, once; what it did is reported, signed with its own key."""
    folder = tmp_path / ".homeostat" / "keys"
    notary, router = keys.create(folder, "notary"), keys.create(folder, "router")
    expires_at = 9_000_000_000_000
    common = {
        "action": "/a#2",
        "verdict": "/v#2",
        "family": "shop/rankers",
        "expires_at": expires_at,
        "reference": "v1",
    }
    other = RolloutSet.model_validate(common | {"model": "shop/ranker", "champion": "v0"})
    own = other.model_copy(update={"hand": "router", "champion": "v1", "canary": "v2", "weight": 0.1})
    for offset, data in ((11, other), (12, own), (12, own)):
        logs.send(sign_with(notary)(_command(offset, data, logs.n_partitions(POLICY_ROLLOUT))))
    logs.flush()
    environment = os.environ | {"HOMEOSTAT_BOOTSTRAP_SERVERS": servers, "PYTHONPATH": os.pathsep.join(sys.path)}

    with subprocess.Popen(
        [sys.executable, "-c", ACTUATOR], stdout=subprocess.PIPE, cwd=tmp_path, env=environment
    ) as process:
        try:
            printed = _line(process)
            reported = _reported(logs)
        finally:
            process.terminate()

    assert printed == "shop/ranker set v1 v2 0.1"
    assert process.returncode == 0
    assert (reported["ce_type"], reported["key-id"]) == (b"homeostat.action.applied.v1", router.key_id.encode())


def _reported(logs: KafkaLogs) -> dict[str, bytes]:
    """Headers of the first report of the router, as soon as there is one."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := records_of(logs, REPORTS, "shop/ranker", "/homeostat/hand/router")):
        assert time.monotonic() < deadline
    return dict(found[0].headers)


def _command(offset: int, data: RolloutSet | BrakeSet, n_partitions: int) -> Output:
    """A record as the governor's host writes it."""
    value, content_type = encode_payload(data)
    headers = encode_headers(
        id_=emit_id(offset),
        source="/homeostat/governor/homeostat.governance/id/0",
        type_=data.TYPE,
        time=0,
        subject="shop/ranker",
        content_type=content_type,
        story=Identity("/story#1"),
        sequence=sequence(offset),
    )
    return Output(POLICY_ROLLOUT, partition_of(b"shop/ranker", n_partitions), b"shop/ranker", value, headers)


def _line(process: "subprocess.Popen[bytes]") -> str:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], WAIT_SECONDS)
    assert ready, f"nothing was printed within {WAIT_SECONDS:.0f} s"
    return _unbuffered_line(process.stdout.fileno())


def _unbuffered_line(descriptor: int) -> str:
    """One line, and nothing after it: what lies in a buffer is not seen by select."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        assert byte, "it ended"
        line += byte
    return line.decode().strip()


def published(line: str) -> tuple[str, str, bytes]:
    """Topic, key and value of `echo VALUE | kcat -P …`."""
    words = shlex.split(line)
    assert words[0] == "echo"
    assert words[2:5] == ["|", "kcat", "-P"]
    options = dict(zip(words[5::2], words[6::2], strict=True))
    assert options["-b"] == LOCAL
    return options["-t"], options["-k"], words[1].encode()


def test_what_kcat_publishes_is_admitted(servers: str, logs: KafkaLogs) -> None:
    """Structured mode, without a header, placed by librdkafka's own partitioner, which is also kcat's."""
    producer = Producer({"bootstrap.servers": servers})
    lines = [published(line) for line in KCAT if " -P " in line]
    for topic, key, value in lines:
        producer.produce(topic, value, key)
    assert producer.flush(WAIT_SECONDS) == 0

    log = folded(records_of(logs, TELEMETRY, "shop/demand", "/kcat"), TelemetryIntake())

    assert [type(event.data) for event in events_of(log, TIMELINE)] == [ModelRegistered, Samples]
    assert not list(log.all(QUARANTINE))


def test_kcat_takes_the_lines_as_they_are(servers: str, logs: KafkaLogs) -> None:
    """Typed into a shell, with the test's broker in place of the local one; the reader ends at the end of the log."""
    if shutil.which("kcat") is None:
        pytest.skip("kcat is not installed here; its lines are read and published by librdkafka in the test before")

    for line in KCAT:
        typed = line.replace(LOCAL, servers) + ("" if " -P " in line else " -e")
        subprocess.run(["bash", "-o", "pipefail", "-c", typed], check=True, timeout=WAIT_SECONDS)

    assert records_of(logs, TELEMETRY, "shop/demand", "/kcat")


def test_a_request_signed_by_hand_is_obeyed(
    servers: str, logs: KafkaLogs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The governor takes the signature of the document's example for one of the operator's, and brakes the hands."""
    monkeypatch.chdir(tmp_path)
    operator = keys.create(Path(".homeostat/keys"), "operator")

    exec(BY_HAND.replace(LOCAL, servers), {})

    records = records_of(logs, REQUESTS, "shop", "/people/ana")
    log = folded(records[-1:], RequestsIntake(), Governor(), operator=operator)
    brakes = [event.data for event in events_of(log, POLICY_ROLLOUT)]
    assert [brake.scope for brake in brakes if isinstance(brake, BrakeSet)] == ["shop"] * log.n_partitions(
        POLICY_ROLLOUT
    )
    assert not list(log.all(QUARANTINE))
