"""Records on policy logs, of any identity."""

from typing import Any

from tests.support.hand_shop import NOTARY, NOW, SOURCE

from homeostat.codec import Output, Record
from homeostat.codec.encode import encode_headers, encode_payload
from homeostat.core import Identity, Payload
from homeostat.events import (
    BrakeReleased,
)
from homeostat.events.logs import POLICY_ROLLOUT
from homeostat.runtime.signer import sign_with

RELEASE = BrakeReleased(scope="acme", freeze="g#1")


def said(data: Payload, id_: str, *, source: str = SOURCE, key: Any = NOTARY, **place: Any) -> Record:
    """A record of any identity, signed as the notary would."""
    value, content_type = encode_payload(data)
    subject = str(getattr(data, "model", None) or getattr(data, "scope", "*"))
    headers = encode_headers(
        id_=id_,
        source=source,
        type_=data.TYPE,
        time=NOW,
        subject=subject,
        content_type=content_type,
        story=Identity("story"),
    )
    output = Output(POLICY_ROLLOUT, 0, subject.encode(), value, headers)
    output = sign_with(key)(output) if key is not None else output
    at: dict[str, Any] = {"topic": POLICY_ROLLOUT, "partition": 0, "offset": 0, "timestamp": NOW} | place
    return Record(at["topic"], "t", at["partition"], at["offset"], at["timestamp"], output.key, value, output.headers)
