"""What is refused is kept, verbatim but for personal data, with the reason. Keeping it can never fail."""

from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import msgspec

from homeostat.admission.redaction import Redaction
from homeostat.admission.salt import NO_SALT, Salt
from homeostat.codec import Output, Record
from homeostat.codec.envelope import envelope
from homeostat.core import Reject
from homeostat.core.identity import emit_id, scope_of, sequence
from homeostat.events import EventRefused
from homeostat.events.logs import MAX_INPUT_BYTES, QUARANTINE
from homeostat.runtime.watermarks import Disowned

if TYPE_CHECKING:
    from homeostat.runtime.emitting import Emitting

_LAST_ORDINAL: Final = 9999
"""Of what the host says behind all outputs of an input."""

_MOST_DIGITS: Final = 10
"""Of attempts: more is somebody's joke, and thousands would not even be converted."""

_BEGINNING: Final = 65_536
"""Bytes that are kept of a record that is too large: it is recognised by them, and not put back."""

_DETAIL: Final = 2000
_KEY_LENGTH: Final = 1000
"""Characters of the key of a quarantined record: it is looked for by it."""


@runtime_checkable
class Screens(Protocol):
    """A fold that knows which fields of what it refuses are personal."""

    @property
    def salt(self) -> Salt:
        """Of the digests that are kept in their place."""

    def personal_names(self, state: Any) -> tuple[str, ...]:
        """Names that the contract in a state calls personal."""


def redaction_of(record: Record, assignment: "Emitting") -> Redaction:
    """What may be kept of a record that an assignment refuses; doors know names and a salt, others forms alone."""
    fold, subject = assignment.fold, subject_of(record)
    names, salt = tuple[str, ...](), NO_SALT
    if isinstance(fold, Screens):
        state = assignment.states.get(fold.unit(subject))
        names, salt = () if state is None else fold.personal_names(state), fold.salt
    return Redaction(scope_of(subject), names, salt)


def subject_of(record: Record) -> str:
    """What a record says that it is about, as far as that can be seen without decoding it; empty if it cannot."""
    raw = record.key or next((value for name, value in record.headers if name == "ce_subject"), None)
    if not raw and record.value:
        try:
            raw = str(msgspec.json.decode(record.value, type=_Structured).subject or "").encode()
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return ""
    return (raw or b"").decode(errors="replace")


class _Structured(msgspec.Struct):
    subject: str | None = None


def refused(
    record: Record, reject: Reject, service: str, n_left_out: int = 0, redaction: Redaction | None = None
) -> EventRefused:
    """Describe a refused record; everything needed to put it back is in it, unless it is too large to be kept, or holds
    personal data.

    Args:
        record: As it was read.
        reject: Why.
        service: Fold or hand that refuses it.
        n_left_out: Refusals before it that were only counted.
        redaction: Of personal data; None: nothing is looked for.
    """
    attempts = next((value for name, value in record.headers if name == "homeostat-attempts"), None) or b"0"
    key, value, headers = record.key, record.value, record.headers
    n_header_bytes = sum(len(name.encode()) + len(text or b"") for name, text in headers)
    is_cut = len(key or b"") + len(value or b"") + n_header_bytes > MAX_INPUT_BYTES
    if is_cut:
        key, value = key and key[:_BEGINNING], value and value[:_BEGINNING]
        headers = _beginning(headers)
    detail, fields = reject.detail, dict[str, str]()
    if redaction is not None:
        kept = redaction.record(key, value, headers)
        key, value, headers, fields, detail = kept.key, kept.value, kept.headers, kept.fields, redaction.text(detail)
    return EventRefused(
        reason=reject.reason,
        detail=detail.encode(errors="replace").decode()[:_DETAIL],
        service=service,
        log=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=_base64(key),
        value=_base64(value),
        headers=tuple((name, _base64(text)) for name, text in headers),
        attempts=int(attempts) if attempts.isdigit() and len(attempts) < _MOST_DIGITS else 0,
        size_bytes=len(record.value or b"") if is_cut else None,
        digest=sha256(record.value or b"").hexdigest() if is_cut else None,
        n_left_out=n_left_out or None,
        redacted=fields or None,
    )


def _beginning(headers: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """As many headers as fit; none in part."""
    kept, room = [], _BEGINNING
    for name, value in headers:
        room -= len(name.encode()) + len(value or b"")
        if room < 0:
            break
        kept.append((name, value))
    return kept


def _base64(raw: bytes | None) -> str | None:
    return None if raw is None else b64encode(raw).decode()


def refusal(
    record: Record,
    reject: Reject,
    assignment: "Emitting",
    n_partitions: int,
    ordinal: int,
    n_left_out: int,
    *,
    at: int | None = None,
) -> Output:
    """The quarantine record of a refusal, under the identity of the input's `ordinal`-th output.

    Args:
        record: As read.
        reject: Why.
        assignment: That refused it.
        n_partitions: Number of partitions of the quarantine.
        ordinal: Number of the output.
        n_left_out: See `EventRefused`.
        at: Offset of the input that it is an output of, if that is not the refused record.
    """
    offset = record.offset if at is None else at
    redaction = redaction_of(record, assignment)
    data = refused(record, reject, assignment.fold.name, n_left_out, redaction)
    subject = redaction.text((record.key or b"unknown")[: 4 * _KEY_LENGTH].decode(errors="replace"))[:_KEY_LENGTH]
    subject = subject.replace("\0", "\ufffd")  # names that begin with it are a host's own, and nobody reads them
    return envelope(
        QUARANTINE,
        subject,  # not the refused bytes: this record must be readable by everybody
        data,
        id_=emit_id(offset, ordinal),
        source=assignment.emitter,
        time=assignment.now,
        n_partitions=n_partitions,
        sequence=sequence(offset, ordinal),
    )


def disowning(record: Record, disowned: Disowned, assignment: "Emitting", n_partitions: int) -> Output:
    """The quarantine record of an event that was folded, and that its source has disproved: it is behind us, and kept.

    Args:
        record: With which the source went on.
        disowned: What that disproves.
        assignment: That has folded both.
        n_partitions: Number of partitions of the quarantine.
    """
    offset, ordinal, _, at = disowned.seen
    claimed = sequence(offset, ordinal)
    detail = (
        f"offset {at} was taken for {claimed} of {disowned.source}, which has gone on with {disowned.after}: that "
        "event was not its own. It was folded; the source is read on. See who may write this log"
    )
    headers = [("ce_source", disowned.source.encode()), ("ce_sequence", claimed.encode())]
    forged = Record(record.topic, record.topic_id, record.partition, at, record.timestamp, None, None, headers)
    reject = Reject("sequence_invalid", detail)
    return refusal(forged, reject, assignment, n_partitions, _LAST_ORDINAL, 0, at=record.offset)
