"""Requests that the CloudEvents SDK builds are taken, in every mode."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.conversion import to_binary as old_binary
from cloudevents.v1.conversion import to_structured as old_structured
from cloudevents.v1.http import CloudEvent as OldCloudEvent
from starlette.testclient import TestClient
from tests.unit.http_door.conftest import MODEL, REGISTERED, MemorySink

EVENTS = "/v1/events"
SOURCE = "/équipe demand/100%"


def attributes(id_: str = "1") -> dict[str, Any]:
    """Of a registration, with what headers have to encode."""
    time = datetime(2026, 1, 31, 12, tzinfo=UTC)
    named = {"id": id_, "source": SOURCE, "type": REGISTERED, "subject": "shop/demand", "time": time}
    return named | {"specversion": "1.0", "datacontenttype": "application/json", "team": "demand & supply"}


def check(sink: MemorySink, n: int = 1) -> None:
    """See that the events arrived as they were meant."""
    records = sink.records()
    assert len(records) == n
    for record in records:
        headers = dict(record.headers)
        assert (headers["ce_source"].decode(), headers["ce_team"]) == (SOURCE, b"demand & supply")
        assert headers["ce_time"].startswith(b"2026-01-31T12:00:00")
        assert json.loads(record.value or b"") == MODEL


@pytest.mark.parametrize("encode", [to_binary, to_structured])
def test_one_event(http: TestClient, sink: MemorySink, encode: Any) -> None:
    """In binary and in structured mode, by the SDK of today."""
    message = encode(CloudEvent(attributes(), MODEL), JSONFormat())

    answer = http.post(EVENTS, content=message.body, headers=message.headers)

    assert answer.status_code == 202, answer.text
    check(sink)


@pytest.mark.parametrize("encode", [old_binary, old_structured])
def test_one_event_of_the_sdk_before(http: TestClient, sink: MemorySink, encode: Any) -> None:
    """Its interface of version 1, which most programs have; it does not encode headers, so the source is plain."""
    given = attributes() | {"source": "/ci", "time": "2026-01-31T12:00:00Z", "team": "demand"}
    headers, body = encode(OldCloudEvent(given, MODEL))

    answer = http.post(EVENTS, content=body, headers=headers)

    assert answer.status_code == 202, answer.text
    assert json.loads(sink.records()[0].value or b"") == MODEL


def test_a_batch(http: TestClient, sink: MemorySink) -> None:
    """The SDK has no batch: it is an array of what structured mode has."""
    messages = [to_structured(CloudEvent(attributes(str(n)), MODEL), JSONFormat()).body for n in range(5)]
    body = b"[" + b",".join(messages) + b"]"

    answer = http.post(EVENTS, content=body, headers={"content-type": "application/cloudevents-batch+json"})

    assert answer.json() == {"accepted": 5}
    check(sink, 5)


def test_binary_data_in_structured_mode(http: TestClient, sink: MemorySink) -> None:
    """Columns as msgpack, in Base64."""
    import numpy as np

    from homeostat.client.samples import samples_of
    from homeostat.codec import encode_payload

    (samples,) = samples_of("v1", "champion", ["r1"], time=1_700_000_000.0, prediction=np.array([1.0]))
    value, content_type = encode_payload(samples)
    named = attributes() | {"type": "homeostat.samples.observed.v1", "datacontenttype": content_type.decode()}
    message = to_structured(CloudEvent(named, value), JSONFormat())

    answer = http.post(EVENTS, content=message.body, headers=message.headers)

    assert answer.status_code == 202, answer.text
    assert sink.records()[0].value == value
