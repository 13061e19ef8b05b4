"""CloudEvents as the specification has them, beside its own Python package, in both directions."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from homeostat.client.event_builder import EventBuilder
from homeostat.codec import Record, decode_event, encode_emit
from homeostat.codec.cloudevents import read_event
from homeostat.core import Emit, Event, Identity, Position, Reject
from homeostat.events import IndicatorComputed, ModelRegistered, Samples, SignalObserved
from homeostat.events.logs import INDICATORS, TELEMETRY

SIGNAL = {"layer": "service", "name": "load", "value": 1.5}
BINARY = {
    "ce_specversion": b"1.0",
    "ce_id": b"1234-1234-1234",
    "ce_type": b"com.example.someevent",
    "ce_source": b"/mycontext/subcontext",
    "ce_time": b"2018-04-05T03:56:24Z",
    "content-type": b"application/json",
}
"""Of the scenario "Binary content mode" of the specification's conformance suite (kafka-protocol-binding.feature)."""

STRUCTURED = {
    "specversion": "1.0",
    "type": "com.example.someevent",
    "time": "2018-04-05T03:56:24Z",
    "id": "1234-1234-1234",
    "source": "/mycontext/subcontext",
    "datacontenttype": "application/json",
    "data": {"message": "Hello World!"},
}
"""Of its scenario "Structured content mode"."""


def record(value: bytes | None, headers: dict[str, Any], key: bytes | None = b"team/m") -> Record:
    return Record(TELEMETRY, "t", 0, 0, 1000, key, value, list(headers.items()))


def decoded(message: KafkaMessage, key: bytes | None = None) -> Event:
    """What a door reads of a message of the package."""
    raw = message.key.encode() if isinstance(message.key, str) else message.key
    return decode_event(record(message.value, message.headers, key or raw), time=1, emitter="/e", is_door=True)


def test_binary_mode_is_that_of_the_specification() -> None:
    """The attributes and the data of its scenario."""
    event = read_event(record(b'{"message": "Hello World!"}', BINARY), is_door=True)

    assert (event.attributes["id"], event.attributes["type"]) == ("1234-1234-1234", "com.example.someevent")
    assert (event.attributes["source"], event.attributes["specversion"]) == ("/mycontext/subcontext", "1.0")
    assert (event.media_type, json.loads(event.value)) == ("application/json", {"message": "Hello World!"})


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/cloudevents+json",
        b"application/cloudevents+json; charset=utf-8",
        b"Application/CloudEvents+JSON;charset=UTF-8",
    ],
)
def test_structured_mode_is_that_of_the_specification(content_type: bytes) -> None:
    """The attributes and the data of its scenarios; media types have no case."""
    event = read_event(record(json.dumps(STRUCTURED).encode(), {"content-type": content_type}), is_door=True)

    assert event.attributes["time"] == "2018-04-05T03:56:24Z"
    assert (event.attributes["id"], event.attributes["type"]) == ("1234-1234-1234", "com.example.someevent")
    assert (event.media_type, json.loads(event.value)) == ("application/json", {"message": "Hello World!"})


@pytest.mark.parametrize("write", [to_binary, to_structured])
@pytest.mark.parametrize("datacontenttype", [None, "application/json", "application/json; charset=utf-8"])
def test_what_the_package_writes_is_read(write: Any, datacontenttype: str | None) -> None:
    """With extensions of every kind; the subject is the key where the message has none."""
    attributes = {
        "type": SignalObserved.TYPE,
        "source": "/sdk",
        "id": "sdk-1",
        "subject": "team/m",
        "time": datetime(2026, 1, 2, tzinfo=UTC),
        "correlationid": "/sdk#0",
        "tries": 3,
        "urgent": True,
    }
    if datacontenttype:
        attributes["datacontenttype"] = datacontenttype

    event = decoded(write(CloudEvent(attributes, SIGNAL), JSONFormat()))

    assert (event.subject, event.source, event.id, event.story) == ("team/m", "/sdk", "sdk-1", "/sdk#0")
    assert event.data == SignalObserved.model_validate(SIGNAL)


@pytest.mark.parametrize("write", [to_binary, to_structured])
def test_binary_payloads_of_the_package_are_read(write: Any) -> None:
    """Columns as msgpack, in the value or in Base64."""
    sent = EventBuilder("/sdk").build(TELEMETRY, "team/m", Samples("v1", "champion", ["a"], *_columns()), 1)
    attributes = {"type": Samples.TYPE, "source": "/sdk", "id": "1", "datacontenttype": "application/msgpack"}

    event = decoded(write(CloudEvent(attributes, sent.value), JSONFormat()), b"team/m")

    assert isinstance(event.data, Samples)
    assert event.data.request == ["a"]


def _columns() -> tuple[bytes, list[str], bytes, bytes, bytes]:
    return b"\0" * 8, [], b"", b"\0" * 8, b"\0" * 8


