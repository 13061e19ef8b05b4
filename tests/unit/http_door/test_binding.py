"""A request becomes the events that the CloudEvents HTTP binding says it holds."""

import json

import pytest
from tests.unit.http_door.conftest import MODEL, binary, structured

from homeostat.core import Reject
from homeostat.services.http_door.binding import BATCH, STRUCTURED, Received, read_request


def read(headers: dict[str, str], body: bytes, most: int = 10) -> list[Received | Reject]:
    """The events of a request."""
    return read_request([(n.lower().encode(), v.encode("latin-1")) for n, v in headers.items()], body, most)[0]


def reason(event: Received | Reject) -> str:
    """Why it cannot be read."""
    assert isinstance(event, Reject), event
    return event.reason


def test_binary_and_structured_say_the_same() -> None:
    """The bytes of the payload are those of the request, in both."""
    body = json.dumps(MODEL).encode()

    (one,) = read({**binary(), "content-type": "application/json; charset=utf-8"}, body)
    (other,) = read({"content-type": f"{STRUCTURED}; charset=UTF-8"}, json.dumps(structured()).encode())

    assert isinstance(one, Received)
    assert isinstance(other, Received)
    assert dict(one.attributes) == dict(other.attributes)
    assert one.value == other.value == body
    assert (one.content_type, other.content_type) == ("application/json; charset=utf-8", "application/json")


def test_a_batch_is_read_event_by_event() -> None:
    """What one of them is does not matter to the others."""
    body = [structured(id="1"), {"no": "event"}, structured(id="2", data=None, data_base64="AAE=")]

    first, second, third = read({"content-type": BATCH}, json.dumps(body).encode())

    assert isinstance(first, Received)
    assert reason(second) == "header_missing"
    assert isinstance(third, Received)
    assert third.value == b"\0\1"


def test_values_of_headers_are_decoded() -> None:
    """Percent-encoding and quotes, as the binding has them."""
    (event,) = read(binary(source='"/caf%C3%A9 \\"x\\""', id="100%25"), b"{}")

    assert isinstance(event, Received)
    assert (event.attributes["source"], event.attributes["id"]) == ('/café "x"', "100%")


def test_a_signature_comes_in_either_form() -> None:
    """As the headers of Kafka, or as extension attributes; twice the same is once."""
    plain = {"signature": "c2ln", "key-id": "00", "public-key": "ff"}
    extensions = {"ce-signature": "c2ln", "ce-keyid": "00", "ce-publickey": "ff"}

    for given in (plain, extensions, plain | extensions):
        (event,) = read(binary() | given, b"{}")

        assert isinstance(event, Received)
        assert [event.attributes[name] for name in ("signature", "keyid", "publickey")] == ["c2ln", "00", "ff"]
    assert reason(read(binary() | plain | {"ce-signature": "b3RoZXI="}, b"{}")[0]) == "header_invalid"


def test_the_trace_of_the_event_goes_before_that_of_the_hop() -> None:
    """Whatever stands between rewrites the header of HTTP."""
    (event,) = read({"traceparent": "hop", **binary(traceparent="own")}, b"{}")
    (other,) = read({**binary(traceparent="own"), "traceparent": "hop"}, b"{}")

    assert isinstance(event, Received)
    assert isinstance(other, Received)
    assert event.attributes["traceparent"] == other.attributes["traceparent"] == "own"


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({}, b"{}", "header_missing"),
        ({"content-type": "application/json"}, json.dumps(structured()).encode(), "header_missing"),
        ({"content-type": STRUCTURED}, b"{", "header_missing"),
        ({"content-type": STRUCTURED}, b"[]", "header_missing"),
        ({"content-type": STRUCTURED}, b'{"specversion": "1.0", "id": 1}', "header_invalid"),
        ({"content-type": STRUCTURED}, b'{"specversion": "1.0", "Bad-Name": "x"}', "header_invalid"),
        ({"content-type": STRUCTURED}, b'{"specversion": "1.0", "data": 1, "data_base64": "AA=="}', "payload_invalid"),
        ({"ce-id": "%FF"}, b"{}", "header_invalid"),
        ({"ce-bad_name": "x"}, b"{}", "header_invalid"),
        ({"ce-id": "1", "ce-datacontenttype": "text/plain"}, b"{}", "header_invalid"),
    ],
)
def test_what_is_no_event_has_a_reason(headers: dict[str, str], body: bytes, expected: str) -> None:
    """Each event of a request has its own."""
    assert [reason(event) for event in read(headers, body)] == [expected]


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/cloudevents+avro", b"", "content_type_unknown"),
        ("x" * 300, b"", "content_type_unknown"),
        (BATCH, b"{}", "batch_invalid"),
        (BATCH, b"[1,", "batch_invalid"),
        (BATCH, b"[" + b",".join([b"{}"] * 11) + b"]", "batch_too_large"),
    ],
)
def test_what_cannot_be_read_at_all_is_refused(content_type: str, body: bytes, expected: str) -> None:
    """Before any event is looked at."""
    with pytest.raises(Reject) as refused:
        read({"content-type": content_type}, body)

    assert refused.value.reason == expected
