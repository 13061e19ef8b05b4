"""The doors on a real broker, visited by clients that nobody here wrote, and by mistakes of their operators."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from tests.support.door_records import BINARY, MSGPACK, event, java_producer, registration, signal
from tests.support.intake_process import PARTITIONS, IntakeProcess
from tests.support.mutations import arrow_stream
from typer.testing import CliRunner

from homeostat.codec.arrow import ARROW
from homeostat.events import Labels, ModelRegistered, Samples, SignalObserved
from homeostat.events.logs import DOORS, TELEMETRY, TIMELINE
from homeostat_tools.cli.app import app
from homeostat_tools.local_stack.errors import KafkaUnavailable
from homeostat_tools.local_stack.services import topics
from homeostat_tools.local_stack.topics import ensure_topics

pytestmark = pytest.mark.kafka


Command = Callable[..., str]


@pytest.fixture
def intake(kafka: str, tmp_path: Path) -> Iterator[IntakeProcess]:
    """The doors, ready, behind whatever other tests of the session have left in them."""
    process = IntakeProcess(kafka, tmp_path)
    process.start()
    process.wait(process.is_idle)
    yield process
    process.close()


@pytest.fixture
def command(kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run `homeostat …` at that broker; return what it prints."""
    monkeypatch.setenv("HOMEOSTAT_BOOTSTRAP_SERVERS", kafka)

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, [*arguments, "--data-dir", str(tmp_path / "cli")], env={"COLUMNS": "1000"})
        assert done.exit_code in (0, 1), done.output
        return " ".join(done.stdout.split())

    return run


def test_a_door_goes_on_whatever_is_written_to_it(intake: IntakeProcess) -> None:
    """Records of everyday clients, at every door and partition, a bomb among them; good ones behind each go through."""
    assert intake.process is not None
    model = f"field/m{time.time_ns()}"
    before = Counter(intake.refusals())
    intake.send(TELEMETRY, registration(model), model.encode())
    odd: list[tuple[bytes | None, dict[str, Any]]] = [
        (b'{"source":"/caf\xe9","specversion":"1.0"}', {}),
        (b'{"message":"K\xfcche"}', {}),
        (b"\x00\x00\x00\x00\x07{}", {}),
        (b"\xef\xbb\xbf{}", {}),
        (None, {}),
        (b" " * 2_400_000, {}),
        (
            b"\x81\xa7request\x91\xa3caf\xe9",
            {"headers": BINARY | MSGPACK},
        ),
        (b"{}", {"headers": {"ce_type": b"\xff", "ce_id": "1", "ce_source": "/s"}}),
    ]
    written = [
        intake.send(door, value, key, partition=partition, **more)
        for door in DOORS
        for partition in range(PARTITIONS)
        for value, more in odd
        for key in (b"field/odd", None)
    ]
    good = [("kafka_dlt-original-offset", b"\x00\x00\x00\x00\x00\x00\xc3\x28"), ("foreign", None)]
    head = BINARY | {"ce_id": "arrow", "content-type": ARROW.title()}
    headers = [*((name, text.encode()) for name, text in head.items()), *good]
    intake.send(TELEMETRY, arrow_stream(4), model.encode(), headers=headers)
    intake.send(TELEMETRY, signal(1), model.encode())

    def refused() -> Counter[tuple[str, int, int]]:
        return Counter(intake.refusals()) - before

    def admitted() -> list[type]:
        return [type(data) for data in intake.events(TIMELINE, model)]

    intake.wait(lambda: admitted().count(SignalObserved) == 1)

    assert admitted() == [ModelRegistered, Samples, SignalObserved]
    intake.wait(lambda: not set(written) - refused().keys())
    assert {place: n for place, n in refused().items() if place in written} == dict.fromkeys(written, 1)
    assert "Latin-1" in " ".join(data.detail for data in intake.refused())
    assert intake.ready() == (200, "ok")


