"""What is in force is what the governor says of requests: nobody else's refusal takes a law out of force."""

from typing import Any

import pytest

from homeostat.audit.keyring import held_requests, refused_offsets
from homeostat.codec import Record, encode_payload
from homeostat.codec.encode import encode_headers
from homeostat.core import Identity
from homeostat.events import Data, EventRefused, RequestHeld
from homeostat.events.logs import GOVERNANCE, QUARANTINE, VERDICTS

GOVERNOR, OTHER = "/homeostat/governor/homeostat.governance/t/0", "/homeostat/intake.requests/homeostat.requests/t/0"


def said(topic: str, data: Data, source: str, id_: str) -> Record:
    """A record as a fold says it."""
    value, content_type = encode_payload(data)
    headers = encode_headers(
        id_=id_, source=source, type_=data.TYPE, time=1, subject="*", content_type=content_type, story=Identity("s#1")
    )
    return Record(topic, "q", 0, 0, 1, b"*", value, headers)


def refusal(**changes: Any) -> EventRefused:
    """That the eighth word on governance does not count."""
    said = {"reason": "role_missing", "detail": "", "service": "governor", "log": GOVERNANCE, "partition": 0}
    return EventRefused.model_validate(said | {"offset": 7, "key": None, "value": None, "headers": ()} | changes)


@pytest.mark.parametrize(
    ("source", "id_", "found"),
    [(GOVERNOR, "7.0", {7}), (GOVERNOR, "6.0", set()), (OTHER, "7.0", set()), ("/x", "7.0", set())],
)
def test_only_the_governor_refuses_what_lies_on_governance(source: str, id_: str, found: set[int]) -> None:
    """Threat: whoever may write the quarantine says that a freeze, or the registration of a key, was refused."""
    assert refused_offsets([said(QUARANTINE, refusal(), source, id_)]) == found


@pytest.mark.parametrize(("source", "found"), [(GOVERNOR, {"a#1"}), (OTHER, set())])
def test_only_the_governor_holds_a_request(source: str, found: set[str]) -> None:
    """Threat: the same with a word that is said to wait for a second person."""
    held = RequestHeld(request=Identity("a#1"), principal="ann", needs="", expires_at=1)

    assert held_requests([said(VERDICTS, held, source, "7.0")]) == found