def test_what_we_write_is_read_by_the_package() -> None:
    """A client's record, and a fold's output with all its attributes."""
    registered = EventBuilder("/me").build(TELEMETRY, "team/m", ModelRegistered(family="f", champion="v1"), 1)
    cause = Event(
        id="1",
        source="/me",
        type="t",
        subject="team/m",
        time=1_767_323_045_123,
        data=ModelRegistered(family="f", champion="v1"),
        position=Position(TELEMETRY, "t", 0, 7),
        story=Identity("/me#1"),
        emitter="/homeostat/fold/log/t/0",
    )
    (emitted,) = encode_emit(cause, Emit(INDICATORS, IndicatorComputed(model="team/m", name="n", value=1.0)), 0, 1)

    for output in (registered, emitted):
        event = from_kafka(
            KafkaMessage(dict(output.headers), output.key, output.value or b""), JSONFormat(), CloudEvent
        )
        assert event.get_specversion() == "1.0"
        assert event.get_subject() == "team/m"
        assert event.get_extension("correlationid")
        assert isinstance(event.get_time(), datetime)
    assert event.get_id() == "7.0"
    assert event.get_extension("causationid") == "/me#1"
    assert event.get_extension("sequence") == "0000000000000007.0000"
    assert event.get_time() == datetime.fromtimestamp(1_767_323_045.123, UTC)
    assert event.get_data() == {"model": "team/m", "n": 1, "name": "n", "value": 1.0}


def reason(value: bytes | None, headers: dict[str, Any]) -> str:
    """Why a record is refused; `taken` if it is not."""
    try:
        read_event(record(value, headers), is_door=True)
    except Reject as reject:
        return reject.reason
    return "taken"


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (None, "header_missing"),
        ("1.0", "taken"),
        ("1.1", "taken"),
        ("1", "header_invalid"),
        ("0.3", "header_invalid"),
        ("2.0", "header_invalid"),
        ("", "header_invalid"),
    ],
)
def test_the_version_is_one_of_those_that_are_known(version: str | None, expected: str) -> None:
    """In both modes alike."""
    binary = {name: value for name, value in BINARY.items() if name != "ce_specversion"}
    structured = {name: value for name, value in STRUCTURED.items() if name != "specversion"}
    if version is not None:
        binary["ce_specversion"], structured["specversion"] = version.encode(), version

    assert reason(b"{}", binary) == expected
    assert reason(json.dumps(structured).encode(), {}) == expected


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ({"subject": None}, "taken"),
        ({"time": None, "dataschema": None, "ext": None}, "taken"),
        ({"n": 5, "flag": False}, "taken"),
        ({"n": -(2**31)}, "taken"),
        ({"n": 2**31}, "header_invalid"),
        ({"n": 1.5}, "header_invalid"),
        ({"n": [1]}, "header_invalid"),
        ({"n": {"a": 1}}, "header_invalid"),
        ({"id": 7}, "header_invalid"),
        ({"source": None}, "header_missing"),
        ({"type": ""}, "header_missing"),
    ],
)
def test_attributes_are_of_the_types_of_the_specification(attribute: dict[str, Any], expected: str) -> None:
    """Null is unset; integers of 32 bits and booleans are attributes; core attributes are strings."""
    assert reason(json.dumps(STRUCTURED | attribute).encode(), {}) == expected


def test_integers_and_booleans_have_their_canonical_form() -> None:
    """As in a header."""
    attributes = {"n": -5, "flag": True}

    event = read_event(record(json.dumps(STRUCTURED | attributes).encode(), {}), is_door=True)

    assert (event.attributes["n"], event.attributes["flag"]) == ("-5", "true")


@given(st.dictionaries(st.text(min_size=1).filter(lambda name: not name.startswith("ce_")), st.binary() | st.none()))
def test_foreign_headers_are_nobodys_business(headers: dict[str, bytes | None]) -> None:
    """Whatever they hold, null too: they are carried, and not looked into."""
    foreign = {name: value for name, value in headers.items() if name not in ("content-type", "signature", "key-id")}

    assert reason(b"{}", BINARY | foreign) == "taken"


def test_null_headers_are_unset() -> None:
    """An optional one is as if it were not there, a required one is missing."""
    assert reason(b"{}", BINARY | {"ce_subject": None, "content-type": None, "signature": None}) == "taken"
    assert reason(b"{}", BINARY | {"ce_id": None}) == "header_missing"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"data": None}, b""),
        ({"data_base64": None, "data": {"a": 1}}, b'{"a":1}'),
        ({"data_base64": "aGk="}, b"hi"),
        ({"data": '{"a":1}', "datacontenttype": "text/plain"}, b'{"a":1}'),
    ],
)
def test_data_are_what_the_json_format_says(body: dict[str, Any], expected: bytes) -> None:
    """JSON as it stands, Base64 decoded, text of another type as text; null is no data."""
    without = {name: value for name, value in STRUCTURED.items() if name != "data"}

    event = read_event(record(json.dumps(without | body, separators=(",", ":")).encode(), {}), is_door=True)

    assert event.value == expected


def test_a_batch_is_refused_by_name() -> None:
    """Kafka's binding has none."""
    batch = json.dumps([STRUCTURED]).encode()

    assert reason(batch, {"content-type": b"application/cloudevents-batch+json"}) == "content_type_unknown"
    assert reason(batch, {"content-type": b"application/cloudevents+avro"}) == "content_type_unknown"
