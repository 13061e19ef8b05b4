"""From a record to a typed event, strictly at the doors."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from pydantic import ValidationError

from homeostat.codec.arrow import ARROW, samples_of_arrow
from homeostat.codec.cloudevents import is_json, plain_media_type, read_event
from homeostat.codec.columns import check_labels, check_samples
from homeostat.codec.record import Record
from homeostat.core import Event, Identity, Payload, Position, Reject
from homeostat.core.identity import identity
from homeostat.events.base import Data
from homeostat.events.columns import Labels, Samples
from homeostat.events.models import COLUMNS, MODELS
from homeostat.events.telemetry import LabelsObserved, SamplesObserved

_samples = msgspec.msgpack.Decoder(Samples)
_labels = msgspec.msgpack.Decoder(Labels)
_MSGPACK: Final = ("application/msgpack", "application/x-msgpack", "application/vnd.msgpack")


def decode_event(
    record: Record, *, time: int, emitter: str, is_door: bool, headers: dict[str, bytes] | None = None
) -> Event:
    """Decode one record of a log.

    Args:
        record: As read.
        time: Broker time, monotonic.
        emitter: Source of what a step on it will emit.
        is_door: The record comes from outside: check everything. Without a key, the subject is the attribute.
        headers: Of the record by name, where they are known; not modified.

    Raises:
        Reject: `key_missing`, `header_missing`, `header_invalid`, `subject_mismatch`, `type_unknown`,
            `content_type_unknown`, `payload_invalid`; the detail says what would be right. Nothing else is raised,
            whatever the bytes are: an internal log may be written by whoever got past its ACL.
    """
    try:
        event = _plain(record, time, emitter, dict(record.headers) if headers is None else headers, is_door=is_door)
        return _decoded(record, time=time, emitter=emitter, is_door=is_door) if event is None else event
    except Reject:
        raise
    except Exception as error:  # whatever a decoder raises: the record is somebody else's
        detail = f"it cannot be read: {type(error).__name__}: {str(error)[:300]}"
        raise Reject("payload_invalid", detail) from error


def _plain(
    record: Record, time: int, emitter: str, headers: Mapping[str, bytes | None], *, is_door: bool
) -> Event | None:
    """Decode what nearly every record is, in a third of the time: binary mode, version 1.0, nothing odd in a header.

    Returns:
        None for anything else, be it right or wrong: `_decoded` looks at it.

    Raises:
        Reject: See `decode_event`; of the payload only.
    """
    get, key = headers.get, record.key
    id_, source, type_, named = get("ce_id"), get("ce_source"), get("ce_type"), get("ce_subject")
    if not (id_ and source and type_ and key) or get("ce_specversion") != b"1.0" or len(headers) != len(record.headers):
        return None
    media_type = plain_media_type(get("content-type"))
    if media_type is None or key[0] == 0 or (named is not None and named != key):
        return None
    story, cause = get("ce_correlationid"), get("ce_causationid")
    signature, key_id, public_key = get("signature"), get("key-id"), get("public-key")
    own_story: Any  # an `Identity`, whose call is no cast
    own_cause: Any
    try:
        own_source, own_id, own_type, subject = source.decode(), id_.decode(), type_.decode(), key.decode()
        own_story = story.decode() if story else f"{own_source}#{own_id}"
        own_cause = cause.decode() if cause else None
        own_signature = signature if signature is None else signature.decode()
        own_key_id = key_id if key_id is None else key_id.decode()
        own_public_key = public_key if public_key is None else public_key.decode()
    except UnicodeDecodeError:
        return None
    value = record.value or b""
    return Event(  # by place: by name it takes four times as long
        own_id,
        own_source,
        own_type,
        subject,
        time,
        _payload(own_type, media_type, value, is_door=is_door),
        Position(record.topic, record.topic_id, record.partition, record.offset),
        own_story,
        emitter,
        own_cause,
        own_signature,
        own_key_id,
        own_public_key,
        value,
    )


def _decoded(record: Record, *, time: int, emitter: str, is_door: bool) -> Event:
    event = read_event(record, is_door=is_door)
    attributes = event.attributes
    source, id_, type_ = attributes["source"], attributes["id"], attributes["type"]
    cause = attributes.get("causationid")
    return Event(
        id=id_,
        source=source,
        type=type_,
        subject=_subject(record.key, attributes.get("subject"), is_door=is_door),
        time=time,
        data=_payload(type_, event.media_type, event.value, is_door=is_door),
        position=Position(record.topic, record.topic_id, record.partition, record.offset),
        story=Identity(attributes.get("correlationid") or identity(source, id_)),
        emitter=emitter,
        cause=Identity(cause) if cause else None,
        signature=event.signature,
        key_id=event.key_id,
        public_key=event.public_key,
        content=event.value,
    )


def _subject(key: bytes | None, named: str | None, *, is_door: bool) -> str:
    if not key:
        if is_door and named:
            return _checked(named)
        raise Reject(
            "key_missing", "the record needs a key (or ce_subject): what the event is about, for example scope/model"
        )
    try:
        subject = key.decode()
    except UnicodeDecodeError:
        raise Reject("header_invalid", "the key is not UTF-8: it is the subject, for example scope/model") from None
    if named is not None and named != subject:
        raise Reject("subject_mismatch", f"ce_subject {named[:300]!r} differs from the key {subject[:300]!r}")
    return _checked(subject)


def _checked(subject: str) -> str:
    """Keep the names that begin with NUL to ourselves: states of a host's own lie under them."""
    if subject.startswith("\0"):
        raise Reject("header_invalid", "the key begins with NUL: it is the subject, for example scope/model")
    return subject


def _payload(type_: str, media_type: str, value: bytes, *, is_door: bool) -> Payload:
    model = MODELS.get(type_)
    if model is None:
        raise Reject("type_unknown", f"no event type {type_[:200]!r}; `homeostat topics --types` lists them")
    try:
        if type_ in COLUMNS:
            return _columns(type_, media_type, value, is_door=is_door)
        if not is_json(media_type):
            raise Reject("content_type_unknown", f"{type_} is application/json, not {media_type[:100]}")
        data: Data = model.__pydantic_validator__.validate_json(value)  # `model_validate_json`, without its frame
    except (ValidationError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Reject("payload_invalid", first_error(error)) from None
    if is_door and data.provenance is not None:
        raise Reject("payload_invalid", "provenance is set by intake, not by the sender")
    return data


def _columns(type_: str, media_type: str, value: bytes, *, is_door: bool) -> Samples | Labels:
    if media_type in _MSGPACK:
        if not is_door:
            return _samples.decode(value) if type_ == Samples.TYPE else _labels.decode(value)
        if type_ == Samples.TYPE:
            return check_samples(_samples.decode(value))
        return check_labels(_labels.decode(value))
    if is_json(media_type):
        if type_ == Samples.TYPE:
            return check_samples(SamplesObserved.model_validate_json(value).columns())
        return check_labels(LabelsObserved.model_validate_json(value).columns())
    if media_type == ARROW and type_ == Samples.TYPE:
        return check_samples(samples_of_arrow(value))
    raise Reject("content_type_unknown", f"{type_} is application/json, application/msgpack or {ARROW}")


def first_error(error: Exception) -> str:
    """Say the first thing that is wrong, where, and how many more there are; never the value itself."""
    if isinstance(error, ValidationError):
        errors = error.errors(include_url=False, include_input=False, include_context=False)
        where = ".".join(str(part) for part in errors[0]["loc"]) or "payload"
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return f"{where}: {errors[0]['msg']}{more}"[:500]
    return str(error)[:500]
