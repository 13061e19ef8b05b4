"""The door over HTTP: all or nothing, nothing acknowledged before the sink has it, everything bounded."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from tests.unit.http_door.conftest import MODEL, MemorySink, binary, client_of, structured

from homeostat.codec import Output
from homeostat.core import Reject
from homeostat.services.http_door.access import Access
from homeostat.services.http_door.rates import Rates
from homeostat.services.http_door.refusals import TryLater
from homeostat.services.http_door.server import Door, create_app
from homeostat.services.http_door.settings import HttpDoorSettings

EVENTS = "/v1/events"
BATCH = {"content-type": "application/cloudevents-batch+json"}


def in_bytes(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers for one that is not ASCII."""
    return [(name.encode(), text.encode()) for name, text in headers.items()]


def batch(http: TestClient, *events: Any) -> Any:
    """Send a batch."""
    return http.post(EVENTS, content=json.dumps(events), headers=BATCH)


def test_a_batch_is_all_or_nothing(http: TestClient, sink: MemorySink) -> None:
    """One that is refused keeps the others back, and each that is refused is named."""
    events = [structured(id=str(n)) for n in range(4)]

    answer = batch(http, *events[:2], structured(subject="demand"), structured(type="no"))

    assert answer.status_code == 422
    assert [(one["index"], one["reason"]) for one in answer.json()["refused"]] == [
        (2, "subject_invalid"),
        (3, "type_unknown"),
    ]
    assert sink.records() == []
    assert batch(http, *events).json() == {"accepted": 4}
    assert [dict(record.headers)["ce_id"] for record in sink.records()] == [b"0", b"1", b"2", b"3"]
    assert batch(http).json() == {"accepted": 0}


def test_a_batch_of_one_status_has_that_status(http: TestClient) -> None:
    """What cannot be read is 400 also there."""
    assert batch(http, {"specversion": "1.0"}, {}).status_code == 400


def test_what_kafka_does_not_acknowledge_is_503(http: TestClient, sink: MemorySink) -> None:
    """With Retry-After; the same again arrives."""
    sink.failures = ["", "timed out"]
    events = [structured(id=str(n)) for n in range(2)]

    answer = batch(http, *events)

    assert (answer.status_code, answer.json()["reason"]) == (503, "not_acknowledged")
    assert "1 of 2 events" in answer.json()["detail"]
    assert answer.headers["retry-after"] == "1"
    assert batch(http, *events).status_code == 202


async def side_by_side(sink: MemorySink, wanted: int) -> list[int]:
    """Send events side by side while the sink holds them back; see the test below."""
    door = Door(HttpDoorSettings(max_unacknowledged=2), Access("127.0.0.1", None, None), sink)
    transport = httpx2.ASGITransport(app=create_app(door, "0"))
    sink.hold = asyncio.Event()
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        posts = [asyncio.create_task(http.post(EVENTS, json=MODEL, headers=binary(id=str(n)))) for n in range(wanted)]
        while sum(post.done() for post in posts) + sink.n_unacknowledged < wanted:
            await asyncio.sleep(0)
        assert all(post.result().status_code == 503 for post in posts if post.done())
        sink.hold.set()
        return [(await post).status_code for post in posts]


def test_nothing_is_acknowledged_before_the_sink_has_it_and_not_too_much_waits(sink: MemorySink) -> None:
    """The answer waits for the record; beyond the bound it is 503 at once."""
    statuses = asyncio.run(side_by_side(sink, 3))

    assert statuses == [202, 202, 503]
    assert len(sink.records()) == 2


def test_a_sender_beyond_its_rate_is_429(sink: MemorySink) -> None:
    """With the seconds after which it passes."""
    with client_of(sink, events_per_second=0.5, burst=1) as http:
        first, second = (http.post(EVENTS, json=MODEL, headers=binary(id=str(n))) for n in range(2))

    assert (first.status_code, second.status_code) == (202, 429)
    assert second.headers["retry-after"] == "2"


