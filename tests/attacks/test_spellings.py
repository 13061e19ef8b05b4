"""One thing in several spellings: what is signed once counts once, and what is personal is kept in none of them."""

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from msgspec import msgpack
from tests.attacks.doors import Doors
from tests.unit.governor.driver import key_of

from homeostat.audit.signing import signed_bytes
from homeostat.events import BudgetSet, ModelRegistered, SignalObserved
from homeostat.events.logs import REQUESTS, TELEMETRY, TIMELINE

MODEL, ADDRESS, CARD = "acme/m", "john.doe@example.com", 4_111_111_111_111_111
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
SIGNAL: dict[str, Any] = {"layer": "service", "name": "errors", "value": 1.0}


@pytest.fixture
def doors() -> Doors:
    """One model is registered."""
    doors = Doors()
    doors.send(MODEL, ModelRegistered(family="f", champion="v1"))
    return doors


def send(doors: Doors, value: bytes, *more: tuple[str, bytes], media_type: bytes = b"application/json") -> None:
    """Publish a signal."""
    own = {"specversion": b"1.0", "id": b"s1", "source": b"/x", "type": SignalObserved.TYPE.encode()}
    headers = [(f"ce_{name}", text) for name, text in own.items()]
    doors.send_raw(MODEL.encode(), value, [*headers, ("content-type", media_type), *more])


def spellings(signature: str) -> list[str]:
    """Base64 that stands for the same 64 bytes: of the last digit four bits say nothing."""
    first = ALPHABET.index(signature[-3]) & ~15
    return [f"{signature[:-3]}{ALPHABET[first + n]}==" for n in range(16)]


def test_a_signed_event_counts_once_however_its_signature_is_spelled(doors: Doors) -> None:
    """Threat: somebody who has read a signed event sends it sixteen times over; its honest source is made to shout."""
    key, value = key_of("src"), json.dumps(SIGNAL).encode()
    signature = key.sign(signed_bytes(SignalObserved.TYPE, MODEL, "/x", "s1", value))
    assert {b64decode(each) for each in spellings(signature)} == {b64decode(signature)}

    for each in spellings(signature):
        named = ("key-id", key.key_id.encode()), ("public-key", key.public_key_hex.encode())
        send(doors, value, ("signature", each.encode()), *named)

    assert len(doors.events(TIMELINE, of=SignalObserved)) == 1


@pytest.mark.parametrize("name", ["signature", "key-id"])
@pytest.mark.parametrize("text", [ADDRESS.encode(), b"A" * 100_000])
def test_a_proof_that_is_none_is_refused_and_not_kept(doors: Doors, name: str, text: bytes) -> None:
    """Threat: what is carried as a proof is kept for ever: an address, or as much as anybody likes."""
    send(doors, json.dumps(SIGNAL).encode(), (name, text))

    assert [refusal.reason for refusal in doors.refusals()] == ["header_invalid"]
    assert ADDRESS.encode() not in doors.everything()


@pytest.mark.parametrize(
    "value",
    [
        json.dumps({**SIGNAL, "value": ADDRESS}).replace('"value"', f'"note": "{ADDRESS}", "value"').encode(),
        b'{"layer":"service","name":"' + ADDRESS.encode() + b'","name":"e","value":"wrong"}',
        b'{"layer":"service","name":"e","attributes":{"a":"' + ADDRESS.encode() + b'","a":"b"},"value":"wrong"}',
        json.dumps({**SIGNAL, ADDRESS: 1}).encode(),
        json.dumps({**SIGNAL, "card": CARD}).encode(),
        json.dumps({**SIGNAL, "cards": [1, CARD]}).encode(),
    ],
)
def test_a_field_that_is_there_twice_or_a_number_is_not_kept(doors: Doors, value: bytes) -> None:
    """Threat: a decoder sees the last of two fields, the quarantine keeps both; a card is a number."""
    send(doors, value)

    assert len(doors.refusals()) == 1
    kept = doors.everything() + b64encode(doors.refusals()[0].detail.encode())
    assert ADDRESS.encode() not in kept
    assert str(CARD).encode() not in kept
    assert ADDRESS not in doors.refusals()[0].detail


def test_a_field_that_is_there_twice_in_msgpack_is_not_kept(doors: Doors) -> None:
    """The same in the other form."""
    twice = b"\x82" + msgpack.encode("a") + msgpack.encode(ADDRESS) + msgpack.encode("a") + msgpack.encode("b")

    send(doors, twice, media_type=b"application/msgpack")

    assert len(doors.refusals()) == 1
    assert ADDRESS.encode() not in doors.everything()


@pytest.mark.parametrize("text", [f"{ADDRESS}: cannot log in", f"from {ADDRESS}:", f"<{ADDRESS}>: bounced"])
def test_an_address_before_a_colon_is_one(doors: Doors, text: str) -> None:
    """Threat: a line of a mail log; `git@example.com:path` is none."""
    send(doors, json.dumps({**SIGNAL, "attributes": {"line": text, "remote": "git@example.com:a/b"}}).encode())

    (event,) = doors.events(TIMELINE, of=SignalObserved)

    assert ADDRESS not in event.data.attributes["line"]
    assert event.data.attributes["remote"] == "git@example.com:a/b"


@pytest.mark.parametrize("log", [REQUESTS, TELEMETRY])
def test_what_is_signed_says_each_thing_once(doors: Doors, log: str) -> None:
    """Threat: the governor obeys the last of two scopes, an auditor reads the first; and what nobody reads is kept."""
    key = key_of("olga")
    type_, subject = (BudgetSet.TYPE, "acme") if log == REQUESTS else (SignalObserved.TYPE, MODEL)
    body = {"scope": "acme", "money": 1.0, "period_ms": 1} if log == REQUESTS else SIGNAL
    value = json.dumps(body).replace("{", '{"scope": "' + ADDRESS + '", "scope": "acme", ', 1).encode()
    if log == TELEMETRY:
        value = json.dumps(body).replace("{", '{"name": "' + ADDRESS + '", ', 1).encode()
    own = {"specversion": "1.0", "id": "r1", "source": "/cli", "type": type_, "subject": subject}
    proof = [("signature", key.sign(signed_bytes(type_, subject, "/cli", "r1", value)).encode())]
    proof += [("key-id", key.key_id.encode()), ("public-key", key.public_key_hex.encode())]
    media_type = [("content-type", b"application/json")]

    headers = [*((f"ce_{name}", text.encode()) for name, text in own.items()), *media_type, *proof]
    doors.send_raw(subject.encode(), value, headers, log)

    assert [refusal.reason for refusal in doors.refusals()] == ["payload_invalid"]
    assert ADDRESS.encode() not in doors.everything()


@pytest.mark.parametrize("name", ["traceparent", "signature"])
def test_an_address_in_a_header_of_a_proof_is_not_kept(doors: Doors, name: str) -> None:
    """Threat: headers that are kept as they are, as they name a trace or a key."""
    send(doors, b"{", (name, ADDRESS.encode()))

    assert len(doors.refusals()) == 1
    assert ADDRESS.encode() not in doors.everything()
