"""Personal data does not outlive its refusal: what a contract or a form calls personal is kept as a digest."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.attacks.doors import Doors

from homeostat.admission.salt import Salt
from homeostat.core import Payload
from homeostat.events import (
    ApprovalGiven,
    DeploymentObserved,
    FamilyRegistered,
    FeatureContract,
    FreezeSet,
    IncidentRecorded,
    Labels,
    ModelRegistered,
    Samples,
    SignalObserved,
)
from homeostat.events.base import Arm
from homeostat.events.columns import F4, pack
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, QUARANTINE, REQUESTS, TIMELINE, TRACES, by_name

MODEL = "shop/a"
SECRET = 12345.678
MAIL = "john.doe@example.com"
FEATURES = (FeatureContract(name="price", low=0.0, high=100.0), FeatureContract(name="email_hash"))


def registered(**changes: Any) -> ModelRegistered:
    return ModelRegistered(
        **{"family": "f", "champion": "v1", "features": FEATURES, "personal_features": ("email_hash",)} | changes
    )


def samples(request: list[str] | None = None, **features: float) -> Samples:
    request = request or ["r0"]
    n = len(request)
    return Samples(
        version="v1",
        role="champion",
        request=request,
        time=pack([100.0] * n),
        features=list(features),
        values=b"".join(pack([value] * n, F4) for value in features.values()),
        prediction=pack([1.0] * n),
        score=pack([np.nan] * n),
    )


def as_json(body: Any) -> tuple[bytes, list[tuple[str, bytes]]]:
    attributes = {"specversion": "1.0", "id": "x", "source": "/s", "type": Samples.TYPE}
    headers = [(f"ce_{name}", text.encode()) for name, text in attributes.items()]
    return json.dumps(body).encode(), [*headers, ("content-type", b"application/json")]


ROW = {"version": "v1", "request": ["r"], "time": [1.0], "prediction": [1.0]}


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


SPEAKING = [MAIL, "DE89370400440532013000", "+49 30 1234567", "4111 1111 1111 1111", "user=a%40b.com"]


@pytest.mark.parametrize("request_id", SPEAKING)
def test_a_request_id_with_personal_data_is_refused_and_not_kept(request_id: str) -> None:
    """Threat: ids of requests are kept in the join, the timeline and the quarantine; an address is no id."""
    doors = Doors()
    doors.send(MODEL, registered(), samples(["ok", request_id], price=5.0))

    (refusal,) = doors.refusals()

    assert (refusal.reason, "row 1" in refusal.detail) == ("personal_data", True)
    assert list(refusal.redacted or ()) == ["request[1]"]
    assert request_id.encode() not in doors.everything()


def test_a_redacting_contract_takes_a_digest_in_its_place() -> None:
    """Samples and labels of one request still meet, under the same digest; the provenance says what was done."""
    doors = Doors(Salt(b"secret"))
    doors.send(MODEL, registered(on_personal="redact"), samples([MAIL], price=5.0, email_hash=SECRET))
    doors.send(MODEL, Labels(request=[MAIL], label=pack([1.0]), time=pack([200.0])))

    (served,) = doors.events(TIMELINE, of=Samples)
    (labelled,) = doors.events(TIMELINE, of=Labels)

    assert served.data.request == labelled.data.request
    assert served.data.request[0].startswith("personal-")
    assert served.data.provenance.redacted == (
        "features.email_hash: personal_features",
        "request: an e-mail address",
    )
    assert not doors.refusals()
    assert MAIL.encode() not in doors.everything()


def test_a_part_of_labels_that_is_unmatched_is_kept_without_addresses() -> None:
    """Threat: the door itself writes what it could not join into the quarantine, with the ids of the requests."""
    doors = Doors()
    doors.send(MODEL, registered(on_personal="redact"), samples(["r0"], price=5.0))
    doors.send(MODEL, Labels(request=["r0", MAIL], label=pack([1.0, 1.0]), time=pack([200.0] * 2)))

    (refusal,) = doors.refusals()

    assert refusal.reason == "label_unmatched"
    assert MAIL.encode() not in doors.everything()


def test_what_is_redacted_loses_its_signature() -> None:
    """Threat: the provenance carries all bytes that were signed, and so the column that was dropped."""
    doors, signed = Doors(), [("signature", b"c2ln"), ("key-id", b"k1")]
    doors.send(MODEL, registered(on_personal="redact"))
    doors.log.publish(
        "homeostat.telemetry", MODEL, samples(price=5.0, email_hash=SECRET), id_="s", source="/c", headers=signed
    )
    doors.loop.settle()

    (event,) = doors.events(TIMELINE, of=Samples)

    assert (event.data.provenance.signature, event.data.provenance.signed) == (None, None)
    assert b64encode(pack([SECRET], F4))[:-4] not in doors.everything()
    assert pack([SECRET], F4) not in doors.everything()


TEXTS: list[tuple[str, str, Payload, str]] = [
    ("homeostat.telemetry", MODEL, registered(owner=f"ask {MAIL}"), TIMELINE),
    ("homeostat.telemetry", MODEL, DeploymentObserved(version="v2", reason="call +49 30 1234567"), GOVERNANCE),
    (
        "homeostat.telemetry",
        MODEL,
        SignalObserved(layer="edge", name="t", value=1, attributes={"who": "4111 1111 1111 1111"}),
        TIMELINE,
    ),
    (TRACES, "shop/f", IncidentRecorded(incident="i1", symptoms=(f"{MAIL} called",), cause="x"), EXPERIENCE),
]


@pytest.mark.parametrize(("door", "subject", "data", "log"), TEXTS)
def test_texts_are_redacted_and_say_so(door: str, subject: str, data: Payload, log: str) -> None:
    """Threat: owners, reasons, symptoms and attributes carry names and numbers of people into logs without end."""
    doors = Doors()
    doors.send(MODEL, registered())
    doors.send(subject, data, log=door)

    admitted = [event for event in doors.events(log, of=type(data)) if event.data.provenance.redacted]

    assert len(admitted) == 1
    for piece in (MAIL, "+49 30 1234567", "4111 1111 1111 1111"):
        assert piece.encode() not in doors.everything()


@pytest.mark.parametrize(
    "send",
    [
        lambda doors: doors.send("shop/DE89370400440532013000", registered()),
        lambda doors: doors.send("shop/4111111111111111", registered()),
        lambda doors: doors.send(MODEL, registered(champion="DE89370400440532013000")),
        lambda doors: doors.send(MODEL, registered(), source=f"mailto:{MAIL}"),
        lambda doors: doors.send(MODEL, registered(), id_=MAIL),
        lambda doors: doors.send(
            "shop/DE89370400440532013000", FamilyRegistered(arms=(Arm(name="a"),), baseline="a"), log=TRACES
        ),
        lambda doors: doors.send_raw(MAIL.encode(), *as_json(ROW)),
    ],
)
def test_what_becomes_a_key_is_refused(send: Callable[[Doors], None]) -> None:
    """Threat: a name of a model, a version, a source or an event is a key, and keys are kept for ever."""
    doors = Doors()
    send(doors)

    (refusal,) = doors.refusals()

    assert refusal.reason in ("personal_data", "subject_invalid", "model_unregistered")
    for piece in (MAIL, "DE89370400440532013000", "4111111111111111"):
        assert piece.encode() not in doors.everything()


def test_a_freeze_is_never_refused_for_its_words() -> None:
    """Threat to the law: a person in a hurry writes a phone number into a freeze. It goes through; an approval that
    does so comes back at once, as what is signed cannot be redacted.
    """
    doors = Doors()
    doors.send("shop", FreezeSet(scope="shop", reason="call +49 30 1234567"), log=REQUESTS)
    doors.send("shop", ApprovalGiven(action="a", reason=MAIL), log=REQUESTS)

    assert len(doors.events(GOVERNANCE, of=FreezeSet)) == 1
    assert [refusal.reason for refusal in doors.refusals()] == ["personal_data"]


@pytest.mark.parametrize("salt", [Salt(), Salt(b"one")])
def test_digests_are_the_same_again_and_differ_by_salt_and_scope(salt: Salt) -> None:
    """What a host says again after a crash is byte-identical; another deployment, or tenant, has other digests."""
    first, again, other = Doors(salt), Doors(salt), Doors(Salt(b"two"))
    for doors in (first, again, other):
        doors.send(MODEL, registered(), samples(price=5.0, email_hash=SECRET))
        doors.send("pub/a", registered(), samples(price=5.0, email_hash=SECRET))

    digests = [[refusal.redacted for refusal in doors.refusals()] for doors in (first, again, other)]

    assert digests[0] == digests[1]
    assert digests[0] != digests[2]
    assert digests[0][0] != digests[0][1]


def test_quarantine_has_an_end() -> None:
    """Threat: what no pattern knows and no contract names is kept for ever. It is kept for thirty days."""
    assert by_name(QUARANTINE).config()["retention.ms"] == str(30 * 86_400_000)


def test_a_value_is_not_in_the_reason_of_its_refusal() -> None:
    """Threat: details quote what they refuse."""
    doors = Doors()
    doors.send(MODEL, registered(on_personal="redact"))
    doors.send(MODEL, Labels(request=["x", MAIL], label=pack([1.0, 0.0]), time=pack([1.0, 1.0])))
    doors.send_raw(b"shop/b", *as_json(ROW | {"role": MAIL}))

    assert all(MAIL not in refusal.detail for refusal in doors.refusals())
    assert MAIL.encode() not in doors.everything()
