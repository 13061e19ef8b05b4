"""From a typed payload to canonical bytes and CloudEvents headers.

Canonical means: the same payload gives the same bytes on every machine and version. JSON has sorted
keys, no spaces, no nulls, and numbers rounded to 9 significant digits, so that the last bits of an
arithmetic unit never reach a log. Columns are msgpack with their fields in order.
"""

from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final
from zlib import crc32

import msgspec
from pydantic import BaseModel

from homeostat.codec.record import Header, Headers, Output
from homeostat.core import Emit, Event, Identity, Payload
from homeostat.core.event import OPENS
from homeostat.core.identity import emit_id, identity, sequence
from homeostat.events.telemetry import LabelsObserved, SamplesObserved

JSON: Final = b"application/json"
MSGPACK: Final = b"application/msgpack"

_VERSION: Final = ("ce_specversion", b"1.0")
_SEQUENCES: Final = (list, tuple)
_EXACT: Final = frozenset({str, int, bool, type(None)})
_COLUMNAR: Final = (SamplesObserved, LabelsObserved)
"""Made once: `A | B` in a call makes a type at every call."""

_json = msgspec.json.Encoder(order="sorted")
_msgpack = msgspec.msgpack.Encoder()


def _round(value: object) -> object:
    """Round every float inside a JSON value to 9 significant digits."""
    kind = type(value)
    if kind is float:
        return float(f"{value:.8e}")
    if kind is dict:
        assert isinstance(value, dict)
        return {key: item if type(item) in _EXACT else _round(item) for key, item in value.items()}
    if kind in _EXACT:
        return value
    if isinstance(value, _SEQUENCES):
        return [_round(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.8e}")
    if isinstance(value, dict):
        return {key: _round(item) for key, item in value.items()}
    return value


def encode_payload(data: Payload) -> tuple[bytes, bytes]:
    """Return the canonical value and its content type. The hot types go as columns: their times need all digits."""
    if isinstance(data, _COLUMNAR):
        return _msgpack.encode(data.columns()), MSGPACK
    if isinstance(data, BaseModel):
        return _json.encode(_round(data.__pydantic_serializer__.to_python(data, exclude_none=True))), JSON
    return _msgpack.encode(data), MSGPACK


def partition_of(key: bytes, n_partitions: int) -> int:
    """Partition of a key. Ours, not the client's: an identity always lies in one place."""
    return crc32(key) % n_partitions


def rfc3339(millis: int) -> str:
    """Format broker time as CloudEvents wants it."""
    return f"{_second(millis // 1000)}.{millis % 1000:03d}Z"


@lru_cache(maxsize=64)  # a stretch of a log lies within few seconds, and formatting costs more than encoding
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def traceparent(story: str, own: str) -> bytes:
    """Derive W3C trace context: the trace is the story, the span is the event."""
    trace = sha256(story.encode()).hexdigest()
    span = trace if own == story else sha256(own.encode()).hexdigest()
    return f"00-{trace[:32]}-{span[:16]}-01".encode()


def encode_headers(
    *,
    id_: str,
    source: str,
    type_: str,
    time: int,
    subject: str,
    content_type: bytes,
    story: Identity,
    cause: Identity | None = None,
    sequence: str | None = None,
) -> Headers:
    """Lay out the CloudEvents attributes in binary mode.

    Args:
        id_: `ce_id`.
        source: `ce_source`.
        type_: `ce_type`.
        time: Event time, ms.
        subject: `ce_subject`.
        content_type: Of the value.
        story: Correlation id.
        cause: Identity of the input that led to it.
        sequence: Order within the source, if it has one.
    """
    own = identity(source, id_)
    return _headers(id_, own, source, type_, time, subject.encode(), content_type, story, cause, sequence)


def _headers(
    id_: str,
    own: Identity,
    source: str,
    type_: str,
    time: int,
    subject: bytes,
    content_type: bytes,
    story: Identity,
    cause: Identity | None,
    sequence: str | None,
) -> Headers:
    """The same by place, which takes half as long, with the record's own identity and the subject's bytes."""
    of_source, of_type, of_content = _recurring(source, type_, content_type)
    headers: Headers = [
        _VERSION,
        ("ce_id", id_.encode()),
        of_source,
        of_type,
        _time(time),
        ("ce_subject", subject),
        ("ce_correlationid", story.encode()),
        of_content,
        ("traceparent", traceparent(story, own)),
    ]
    if cause is not None:
        headers.append(("ce_causationid", cause.encode()))
    if sequence is not None:
        headers.append(("ce_sequence", sequence.encode()))
    return headers


@lru_cache(maxsize=1024)
def _recurring(source: str, type_: str, content_type: bytes) -> tuple[Header, Header, Header]:
    """What all records of one source and type have alike."""
    return ("ce_source", source.encode()), ("ce_type", type_.encode()), ("content-type", content_type)


@lru_cache(maxsize=64)  # a batch that a broker takes has one time
def _time(millis: int) -> Header:
    return "ce_time", rfc3339(millis).encode()


def encode_emit(
    event: Event, emit: Emit, ordinal: int, n_partitions: int, payload: tuple[bytes, bytes] | None = None
) -> list[Output]:
    """Address one emit of a step on `event`: give it its identity, time, cause, story and place.

    Args:
        event: Folded in.
        emit: That came of it.
        ordinal: Number of the emit.
        n_partitions: Of the log it goes to.
        payload: What `encode_payload` returns for it, if that is known: what goes to several logs is encoded once.

    Returns:
        One output, or one for every partition if it is a broadcast; identical but for the place.
    """
    value, content_type = payload or encode_payload(emit.data)
    key = (event.subject if emit.subject is None else emit.subject).encode()
    offset, source = event.position.offset, event.emitter
    id_ = emit_id(offset, ordinal)
    own = identity(source, id_)
    story = event.story if emit.story is None else own if emit.story == OPENS else emit.story
    headers = _headers(
        id_,
        own,
        source,
        emit.data.TYPE,
        event.time,
        key,
        content_type,
        story,
        event.identity,
        sequence(offset, ordinal),
    )
    if emit.broadcast:
        return [Output(emit.log, place, key, value, headers) for place in range(n_partitions)]
    return [Output(emit.log, partition_of(key, n_partitions), key, value, headers)]
