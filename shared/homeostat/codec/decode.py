"""From a record to a typed event, strictly at the doors."""

from base64 import b64decode
from typing import Final

import msgspec
from pydantic import ValidationError

from homeostat.codec.columns import check_labels, check_samples, samples_of_arrow
from homeostat.codec.record import Record
from homeostat.core import Event, Identity, Payload, Position, Reject
from homeostat.events.catalogue import COLUMNS, MODELS
from homeostat.events.columns import Labels, Samples
from homeostat.events.telemetry import LabelsObserved, SamplesObserved

ARROW: Final = "application/vnd.apache.arrow.stream"
_samples = msgspec.msgpack.Decoder(Samples)
_labels = msgspec.msgpack.Decoder(Labels)
_DATA: Final = ("data", "data_base64")
_REQUIRED: Final = ("ce_id", "ce_source", "ce_type")


def decode_event(record: Record, *, time: int, emitter: str, is_door: bool) -> Event:
    """Decode one record of a log.

    Args:
        record: As read.
        time: Broker time, monotonic.
        emitter: Source of what a step on it will emit.
        is_door: The record comes from outside: check everything.

    Raises:
        Reject: `key_missing`, `header_missing`, `header_invalid`, `subject_mismatch`, `type_unknown`,
            `content_type_unknown`, `payload_invalid`; the detail says what would be right.
    """
    if not record.key:
        raise Reject("key_missing", "the record needs a key: the subject the event is about, for example scope/model")
    try:
        headers = {name: value.decode() for name, value in record.headers}
        subject = record.key.decode()
    except (UnicodeDecodeError, AttributeError) as error:
        raise Reject("header_invalid", f"key and headers are UTF-8: {error}") from None
    value, content_type = record.value or b"", headers.get("content-type", "application/json")
    if is_door and ("ce_type" not in headers or content_type.lower().startswith("application/cloudevents")):
        headers, value = _structured(headers, value)
        content_type = headers.get("content-type", "application/json")
    for name in _REQUIRED:
        if not headers.get(name):
            raise Reject("header_missing", f"the record needs the CloudEvents header {name}")
    if headers.get("ce_subject", subject) != subject:
        raise Reject("subject_mismatch", f"ce_subject {headers['ce_subject']!r} differs from the key {subject!r}")
    source, id_ = headers["ce_source"], headers["ce_id"]
    cause = headers.get("ce_causationid")
    return Event(
        id=id_,
        source=source,
        type=headers["ce_type"],
        subject=subject,
        time=time,
        data=_payload(headers["ce_type"], content_type, value, is_door=is_door),
        position=Position(record.topic, record.topic_id, record.partition, record.offset),
        story=Identity(headers.get("ce_correlationid") or f"{source}#{id_}"),
        emitter=emitter,
        cause=Identity(cause) if cause else None,
        signature=headers.get("signature"),
        key_id=headers.get("key-id"),
        content=value,
    )


def _payload(type_: str, content_type: str, value: bytes, *, is_door: bool) -> Payload:
    model = MODELS.get(type_)
    if model is None:
        raise Reject("type_unknown", f"no event type {type_!r}; `homeostat topics --types` lists them")
    try:
        if type_ in COLUMNS:
            return _columns(type_, content_type, value, is_door=is_door)
        if not content_type.startswith("application/json"):
            raise Reject("content_type_unknown", f"{type_} is application/json, not {content_type}")
        data = model.model_validate_json(value)
    except (ValidationError, msgspec.MsgspecError) as error:
        raise Reject("payload_invalid", first_error(error)) from None
    if is_door and data.provenance is not None:
        raise Reject("payload_invalid", "provenance is set by intake, not by the sender")
    return data


def _columns(type_: str, content_type: str, value: bytes, *, is_door: bool) -> Samples | Labels:
    if content_type.startswith("application/msgpack"):
        if not is_door:
            return _samples.decode(value) if type_ == Samples.TYPE else _labels.decode(value)
        if type_ == Samples.TYPE:
            return check_samples(_samples.decode(value))
        return check_labels(_labels.decode(value))
    if content_type.startswith("application/json"):
        if type_ == Samples.TYPE:
            return check_samples(SamplesObserved.model_validate_json(value).columns())
        return check_labels(LabelsObserved.model_validate_json(value).columns())
    if content_type.startswith(ARROW) and type_ == Samples.TYPE:
        return check_samples(samples_of_arrow(value))
    raise Reject("content_type_unknown", f"{type_} is application/json, application/msgpack or {ARROW}")


def _structured(headers: dict[str, str], value: bytes) -> tuple[dict[str, str], bytes]:
    """Turn CloudEvents structured mode into binary mode."""
    try:
        body = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
        attributes = {name: msgspec.json.decode(raw, type=str) for name, raw in body.items() if name not in _DATA}
    except msgspec.MsgspecError as error:
        raise Reject(
            "header_missing", f"neither ce_ headers (binary mode) nor a CloudEvents object (structured mode): {error}"
        ) from None
    if attributes.get("specversion") != "1.0":
        raise Reject("header_missing", "the record needs ce_ headers, or a CloudEvents object with specversion 1.0")
    flat = {f"ce_{name}": text for name, text in attributes.items() if name != "datacontenttype"}
    kept = {name: text for name, text in headers.items() if not name.startswith("ce_") and name != "content-type"}
    flat["content-type"] = attributes.get("datacontenttype", "application/json")
    return flat | kept, _data(body)


def _data(body: dict[str, msgspec.Raw]) -> bytes:
    """The payload's bytes: JSON as it stands, or Base64 of anything. Source: CloudEvents JSON format 1.0.2, 3.1."""
    if "data_base64" not in body:
        return bytes(body.get("data", b""))
    if "data" in body:
        raise Reject("payload_invalid", "data and data_base64 exclude each other")
    try:
        return b64decode(msgspec.json.decode(body["data_base64"], type=str), validate=True)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Reject("payload_invalid", f"data_base64 is no Base64: {error}") from None


def first_error(error: Exception) -> str:
    """Say the first thing that is wrong, where, and how many more there are; never the value itself."""
    if isinstance(error, ValidationError):
        errors = error.errors(include_url=False, include_input=False, include_context=False)
        where = ".".join(str(part) for part in errors[0]["loc"]) or "payload"
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return f"{where}: {errors[0]['msg']}{more}"[:500]
    return str(error)[:500]
