"""The client over logs in memory: what it publishes is what the doors take and the governor verifies."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homeostat.artifacts import open_store
from homeostat.audit import keys
from homeostat.audit.signing import signed_bytes, verify
from homeostat.client import Client
from homeostat.client.address import write_address
from homeostat.client.errors import DeliveryFailed, KeyNeeded
from homeostat.client.memory import MemoryLogs
from homeostat.client.weights import PUBLISHER
from homeostat.codec import Output, Record, decode_event
from homeostat.core import Event, Reject
from homeostat.core.identity import emit_id
from homeostat.events import (
    FeatureContract,
    FreezeSet,
    IncidentRecorded,
    ModelRegistered,
    Samples,
    SignalObserved,
    VerdictGiven,
    WeightsPublished,
)
from homeostat.events.logs import EXPERIENCE, REQUESTS, TELEMETRY, TRACES
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.settings import HostSettings


def as_event(record: Record) -> Event:
    return decode_event(record, time=record.timestamp, emitter="", is_door=True)


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
        log.publish(EXPERIENCE, family, weights, id_=emit_id(number), source=f"{PUBLISHER}t/0")
    client = Client(settings=settings, logs=MemoryLogs(log))

    assert client.initial_weights("t/f") == b"new"
    assert client.initial_weights("t/none") is None


def test_what_a_client_signs_the_door_can_check(tmp_path: Path) -> None:
    """Rows and traces bring their public key; the signature covers subject, source, id and content."""
    key, log = keys.create(tmp_path, "line"), MemoryLog()
    client = Client(logs=MemoryLogs(log), source="/line", key=key, is_signing=True)

    client.publish(None, "t/m", ModelRegistered(family="f", champion="v1"))
    client.publish_samples("t/m", "v1", prediction=[1.0])
    client.publish(None, "t/f", IncidentRecorded(incident="i", symptoms=("slow",)))

    for topic in (TELEMETRY, TRACES):
        for record in log.all(topic):
            event = decode_event(record, time=0, emitter="", is_door=True)
            signed = signed_bytes(event.type, event.subject, event.source, event.id, event.content)
            assert event.signature is not None
            assert (event.key_id, event.public_key) == (key.key_id, key.public_key_hex)
            assert verify(key.public_key_hex, event.signature, signed)


def test_a_client_signs_only_what_it_is_asked_to(tmp_path: Path) -> None:
    """A key for requests says nothing of rows; without one, nothing can be signed."""
    log = MemoryLog()
    Client(logs=MemoryLogs(log), key=keys.create(tmp_path, "line")).publish(
        None, "t/m", ModelRegistered(family="f", champion="v1")
    )

    (record,) = log.all(TELEMETRY)
    assert "signature" not in dict(record.headers)
    with pytest.raises(KeyNeeded):
        Client(logs=MemoryLogs(log), is_signing=True)


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
        Client(logs=logs, sasl_pasword="p")


NOW = 1_790_000_000


@pytest.mark.parametrize(("unit", "factor"), [("milliseconds", 1e3), ("microseconds", 1e6), ("nanoseconds", 1e9)])
def test_times_in_another_unit_are_refused_by_name(unit: str, factor: float) -> None:
    """As seconds they would be beyond the year 9999; the message says what they look like and what to do."""
    log = MemoryLog()
    client = Client(logs=MemoryLogs(log))

    with pytest.raises(Reject, match=f"out_of_range: time, row 0: .*looks like {unit} .*divide by {factor:.0f}$"):
        client.publish_samples("team/m", "v1", prediction=[1], time=NOW * factor)
    with pytest.raises(Reject, match=f"out_of_range: time, row 1: .*looks like {unit} "):
        client.publish_labels("team/m", ["a", "b"], [1, 1], time=[NOW, NOW * factor])

    assert not list(log.all(TELEMETRY))


def test_a_model_that_was_registered_here_is_known_here() -> None:
    """Unknown columns, missing ones, values out of bounds and inputs of another width do not leave the process."""
    log = MemoryLog()
    client = Client(logs=MemoryLogs(log))
    features = (FeatureContract(name="heat", high=9.0, required=True),)
    client.publish(None, "team/m", ModelRegistered(family="f", champion="v1", input_width=2, features=features))
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("feature_unknown", {"features": {"heat": [1.0], "load": [1.0]}}),
        ("feature_missing", {"features": {}}),
        ("feature_missing", {"features": {"heat": [None]}}),
        ("out_of_range", {"features": {"heat": [10.0]}}),
        ("inputs_invalid", {"features": {"heat": [1.0]}, "inputs": [[1.0, 2.0, 3.0]]}),
        ("inputs_invalid", {"features": {"heat": [1.0]}, "inputs": [[1.0, np.nan]]}),
    ]

    for reason, columns in wrong:
        with pytest.raises(Reject, match=f"{reason}: .*as this client registered team/m"):
            client.publish_samples("team/m", "v1", prediction=[1], **columns)
    with pytest.raises(Reject, match="family_changed"):
        client.publish(None, "team/m", ModelRegistered(family="g", champion="v1"))
    client.publish_samples("team/m", "v1", prediction=[1], features={"heat": [1.0]}, inputs=[[1.0, 2.0]])
    client.publish_samples("team/other", "v1", prediction=[1], features={"load": [1.0]}, inputs=[[1.0]])

    assert len(list(log.all(TELEMETRY))) == 3


@pytest.mark.parametrize(("source", "reason"), [("", "header_missing"), ("/" * 401, "header_invalid")])
def test_a_source_that_no_door_takes_is_refused_at_once(source: str, reason: str) -> None:
    """Not with every record."""
    with pytest.raises(Reject, match=reason):
        Client(source=source, logs=MemoryLogs(MemoryLog()))


@pytest.mark.parametrize("text", ["\ud800", "no-slash", "team/", ""])
def test_a_subject_that_no_door_takes_is_refused(text: str) -> None:
    """Before a broker is looked for: none answers here."""
    client = Client("127.0.0.1:9")

    with pytest.raises(Reject, match=r"subject_invalid|header_invalid|key_missing"):
        client.publish_samples(text, "v1", prediction=[1])


def test_what_was_not_delivered_is_sent_again_under_its_ids() -> None:
    """So that a door drops what had arrived after all."""
    log = MemoryLog(partitions=1)
    client = Client(source="/svc", logs=MemoryLogs(log))
    identity = client.publish(None, "team/m", SignalObserved(layer="edge", name="t", value=1.0))
    (sent,) = log.all(TELEMETRY)
    lost = Output(sent.topic, 0, sent.key or b"", sent.value, sent.headers)

    client.resend(DeliveryFailed(1, "broker away", (lost,)))

    assert [as_event(record).identity for record in log.all(TELEMETRY)] == [identity] * 2


def test_the_client_is_light() -> None:
    """Importing it imports no learning library."""
    code = "import sys, homeostat.client; print([m for m in ('torch', 'river', 'sklearn') if m in sys.modules])"

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())

    assert out.stdout.strip() == "[]"


def _environment() -> dict[str, str]:
    import os

    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
