"""The client over logs in memory: what it publishes is what the doors take and the governor verifies."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from homeostat.artifacts import open_store
from homeostat.audit import keys
from homeostat.audit.signing import signed_bytes, verify
from homeostat.client import Client
from homeostat.client.address import write_address
from homeostat.client.client import KeyNeeded
from homeostat.client.doors import DOOR_OF
from homeostat.client.memory import MemoryLogs
from homeostat.codec import Record, decode_event
from homeostat.core import Event, Reject
from homeostat.events import FreezeSet, Samples, SignalObserved, VerdictGiven, WeightsPublished
from homeostat.events.logs import EXPERIENCE, REQUESTS, TELEMETRY
from homeostat.host.memory import MemoryLog
from homeostat.host.settings import HostSettings
from intake.admission import DOOR_OF as TAKEN


def as_event(record: Record) -> Event:
    return decode_event(record, time=record.timestamp, emitter="", is_door=True)


def test_doors_are_those_of_intake() -> None:
    """The client sends every type where intake takes it."""
    assert DOOR_OF == TAKEN


def test_samples_arrive_as_they_were_given() -> None:
    """The door reads the rows, with ids that the labels can name."""
    log = MemoryLog()
    with Client(source="/svc", logs=MemoryLogs(log)) as client:
        requests = client.publish_samples("team/m", "v1", prediction=np.array([1, 0]), features={"x": [0.5, None]})
        client.publish_labels("team/m", requests, [1, 1])

    events = [as_event(record) for record in log.all(TELEMETRY)]
    assert [event.type for event in events] == ["homeostat.samples.observed.v1", "homeostat.labels.observed.v1"]
    assert isinstance(events[0].data, Samples)
    assert events[0].data.request == requests
    assert {event.source for event in events} == {"/svc"}


def test_identities_never_repeat() -> None:
    """Two clients of one source, and two events of one client, have different ids."""
    log = MemoryLog()
    signal = SignalObserved(layer="edge", name="t", value=1.0)
    clients = [Client(source="/svc", logs=MemoryLogs(log)) for _ in range(2)]

    identities = [client.publish(None, "team/m", signal) for client in clients for _ in range(3)]

    assert len(set(identities)) == 6


def test_a_request_is_signed_over_its_bytes(tmp_path: Path) -> None:
    """The key of the file verifies what lies in the log."""
    key = keys.create(tmp_path, "ana")
    log = MemoryLog()
    client = Client(source="/ana", key=tmp_path / "ana.pem", logs=MemoryLogs(log))

    client.request(FreezeSet(scope="team"), "team")

    (event,) = [as_event(record) for record in log.all(REQUESTS)]
    assert event.key_id == key.key_id
    signed = signed_bytes(event.type, event.subject, event.source, event.id, event.content)
    assert verify(key.public_key_hex, event.signature or "", signed)


def test_a_request_without_a_key_is_not_sent() -> None:
    """Nothing unsigned leaves, and the error says what to do."""
    log = MemoryLog()

    with pytest.raises(KeyNeeded, match="homeostat keys create"):
        Client(logs=MemoryLogs(log)).request(FreezeSet(scope="team"), "team")

    assert not list(log.all(REQUESTS))


def test_what_only_folds_say_has_no_door() -> None:
    """A verdict cannot be published by accident."""
    verdict = VerdictGiven(action="a", kind="retrain", family="t/f", verdict="approved")

    with pytest.raises(Reject, match="type_internal"):
        Client(logs=MemoryLogs(MemoryLog())).publish(None, "t", verdict)


def test_initial_weights_are_the_newest_of_the_family(tmp_path: Path) -> None:
    """Other families and older weights do not count."""
    log, settings = MemoryLog(), HostSettings(data_dir=tmp_path)
    store = open_store(settings.store_url)
    for number, (family, content) in enumerate([("t/f", b"old"), ("t/f", b"new"), ("t/other", b"else")]):
        weights = WeightsPublished(
            action="a",
            family=family,
            artifact=store.put(content),
            algorithm="maml",
            loss=0.1,
            gain=0.2,
            gain_low=0.1,
            n_tasks=3,
        )
        log.publish(EXPERIENCE, family, weights, id_=f"{number}.0", source="/x")
    client = Client(settings=settings, logs=MemoryLogs(log))

    assert client.initial_weights("t/f") == b"new"
    assert client.initial_weights("t/none") is None


def test_the_broker_is_the_argument_then_the_environment_then_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this order; a running stack is found without being told."""
    monkeypatch.chdir(tmp_path)
    logs = MemoryLogs(MemoryLog())
    assert Client(logs=logs).settings.bootstrap_servers == "127.0.0.1:9092"

    write_address(Path(".homeostat"), "127.0.0.1:20001")
    assert Client(logs=logs).settings.bootstrap_servers == "127.0.0.1:20001"

    monkeypatch.setenv("HOMEOSTAT_BOOTSTRAP_SERVERS", "broker:1")
    assert Client(logs=logs).settings.bootstrap_servers == "broker:1"
    assert Client("other:2", logs=logs).settings.bootstrap_servers == "other:2"


def test_authentication_reaches_the_connection() -> None:
    """What is given is what librdkafka is told; a mistyped name is refused."""
    logs = MemoryLogs(MemoryLog())
    client = Client(
        logs=logs, security_protocol="sasl_ssl", sasl_mechanism="PLAIN", sasl_username="u", sasl_password="p"
    )

    told = client.settings.client()

    assert (told["security.protocol"], told["sasl.username"], told["sasl.password"]) == ("sasl_ssl", "u", "p")
    with pytest.raises(TypeError, match="sasl_pasword"):
        Client(logs=logs, sasl_pasword="p")  # type: ignore[call-arg]  # wrong on purpose


def test_the_client_is_light() -> None:
    """Importing it imports no learning library."""
    code = "import sys, homeostat.client; print([m for m in ('torch', 'river', 'sklearn') if m in sys.modules])"

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())

    assert out.stdout.strip() == "[]"


def _environment() -> dict[str, str]:
    import os

    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
