"""What goes over HTTP is what a client would have written, and what a client would not send is refused."""

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.conformance.test_client import refusals, refused_by
from tests.support import invalid_events as nonsense
from tests.unit.http_door.conftest import MODEL, MemorySink, binary, structured

from homeostat.audit import keys
from homeostat.client import Client
from homeostat.client.checking import Checker
from homeostat.client.event_builder import EventBuilder, place
from homeostat.client.memory import MemoryLogs
from homeostat.codec import Output
from homeostat.events import ActionApplied, FreezeSet, ModelRegistered
from homeostat.events.logs import REPORTS, REQUESTS, TELEMETRY
from homeostat.runtime.memory import MemoryLog

EVENTS = "/v1/events"


def over_http(output: Output) -> dict[str, str]:
    """Headers of a record in binary mode over HTTP: those of Kafka, with dashes."""
    return {name.replace("ce_", "ce-"): value.decode("latin-1") for name, value in output.headers}


def send(http: TestClient, output: Output) -> tuple[int, str]:
    """Send a record; return status and reason."""
    answer = http.post(EVENTS, content=output.value or b"", headers=over_http(output))
    return answer.status_code, answer.json().get("reason", "")


def test_a_record_is_that_of_the_client(http: TestClient, sink: MemorySink) -> None:
    """Topic, partition, key, value, headers and their order."""
    output = EventBuilder("/ci").build(TELEMETRY, "shop/demand", ModelRegistered(family="rankers", champion="v1"))

    assert send(http, output) == (202, "")
    (record,) = sink.records()
    expected = place(output, 4)
    assert (record.topic, record.partition, record.key) == (expected.topic, expected.partition, expected.key)
    assert (record.value, record.headers) == (expected.value, expected.headers)


def test_a_signed_request_arrives_as_over_kafka(http: TestClient, sink: MemorySink, tmp_path: Path) -> None:
    """Signed by the client's own code; intake admits it, its signature whole."""
    client = Client(source="/ana", key=keys.create(tmp_path, "ana"), logs=MemoryLogs(MemoryLog()))
    output = client.signed_request(FreezeSet(scope="shop", reason="stocktaking"), "shop")

    assert send(http, output) == (202, "")
    (record,) = sink.records()
    assert (record.topic, record.key, record.value, record.headers) == (REQUESTS, b"shop", output.value, output.headers)
    assert refusals([Output(REQUESTS, 0, b"shop", record.value, record.headers)], REQUESTS) == []


@pytest.mark.parametrize("mode", ["extensions", "structured"])
def test_a_signed_report_arrives_by_extension_attributes(
    http: TestClient, sink: MemorySink, tmp_path: Path, mode: str
) -> None:
    """A call-back of a hand, in binary mode, or in structured mode, which keeps the payload's bytes."""
    key, builder = keys.create(tmp_path, "rollout_actuator"), EventBuilder("/hand")
    data = ActionApplied(action="a1", command="c1", kind="rollout", model="shop/demand", family="shop/rankers")
    output = builder.build(REPORTS, "shop/demand", data, key=key)
    names = {"signature": "signature", "key-id": "keyid", "public-key": "publickey"}
    plain = {names.get(name, name.removeprefix("ce_")): text.decode() for name, text in output.headers}
    content_type = plain.pop("content-type")
    if mode == "extensions":
        headers = {f"ce-{name}": text for name, text in plain.items()} | {"content-type": content_type}
        answer = http.post(EVENTS, content=output.value, headers=headers)
    else:
        body = json.dumps(plain)[:-1].encode() + b', "data": ' + (output.value or b"") + b"}"
        answer = http.post(EVENTS, content=body, headers={"content-type": "application/cloudevents+json"})

    assert answer.status_code == 202, answer.text
    (record,) = sink.records()
    assert (record.topic, record.value, record.headers) == (REPORTS, output.value, output.headers)
    assert refusals([Output(REPORTS, 0, record.key or b"", record.value, record.headers)], REPORTS) == []


def test_what_the_client_refuses_the_door_refuses(http: TestClient, sink: MemorySink) -> None:
    """For the same reason, but for what HTTP cannot say, or says by itself; what only intake knows goes on."""
    by_itself = {"subject_mismatch", "type_not_for_log"}  # a type has one door, an event one subject
    n = 0
    for bad in nonsense.of_every_kind():
        headers = [(name.replace("ce_", "ce-").encode(), text or b"") for name, text in bad.headers]
        named = dict(headers)
        said = b"".join((bad.key or b"", *named.values()))
        if bad.value is None or not bad.key or b"ce-type" not in named or not said.isascii() or b"\0" in said:
            continue  # HTTP, or the client of these tests, has no word for it
        headers += [] if b"ce-subject" in named else [(b"ce-subject", bad.key)]
        expected = refused_by(Checker("/me"), Output(bad.door, 0, bad.key, bad.value, bad.headers))
        answer, n = http.post(EVENTS, content=bad.value, headers=headers), n + 1

        if expected is None:
            assert answer.status_code == 202, (bad, answer.text)
        elif expected not in by_itself:
            assert (answer.json()["reason"], 400 <= answer.status_code < 500) == (expected, True), (bad, answer.text)
    assert n > 30


def test_what_the_client_adds_is_added(http: TestClient, sink: MemorySink) -> None:
    """Time, story and trace, where the sender gives none; other attributes are carried along."""
    http.post(EVENTS, json=MODEL, headers=binary(comexampleteam="demand"))

    headers = dict(sink.records()[0].headers)
    assert headers["ce_correlationid"] == b"/ci#1"
    assert headers["ce_time"].endswith(b"Z")
    assert headers["traceparent"].startswith(b"00-")
    assert headers["ce_comexampleteam"] == b"demand"


@pytest.mark.parametrize(
    ("changed", "status", "reason"),
    [
        ({"type": "homeostat.model.register.v1"}, 422, "type_unknown"),
        ({"type": "homeostat.drift.detected.v1"}, 422, "type_internal"),
        ({"subject": ""}, 422, "key_missing"),
        ({"subject": "demand"}, 422, "subject_invalid"),
        ({"id": ""}, 400, "header_missing"),
        ({"specversion": "0.3"}, 400, "header_invalid"),
        ({"time": "yesterday"}, 400, "header_invalid"),
        ({"type": "homeostat.freeze.set.v1", "subject": "shop"}, 422, "unsigned"),
        ({"subject": "shop/ana@example.com"}, 422, "subject_invalid"),
        ({"data": {"family": "rankers"}}, 422, "payload_invalid"),
        ({"data": {"family": "x" * 1_000_000, "champion": "v1"}}, 422, "payload_invalid"),
    ],
)
def test_a_refusal_says_why(
    http: TestClient, sink: MemorySink, changed: dict[str, str], status: int, reason: str
) -> None:
    """By a code and a sentence; nothing is written."""
    body = {name: value for name, value in structured(**changed).items() if value}

    answer = http.post(EVENTS, json=body, headers={"content-type": "application/cloudevents+json"})

    assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert sink.records() == []


def test_what_is_near_is_named(http: TestClient) -> None:
    """A misspelt type has a suggestion."""
    answer = http.post(EVENTS, json=MODEL, headers=binary(type="homeostat.model.register.v1"))

    assert "did you mean homeostat.model.registered.v1" in answer.json()["detail"]