def test_a_batch_that_nobody_can_decompress_is_passed_over(intake: IntakeProcess) -> None:
    """Some kilobytes that become 150 MB: counted as lost, and the door goes on behind them."""
    producer = Producer(
        {
            "bootstrap.servers": intake.broker,
            "compression.type": "zstd",
            "message.max.bytes": 500_000_000,
            "queue.buffering.max.kbytes": 1_000_000,
            "linger.ms": 500,
            "batch.size": 200_000_000,
        }
    )
    model = f"field/m{time.time_ns()}"
    intake.send(TELEMETRY, registration(model), model.encode())
    for value in [b"{}"] * 20 + [b" " * 150_000_000] + [b"{}"] * 20:
        producer.produce(TELEMETRY, value, model.encode())
    producer.flush()
    intake.send(TELEMETRY, signal(1), model.encode())

    intake.wait(lambda: len(intake.events(TIMELINE, model)) == 2)

    assert intake.metric("homeostat_door_records_lost_total", reason="unreadable") >= 1
    assert len(intake.records(TELEMETRY)) > 0, "a reader of the door stops there"


def test_transactions_leave_nothing_behind(intake: IntakeProcess) -> None:
    """Committed, aborted, and committed again: what is aborted is not seen, lag goes to nothing, restarts go on."""
    model = f"field/m{time.time_ns()}"
    intake.send(TELEMETRY, registration(model), model.encode())
    producer = Producer({"bootstrap.servers": intake.broker, "transactional.id": model, "log_level": 0})
    producer.init_transactions()
    for n in range(6):
        producer.begin_transaction()
        producer.produce(TELEMETRY, signal(n), model.encode())
        producer.flush()
        (producer.abort_transaction if n % 3 == 1 else producer.commit_transaction)()
        if n == 2:
            intake.stop()
            intake.start()

    def seen() -> list[float]:
        return [data.value for data in intake.events(TIMELINE, model) if isinstance(data, SignalObserved)]

    intake.wait(lambda: len(seen()) == 4)

    assert seen() == [0.0, 2.0, 3.0, 5.0]
    intake.wait(lambda: intake.metric("homeostat_lag_records", log=TELEMETRY) == 0)


def test_a_door_that_is_made_again_is_noticed_while_it_is_read(intake: IntakeProcess) -> None:
    """What was written before anybody noticed is read from its beginning; what was known is still known."""
    model = f"field/m{time.time_ns()}"
    intake.send(TELEMETRY, registration(model), model.encode())
    for n in range(5):
        intake.send(TELEMETRY, signal(n), model.encode())
    intake.wait(lambda: len(intake.events(TIMELINE, model)) == 6)

    intake.admin.delete_topics([TELEMETRY])[TELEMETRY].result(30.0)
    while True:
        try:
            ensure_topics(intake.broker, topics(PARTITIONS), 2.0)
            break
        except KafkaUnavailable:
            continue
    for n in range(100, 121):
        intake.send(TELEMETRY, signal(n), model.encode())

    def is_read() -> bool:
        if intake.process is not None and intake.process.poll() is not None:
            intake.start(is_ready=False)  # as a supervisor does
        return len(intake.events(TIMELINE, model)) >= 27

    intake.wait(is_read)
    values = [data.value for data in intake.events(TIMELINE, model) if isinstance(data, SignalObserved)]
    assert values == [*map(float, range(5)), *map(float, range(100, 121))]


