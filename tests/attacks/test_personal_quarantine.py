"""What is refused for its personal data lies in quarantine as a digest."""

import json
from base64 import b64decode, b64encode
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.attacks.doors import Doors
from tests.attacks.personal import MAIL, MODEL, ROW, SECRET, as_json, registered, samples

from homeostat.events import (
    Samples,
)
from homeostat.events.columns import F4, pack
from homeostat.events.logs import QUARANTINE, by_name


@pytest.mark.parametrize(
    ("features", "reason"),
    [
        ({"price": 5.0, "email_hash": SECRET}, "personal_data"),
        ({"price": 500.0, "email_hash": SECRET}, "personal_data"),
        ({"email_hash": SECRET}, "personal_data"),
    ],
)
def test_a_refused_personal_column_is_a_digest(features: dict[str, float], reason: str) -> None:
    """Threat: what was refused because it is personal lies in quarantine. Its bytes are nowhere behind the door; the
    refusal names the field, has a digest of it, and keeps the other columns.
    """
    doors = Doors()
    doors.send(MODEL, registered(), samples(None, **features))

    (refusal,) = doors.refusals()

    assert refusal.reason == reason
    assert pack([SECRET], F4) not in doors.everything()
    assert list(refusal.redacted or ()) == ["features.email_hash"]
    kept = msgspec.msgpack.decode(b64decode(refusal.value or ""), type=Samples)
    assert kept.features == list(features)
    assert [np.isnan(row).all() for row in kept.matrix()] == [name == "email_hash" for name in features]


def test_refused_for_another_reason_it_is_a_digest_too() -> None:
    """Threat: a model whose contract redacts refuses a row for its price; its personal column is not kept."""
    doors = Doors()
    doors.send(MODEL, registered(on_personal="redact"), samples(price=500.0, email_hash=SECRET))

    (refusal,) = doors.refusals()

    assert refusal.reason == "out_of_range"
    assert pack([SECRET], F4) not in doors.everything()
    assert list(refusal.redacted or ()) == ["features.email_hash"]


@pytest.mark.parametrize(
    "body",
    [
        ROW | {"features": {"price": [5.0], "email_hash": [SECRET]}},
        ROW | {"features": {"price": [5.0], "Email_Hash": [SECRET]}},
        ROW | {"features": {"price": [5.0], "email_hash": SECRET}},
        ROW | {"email_hash": SECRET},
        ROW | {"features": {}, "extra": [{"deep": {"email_hash": {"v": SECRET}}}]},
        json.dumps(ROW | {"features": {"email_hash": [SECRET]}}),
        [ROW | {"features": {"email_hash": [SECRET]}}],
        ROW | {"features": json.dumps({"email_hash": [SECRET]})},
    ],
)
def test_no_form_of_json_keeps_it(body: Any) -> None:
    """Threat: a record that cannot be decoded, or is spelled another way, keeps the value of a personal field."""
    doors = Doors()
    doors.send(MODEL, registered())
    doors.send_raw(MODEL.encode(), *as_json(body))

    (refusal,) = doors.refusals()

    assert str(SECRET).encode() not in doors.everything()
    assert refusal.redacted


def structured(**data: Any) -> bytes:
    return json.dumps({"specversion": "1.0", "id": "i", "source": "/s", "type": Samples.TYPE} | data).encode()


@pytest.mark.parametrize("has_key", [True, False])
@pytest.mark.parametrize(
    "data",
    [
        {"data": ROW | {"features": {"price": [500.0], "email_hash": [SECRET]}}},
        {"data_base64": b64encode(json.dumps(ROW | {"features": {"email_hash": [SECRET]}}).encode()).decode()},
        {"data": {"features": {"\u0065mail_hash": [SECRET]}}},
    ],
)
def test_a_structured_event_keeps_it_neither(data: dict[str, Any], has_key: bool) -> None:
    """Threat: the payload of a structured CloudEvent hides it, in base64 or behind a subject instead of a key."""
    doors = Doors()
    doors.send(MODEL, registered())
    doors.send_raw(MODEL.encode() if has_key else None, structured(subject=MODEL, **data), [])

    assert doors.refusals()[0].redacted
    assert str(SECRET).encode() not in doors.everything()


