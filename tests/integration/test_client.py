"""The client and the command line on a real broker: what is published is at the door, policies come once."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from homeostat.audit import keys
from homeostat.audit.signing import key_id
from homeostat.client import Client
from homeostat.client.kafka import KafkaLogs
from homeostat.codec import Output, decode_event, encode_payload
from homeostat.codec.encode import encode_headers, partition_of
from homeostat.core import Identity, Payload
from homeostat.core.identity import emit_id, sequence
from homeostat.events import BrakeSet, FreezeSet, Labels, RolloutSet, Samples
from homeostat.events.columns import f8
from homeostat.events.logs import LOGS, POLICY_ROLLOUT, REQUESTS, TELEMETRY
from homeostat.runtime.kafka_errors import BrokerUnreachable
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.signer import sign_with
from homeostat_tools.cli.app import app
from homeostat_tools.local_stack.topics import TopicSpec, ensure_topics

pytestmark = pytest.mark.kafka
WAIT_SECONDS = 240.0
GOVERNOR = "/homeostat/governor/homeostat.governance/id/0"
_PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
_PUBLIC = _PRIVATE.public_key().public_bytes_raw()
NOTARY = keys.Key("notary", key_id(_PUBLIC), _PUBLIC.hex(), _PRIVATE)


@pytest.fixture(scope="module")
def servers(kafka: str) -> str:
    """A broker with every log."""
    ensure_topics(kafka, [TopicSpec(log.name, log.partitions or 3, log.config()) for log in LOGS])
    return kafka


@pytest.fixture
def logs(servers: str) -> Iterator[KafkaLogs]:
    """The logs, read and written directly."""
    logs = KafkaLogs(HostSettings(bootstrap_servers=servers))
    yield logs
    logs.close()


def published(logs: KafkaLogs, topic: str, source: str) -> list[Payload]:
    """What a source has put through a door, as the door reads it."""
    events = [decode_event(r, time=r.timestamp, emitter="", is_door=True) for r in logs.read([topic])]
    return [event.data for event in sorted(events, key=lambda event: event.time) if event.source == source]


def test_rows_and_labels_arrive(servers: str, logs: KafkaLogs) -> None:
    """More rows than fit one event, some with inputs, and their labels: all there after leaving the context."""
    n = 12_000
    with Client(servers, source="/it/rows") as client:
        requests = client.publish_samples(
            "it/m", "v1", prediction=np.arange(n) % 2, features={"x": np.arange(n)}, captured=[5], inputs=[[1.0, 2.0]]
        )
        client.publish_labels("it/m", requests[:10], np.ones(10))

    data = published(logs, TELEMETRY, "/it/rows")

    samples = [each for each in data if isinstance(each, Samples)]
    assert sum(each.n_rows for each in samples) == n
    assert [request for each in samples for request in each.request] == requests
    (labels,) = [each for each in data if isinstance(each, Labels)]
    assert labels.request == requests[:10]
    assert f8(labels.label).tolist() == [1.0] * 10


def test_a_signed_request_is_at_its_door(servers: str, logs: KafkaLogs, tmp_path: Path) -> None:
    """With the key's id in the headers."""
    key = keys.create(tmp_path, "ana")
    with Client(servers, source="/it/ana", key=tmp_path / "ana.pem") as client:
        client.request(FreezeSet(scope="it"), "it")

    records = [r for r in logs.read([REQUESTS]) if dict(r.headers)["ce_source"] == b"/it/ana"]

    assert [dict(r.headers)["key-id"].decode() for r in records] == [key.key_id]


def say(logs: KafkaLogs, offset: int, data: Payload, subject: str, partition: int | None = None) -> None:
    """Write a record as the governor's host does."""
    value, content_type = encode_payload(data)
    headers = encode_headers(
        id_=emit_id(offset),
        source=GOVERNOR,
        type_=data.TYPE,
        time=0,
        subject=subject,
        content_type=content_type,
        story=Identity("/it#story"),
        sequence=sequence(offset),
    )
    key = subject.encode()
    place = partition_of(key, logs.n_partitions(POLICY_ROLLOUT)) if partition is None else partition
    logs.send(sign_with(NOTARY)(Output(POLICY_ROLLOUT, place, key, value, headers)))


def rollout(model: str) -> RolloutSet:
    return RolloutSet(
        action="/it#story",
        verdict="/v#1",
        family="it/f",
        model=model,
        expires_at=9_000_000_000_000,
        champion="v1",
        reference="v1",
    )


def test_policies_come_once_and_go_on(servers: str, logs: KafkaLogs) -> None:
    """Duplicates of a killed host are dropped, the brake is known, new commands arrive while waiting."""
    for offset in (1, 2, 1, 2):
        say(logs, offset, rollout("it/m"), "it/m")
    say(logs, 3, rollout("it/other"), "it/other")
    logs.flush()
    with Client(servers, source="/it/reader", notary=NOTARY.public_key_hex) as client:
        from_start = client.policies("rollout", model="it/m", since="beginning")
        assert [next(from_start).event.id for _ in range(2)] == ["1.0", "2.0"]
        from_now = client.policies("rollout", model="it/m")
        assert from_now.poll(0.2) is None

        for partition in range(logs.n_partitions(POLICY_ROLLOUT)):
            say(logs, 4, BrakeSet(scope="it", freeze="/f#1"), "it", partition)
        say(logs, 5, rollout("it/m"), "it/m")
        logs.flush()

        for policies in (from_start, from_now):
            policy = next(policies)
            assert (policy.event.id, policy.is_braked, policy.model) == ("5.0", True, "it/m")
        from_start.close()
        from_now.close()


def test_the_command_line_reads_the_broker_of_the_environment(
    servers: str, logs: KafkaLogs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Publish, tail, topics and story on a real log, by way of HOMEOSTAT_BOOTSTRAP_SERVERS."""
    monkeypatch.setenv("HOMEOSTAT_BOOTSTRAP_SERVERS", servers)
    monkeypatch.setenv("HOMEOSTAT_DATA_DIR", str(tmp_path))
    signal = '{"layer": "edge", "name": "shell", "value": 1}'

    def run(*args: str) -> str:
        result = CliRunner().invoke(app, list(args))
        assert result.exit_code == 0, (result.stderr, result.exception)
        return result.stdout

    identity = run("publish", "signal.observed", "it/shell", signal).strip()
    (seen,) = [json.loads(line) for line in run("tail", "telemetry", "-s", "it/shell", "--json").splitlines()]
    topics = {row["log"]: row for row in map(json.loads, run("topics", "--json").splitlines())}

    assert f"{seen['source']}#{seen['id']}" == identity
    assert run("tail", "telemetry", "-s", "it/shell", "--since", "10m", "--json")
    assert topics[TELEMETRY]["records"] == sum(high - low for low, high in logs.ranges([TELEMETRY]).values())
    assert json.loads(run("story", identity, "--json"))["events"] == 1


def test_a_broker_that_is_away_is_named_soon(tmp_path: Path) -> None:
    """Not after minutes, and with what to do."""
    with pytest.raises(BrokerUnreachable, match="homeostat up"):
        Client("127.0.0.1:9", settings=HostSettings(data_dir=tmp_path)).policies()
