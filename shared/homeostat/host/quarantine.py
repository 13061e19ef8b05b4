"""What is refused is kept, verbatim, with the reason."""

from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

from homeostat.codec import Output, Record, encode_payload
from homeostat.codec.encode import encode_headers
from homeostat.core import Identity, Reject
from homeostat.events import EventRefused
from homeostat.events.logs import QUARANTINE

if TYPE_CHECKING:
    from homeostat.host.assignment import Assignment

_MOST_DIGITS: Final = 10
"""Of attempts: more is somebody's joke, and thousands would not even be converted."""


def refused(record: Record, reject: Reject, service: str) -> EventRefused:
    """Describe a refused record; everything needed to put it back is in it."""
    attempts = next((value for name, value in record.headers if name == "homeostat-attempts"), b"0")
    return EventRefused(
        reason=reject.reason,
        detail=reject.detail[:2000],
        service=service,
        log=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=b64encode(record.key or b"").decode(),
        value=b64encode(record.value or b"").decode(),
        headers=tuple((name, b64encode(value or b"").decode()) for name, value in record.headers),
        attempts=int(attempts) if attempts.isdigit() and len(attempts) < _MOST_DIGITS else 0,
    )


def refusal(record: Record, reject: Reject, assignment: "Assignment[Any]", ordinal: int = 0) -> Output:
    """The quarantine record of a refusal, under the identity of the input's `ordinal`-th output."""
    value, content_type = encode_payload(refused(record, reject, assignment.fold.name))
    subject = (record.key or b"unknown").decode(errors="replace")
    key = subject.encode()  # not the refused bytes: this record must be readable by everybody
    id_ = f"{record.offset}.{ordinal}"
    story = Identity(f"{assignment.emitter}#{id_}")
    headers = encode_headers(
        id_=id_,
        source=assignment.emitter,
        type_=EventRefused.TYPE,
        time=assignment.now,
        subject=subject,
        content_type=content_type,
        story=story,
        sequence=f"{record.offset:016d}.{ordinal:04d}",
    )
    return Output(QUARANTINE, assignment.quarantine_place(key), key, value, headers)
