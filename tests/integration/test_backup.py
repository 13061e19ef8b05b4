"""Topics of a real broker, saved and written into another: the same bytes, at times that are a sender's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from homeostat.audit import keys
from homeostat.client.kafka import KafkaLogs
from homeostat.events.logs import TELEMETRY
from homeostat.runtime.settings import HostSettings
from homeostat_tools.cli.app import app
from homeostat_tools.local_stack.broker import Broker
from homeostat_tools.local_stack.errors import KafkaUnavailable
from homeostat_tools.local_stack.services import topics
from homeostat_tools.local_stack.topics import ensure_topics

SIGNAL = '{"layer": "edge", "name": "shell", "value": 1}'


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """One with topics, and an empty one."""
    try:
        with Broker(tmp_path / "full") as full, Broker(tmp_path / "empty") as empty:
            ensure_topics(full.bootstrap_servers, topics(2))
            yield full.bootstrap_servers, empty.bootstrap_servers
    except KafkaUnavailable as unavailable:
        pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")


@pytest.mark.kafka
def test_what_is_restored_into_another_broker_is_what_was_saved(
    brokers: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The command compares all of it, times too; what is written afterwards has the broker's time again."""
    monkeypatch.setenv("HOMEOSTAT_BOOTSTRAP_SERVERS", brokers[0])

    def run(*args: str, code: int = 0) -> Any:
        result = CliRunner().invoke(app, list(args))
        assert result.exit_code == code, (result.stderr, result.exception)
        return result

    keys.create(tmp_path / "old" / "keys", "operator")
    run("publish", "signal.observed", "it/shell", SIGNAL, "--data-dir", str(tmp_path / "old"))
    run("backup", str(tmp_path / "saved"), "--data-dir", str(tmp_path / "old"))
    run("restore", str(tmp_path / "saved"), "--data-dir", str(tmp_path / "new"), code=4)

    monkeypatch.setenv("HOMEOSTAT_BOOTSTRAP_SERVERS", brokers[1])
    run("restore", str(tmp_path / "saved"), "--data-dir", str(tmp_path / "new"))
    run("publish", "signal.observed", "it/shell", SIGNAL, "--data-dir", str(tmp_path / "new"))

    old, new = (read(servers) for servers in brokers)
    assert [(place, key, value) for place, _, key, value in new[: len(old)]] == [(p, k, v) for p, _, k, v in old]
    assert [time for _, time, _, _ in new] == [
        *[-1] * len(old),
        new[-1][1],
    ]  # a sender's time is none; then the broker's
    assert new[-1][1] > old[-1][1]
    assert (tmp_path / "new" / "keys" / "operator.pem").is_file()


@pytest.mark.kafka
def test_the_broker_of_a_stack_goes_on_from_a_copy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the same records at the same offsets of the same topics."""
    old, new = tmp_path / "old", tmp_path / "new"

    def run(*args: str) -> None:
        result = CliRunner().invoke(app, list(args))
        assert result.exit_code == 0, (result.stderr, result.exception)

    def seen(servers: str) -> list[Any]:
        logs = KafkaLogs(HostSettings(bootstrap_servers=servers))
        try:
            return [(r.topic_id, r.partition, r.offset, r.timestamp, r.value) for r in logs.read([TELEMETRY])]
        finally:
            logs.close()

    try:
        with Broker(old / "kafka") as broker, monkeypatch.context() as patch:
            ensure_topics(broker.bootstrap_servers, topics(1))
            patch.setenv("HOMEOSTAT_BOOTSTRAP_SERVERS", broker.bootstrap_servers)
            run("publish", "signal.observed", "it/shell", SIGNAL, "--data-dir", str(old))
            before = seen(broker.bootstrap_servers)
    except KafkaUnavailable as unavailable:
        pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")
    run("backup", str(tmp_path / "saved"), "--data-dir", str(old))
    run("restore", str(tmp_path / "saved"), "--data-dir", str(new))

    with Broker(new / "kafka") as broker:
        assert seen(broker.bootstrap_servers) == before
    assert len(before) == 1


def read(servers: str) -> list[tuple[Any, ...]]:
    """Signals and their times, in order."""
    logs = KafkaLogs(HostSettings(bootstrap_servers=servers))
    try:
        records = sorted(logs.read([TELEMETRY]), key=lambda record: record.timestamp)
        return [(r.partition, r.timestamp, r.key, r.value) for r in records]
    finally:
        logs.close()