def test_a_bucket_fills_and_owes() -> None:
    """A whole batch passes a bucket with anything in it, and is paid for afterwards; each name has its own."""
    rates = Rates(10.0, 10)

    rates.take("a", 30, 0.0)
    with pytest.raises(TryLater) as refused:
        rates.take("a", 1, 1.0)
    rates.take("b", 1, 1.0)
    rates.take("a", 1, 2.2)

    assert refused.value.seconds == 2
    rates.take("c", 5, 5.0, 1.0)
    with pytest.raises(Reject, match="1 events a second"):
        rates.take("c", 1, 5.0, 1.0)


def test_bodies_and_batches_are_bounded(sink: MemorySink) -> None:
    """413, and nothing was read of what was announced."""
    with client_of(sink, body_bytes=1024, batch_events=2) as http:
        large = http.post(EVENTS, content=b" " * 1025, headers=binary())
        chunked = http.post(EVENTS, content=iter([b" " * 600] * 2), headers=binary())
        many = batch(http, *[{}] * 3)

    assert [answer.status_code for answer in (large, chunked, many)] == [413, 413, 413]
    assert [answer.json()["reason"] for answer in (large, many)] == ["body_too_large", "batch_too_large"]
    assert large.headers["connection"] == "close"


@pytest.mark.parametrize("length", ["-1", "1_0", "x", "²", "9" * 30])
def test_a_length_that_is_none_is_refused(http: TestClient, length: str) -> None:
    """Whatever a server in front lets through."""
    answer = http.post(
        EVENTS, content=b"{}", headers=[*in_bytes(binary()), (b"content-length", length.encode("latin-1"))]
    )

    assert answer.status_code in (400, 413)


def test_it_says_whether_it_is_ready_and_what_it_has_done(http: TestClient, sink: MemorySink) -> None:
    """Ready once Kafka is there; counts by status and by outcome."""
    http.post(EVENTS, json=MODEL, headers=binary())
    http.post(EVENTS, json=MODEL, headers=binary(type="no"))
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(http.get("/metrics").text)
        for sample in family.samples
    }

    assert found[("homeostat_http_events_total", "acknowledged")] == 1.0
    assert found[("homeostat_http_events_total", "type_unknown")] == 1.0
    assert found[("homeostat_http_requests_total", "202")] == 1.0
    assert (http.get("/healthz").status_code, http.get("/readyz").status_code) == (200, 200)
    sink.trouble = "no Kafka broker answers"
    assert (http.get("/readyz").status_code, http.get("/readyz").text) == (503, "no Kafka broker answers")
    assert http.get("/healthz").status_code == 200


def test_it_drains_when_it_stops(sink: MemorySink) -> None:
    """The sink is closed last."""
    with client_of(sink):
        assert not sink.is_closed

    assert sink.is_closed


def test_another_method_is_405(http: TestClient) -> None:
    """And says which there is."""
    answer = http.get(EVENTS)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_bug_is_500_without_a_trace(sink: MemorySink, http: TestClient) -> None:
    """The answer says what, and nothing of the inside."""

    async def fail(outputs: Sequence[Output]) -> list[str]:
        raise RuntimeError("boom")

    sink.deliver = fail  # type: ignore[method-assign]
    answer = http.post(EVENTS, json=MODEL, headers=binary())

    assert (answer.status_code, answer.json()["reason"]) == (500, "failed")


@pytest.mark.parametrize(
    "settings",
    [
        {"oidc_issuer": "https://id.example"},
        {"tls_key": "key.pem"},
        {"oidc_doors": "window"},
        {"port": 0},
        {"colour": "red"},
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any]) -> None:
    """At the start."""
    with pytest.raises(ValueError, match="validation error"):
        HttpDoorSettings(**settings)


def test_variables_of_a_kubernetes_service_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Service of the door's own name sets its port to a URL."""
    monkeypatch.setenv("HOMEOSTAT_HTTP_DOOR_PORT", "tcp://10.0.0.1:8090")

    assert HttpDoorSettings().port == 8090