def test_clocks_of_producers_are_not_believed(intake: IntakeProcess, command: Command) -> None:
    """A door whose topic takes their time stamps, in microseconds: it goes on, is found unfit, and can be mended."""
    model = f"field/m{time.time_ns()}"
    configure(intake, "message.timestamp.type", "CreateTime")
    configure(intake, "message.timestamp.after.max.ms", str(2**63 - 1))  # as before Kafka 4
    try:
        intake.stop()
        intake.start()
        intake.send(TELEMETRY, registration(model), model.encode(), timestamp=time.time_ns() // 1000)
        intake.send(TELEMETRY, signal(1), model.encode(), timestamp=0)

        intake.wait(lambda: len(intake.events(TIMELINE, model)) == 2)

        assert intake.metric("homeostat_kafka_findings", check="timestamp_type") == 1
        assert "homeostat topics repair" in intake.log.read_text()
        assert f"topic {TELEMETRY}: message.timestamp.type is CreateTime" in command("doctor")
        assert "message.timestamp.type" in command("topics", "repair")
        assert f"topic {TELEMETRY}" not in command("doctor")
        assert "every topic is as it must be" in command("topics", "repair")
    finally:
        configure(intake, "message.timestamp.type", "LogAppendTime")


def configure(intake: IntakeProcess, setting: str, value: str) -> None:
    entry = ConfigEntry(setting, value, incremental_operation=AlterConfigOpType.SET)
    changed = ConfigResource(ResourceType.TOPIC, TELEMETRY, incremental_configs=[entry])
    for done in intake.admin.incremental_alter_configs([changed]).values():
        done.result(30.0)


def test_what_retention_deleted_unread_is_counted(intake: IntakeProcess) -> None:
    """The intake was down for too long: the door goes on with what there is, and says how much there was."""
    model = f"field/m{time.time_ns()}"
    intake.send(TELEMETRY, registration(model), model.encode())
    intake.wait(lambda: len(intake.events(TIMELINE, model)) == 1)
    intake.stop()
    for n in range(30):
        intake.send(TELEMETRY, signal(n), model.encode())
    placed = [record for record in intake.records(TELEMETRY) if record.key == model.encode()]
    cut = TopicPartition(TELEMETRY, placed[0].partition, placed[-3].offset)
    for deleted in intake.admin.delete_records([cut]).values():
        deleted.result(30.0)

    intake.start()
    intake.wait(lambda: len(intake.events(TIMELINE, model)) == 4)

    assert intake.metric("homeostat_door_records_lost_total", reason="retention") >= 27


def test_two_partitioners_are_one_history(intake: IntakeProcess) -> None:
    """Java's producer registers and labels, librdkafka's samples, for many models: each finds the other's."""
    models = [f"field/p{n}-{time.time_ns()}" for n in range(12)]
    rows = {"version": "v1", "request": ["a"], "time": [1.0], "prediction": [1.0]}
    label = event(Labels.TYPE, "label", {"request": ["a"], "label": [1.0], "time": [2.0]})
    try:
        java_producer(intake.broker, [(model, registration(model)) for model in models])
    except KafkaUnavailable as unavailable:
        pytest.skip(f"no console producer: {unavailable.what}")
    kinds = [ModelRegistered.TYPE, Samples.TYPE, Labels.TYPE]

    def n_duplicates() -> float:
        return intake.metric("homeostat_door_events_total", outcome="duplicate")

    before = n_duplicates()

    def have(n: int) -> bool:
        types = intake.types(TIMELINE)
        return all(types.get(model) == kinds[:n] for model in models)

    intake.wait(lambda: have(1))
    for model in models:
        intake.send(TELEMETRY, event(Samples.TYPE, "rows", rows), model.encode())  # CRC32
    intake.wait(lambda: have(2))
    java_producer(intake.broker, [(model, value) for model in models for value in (label, label)])

    intake.wait(lambda: have(3))
    intake.wait(lambda: n_duplicates() - before == len(models))
    assert intake.metric("homeostat_door_records_forwarded_total") >= 1


def test_a_broker_that_assigns_nothing_is_not_called_ready(kafka_39: str, tmp_path: Path) -> None:
    """The protocol of Kafka 4 on Kafka 3.9: `/readyz` says that nothing is assigned; found out by itself, it works."""
    deaf = IntakeProcess(kafka_39, tmp_path, HOMEOSTAT_GROUP_PROTOCOL="consumer")
    try:
        deaf.start(is_ready=False)
        deaf.wait(lambda: deaf.ready()[0] == 503 and "no partitions" in deaf.ready()[1])
    finally:
        deaf.close()
    process = IntakeProcess(kafka_39, tmp_path)
    try:
        process.start()
        process.send(TELEMETRY, registration("field/old"), b"field/old")
        process.wait(lambda: len(process.events(TIMELINE, "field/old")) == 1)
    finally:
        process.close()