@pytest.mark.parametrize(
    "value",
    [
        b'{"features": {"email_hash": [12345.678]',
        b"email_hash;12345.678",
        b"\xff\xff\xff\xff arrow email_hash 12345.678",
        b"\x00\x00\x00\x00\x01email_hash 12345.678",
    ],
)
def test_what_cannot_be_read_and_mentions_it_is_not_kept(value: bytes) -> None:
    """Threat: bytes that nobody can take apart hold it. Only their digest is kept, and the refusal says so."""
    doors = Doors()
    doors.send(MODEL, registered())
    doors.send_raw(MODEL.encode(), value, as_json({})[1])

    (refusal,) = doors.refusals()

    assert refusal.value is None
    assert list(refusal.redacted or ()) == ["value"]
    assert b"12345.678" not in doors.everything()


def test_an_arrow_stream_is_not_kept_where_it_has_a_personal_column() -> None:
    """Threat: a format that the quarantine does not take apart."""
    pa = pytest.importorskip("pyarrow")
    columns = {"request": ["r"], "time": [1.0], "prediction": [1.0], "price": [500.0], "email_hash": [SECRET]}
    table, sink = pa.table(columns).replace_schema_metadata({"version": "v1"}), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    headers = [*as_json({})[1][:-1], ("content-type", b"application/vnd.apache.arrow.stream")]
    doors = Doors()
    doors.send(MODEL, registered(on_personal="redact"))
    doors.send_raw(MODEL.encode(), sink.getvalue().to_pybytes(), headers)

    (refusal,) = doors.refusals()

    assert (refusal.reason, refusal.value) == ("out_of_range", None)
    assert pack([SECRET]) not in doors.everything()


@pytest.mark.parametrize(
    ("key", "value", "headers"),
    [
        (MAIL.encode(), b"x", []),
        (b"shop/a", json.dumps({MAIL: 1, "b": MAIL}).encode(), []),
        (b"shop/a", json.dumps({MAIL: {"c": f"call {MAIL}"}}).encode(), []),
        (b"shop/a", json.dumps({"a": json.dumps({"b": MAIL})}).encode(), []),
        (b"shop/a", json.dumps(MAIL).encode(), []),
        (b"shop/a", MAIL.encode("utf-16"), []),
        (b"shop/a", MAIL.encode(), []),
        (b"shop/a", msgspec.msgpack.encode({"a": [MAIL, {"b": MAIL}]}), []),
        (b"shop/a", msgspec.msgpack.encode({MAIL: 1}), []),
        (b"shop/a", b"\x00\x00\x00\x00\x01" + json.dumps({"a": MAIL}).encode(), []),
        (b"shop/a", b"", [("ce_source", MAIL.encode())]),
        (b"shop/a", b"", [(MAIL, b"x"), ("x-user", MAIL.encode())]),
        (b"shop/a", b" " * 5_000_001 + MAIL.encode(), [("x-user", MAIL.encode())]),
        (None, json.dumps({"specversion": "1.0", "subject": MAIL, "source": MAIL, "id": MAIL}).encode(), []),
    ],
)
def test_an_address_is_kept_nowhere(key: bytes | None, value: bytes, headers: list[tuple[str, bytes]]) -> None:
    """Threat: it stands where nobody looks: in a key, a name of a field or of a header, two bytes a character."""
    doors = Doors()
    doors.send_raw(key, value, headers)

    assert len(doors.refusals()) == 1
    assert MAIL.encode() not in doors.everything()
    assert MAIL.encode("utf-16")[2:] not in doors.everything()


@pytest.mark.parametrize("value", [b'{"features": {"price": [1', b"\xff\xff", b"not json"])
def test_what_mentions_nothing_personal_is_kept_verbatim(value: bytes) -> None:
    """The quarantine stays what it is for everything else."""
    doors = Doors()
    doors.send(MODEL, registered())
    doors.send_raw(MODEL.encode(), value, as_json({})[1])

    (refusal,) = doors.refusals()

    assert b64decode(refusal.value or "") == value
    assert refusal.redacted is None


def test_quarantine_has_an_end() -> None:
    """Threat: what no pattern knows and no contract names is kept for ever. It is kept for thirty days."""
    assert by_name(QUARANTINE).config()["retention.ms"] == str(30 * 86_400_000)
