"""CloudEvents on Kafka: the attributes and the payload of a record, in binary and in structured mode.

Source: CloudEvents 1.0.2, its Kafka protocol binding and its JSON event format.
"""

import re
from base64 import b64decode
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec

from homeostat.codec.record import Record
from homeostat.core import Reject

DEFAULT_CONTENT_TYPE: Final = "application/json"
_STRUCTURED: Final = "application/cloudevents"
_CORE: Final = ("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema")
_REQUIRED: Final = ("id", "source", "type")
_DATA: Final = ("data", "data_base64")
_LONGEST_TYPE: Final = 200
_VERSION: Final = re.compile(r"1\.[0-9]+")
_INTEGER: Final = 2**31
"""An Integer attribute has 32 bits."""

_READ: Final = frozenset(
    {
        *(f"ce_{name}" for name in ("specversion", "id", "source", "type", "subject")),
        *(f"ce_{name}" for name in ("correlationid", "causationid")),
        "content-type",
        "signature",
        "key-id",
        "public-key",
    }
)
"""Headers that mean something to us; all others are carried, not decoded."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """An event as it came over the wire.

    Args:
        attributes: By name without prefix, in their canonical string form; what is null is unset.
        media_type: Of the payload: lower case, without parameters.
        value: The payload's bytes.
        signature: Header of that name.
        key_id: Header of that name.
        public_key: Header of that name.
    """

    attributes: dict[str, str]
    media_type: str
    value: bytes
    signature: str | None
    key_id: str | None
    public_key: str | None


def read_event(record: Record, *, is_door: bool) -> CloudEvent:
    """Read attributes and payload of a record.

    Args:
        record: As read.
        is_door: It comes from outside: structured mode is taken, and everything is checked.

    Raises:
        Reject: `header_missing`, `header_invalid`, `content_type_unknown`, `payload_invalid`.
    """
    headers = {}
    try:
        for name, raw in record.headers:
            if name in _READ and raw is not None:
                headers[name] = raw.decode()
    except UnicodeDecodeError:
        raise Reject("header_invalid", f"header {name} is not UTF-8") from None
    value = record.value or b""
    content_type = headers.pop("content-type", DEFAULT_CONTENT_TYPE)
    media_type = media_type_of(content_type)
    signature, key_id, public_key = (headers.pop(name, None) for name in ("signature", "key-id", "public-key"))
    if is_door and (media_type.startswith(_STRUCTURED) or ("ce_type" not in headers and "ce_id" not in headers)):
        attributes, value = read_structured(value, media_type)
        media_type = media_type_of(attributes.pop("datacontenttype", DEFAULT_CONTENT_TYPE))
    else:
        attributes = {name[3:]: text for name, text in headers.items()}
    if is_door:
        check_version(attributes)
    for name in _REQUIRED:
        if not attributes.get(name):
            raise Reject("header_missing", f"the event needs the CloudEvents attribute {name} (header ce_{name})")
    return CloudEvent(attributes, media_type, value, signature, key_id, public_key)


def check_version(attributes: dict[str, str]) -> None:
    """Take version 1.x of CloudEvents.

    Raises:
        Reject: `header_missing`, `header_invalid`.
    """
    version = attributes.get("specversion")
    if version is None:
        raise Reject("header_missing", "the event needs the CloudEvents attribute specversion, which is 1.0")
    if not _VERSION.fullmatch(version):
        raise Reject("header_invalid", f"specversion {version[:20]!r} is not known: CloudEvents 1.0 is taken")


@lru_cache(maxsize=256)
def _parsed(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def media_type_of(content_type: str) -> str:
    """Media type without its parameters; case means nothing (RFC 9110, 8.3.1)."""
    return _parsed(content_type) if len(content_type) <= _LONGEST_TYPE else ""


@lru_cache(maxsize=256)
def _plain_media_type(content_type: bytes) -> str | None:
    try:
        media_type = media_type_of(content_type.decode())
    except UnicodeDecodeError:
        return None
    return None if not media_type or media_type.startswith(_STRUCTURED) else media_type


def plain_media_type(content_type: bytes | None) -> str | None:
    """Media type of a record in binary mode; None if it is in another one, or its content type is none.

    Args:
        content_type: The header; None if there is none.
    """
    if content_type is None:
        return DEFAULT_CONTENT_TYPE
    return _plain_media_type(content_type) if len(content_type) <= _LONGEST_TYPE else None


def read_structured(value: bytes, media_type: str) -> tuple[dict[str, str], bytes]:
    """Read attributes and payload of an event in structured mode, the JSON format being the only one that is taken.

    Raises:
        Reject: `header_missing`, `header_invalid`, `content_type_unknown`, `payload_invalid`.
    """
    if media_type.startswith(_STRUCTURED) and media_type != f"{_STRUCTURED}+json":
        known = f"{_STRUCTURED}+json is taken, one event a record"
        raise Reject("content_type_unknown", f"{media_type[:100]} is not: {known}")
    try:
        body = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _neither(str(error)) from None
    if "specversion" not in body:
        raise _neither("it has no specversion")
    attributes = {}
    for name, raw in body.items():
        if name not in _DATA and (text := _attribute(name, bytes(raw))) is not None:
            attributes[name] = text
    return attributes, _payload(body, attributes)


def _neither(why: str) -> Reject:
    what = "neither ce_ headers (binary mode) nor a CloudEvents object (structured mode)"
    return Reject("header_missing", f"{what}: {why[:300]}")


def _attribute(name: str, raw: bytes) -> str | None:
    """Canonical string of an attribute; None if it is unset."""
    value = _decode(name, raw)
    if value is None or isinstance(value, str):
        return value
    if name in _CORE or isinstance(value, float | list | dict):
        wanted = "a string" if name in _CORE else "a string, an integer or a boolean"
        raise Reject("header_invalid", f"the attribute {name[:100]} is {wanted}")
    if isinstance(value, bool):
        return "true" if value else "false"
    assert isinstance(value, int)
    if not -_INTEGER <= value < _INTEGER:
        raise Reject("header_invalid", f"the attribute {name[:100]} is an integer of 32 bits")
    return str(value)


def _decode(name: str, raw: bytes) -> object:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Reject("header_invalid", f"the attribute {name[:100]} cannot be read") from None


def _payload(body: dict[str, msgspec.Raw], attributes: dict[str, str]) -> bytes:
    """The payload's bytes: JSON as it stands, text, or Base64 of anything. Source: JSON event format 1.0.2, 3.1."""
    data = bytes(body["data"]) if "data" in body else b"null"
    encoded = bytes(body["data_base64"]) if "data_base64" in body else b"null"
    if encoded != b"null":
        if data != b"null":
            raise Reject("payload_invalid", "data and data_base64 exclude each other")
        try:
            return b64decode(msgspec.json.decode(encoded, type=str), validate=True)
        except (msgspec.MsgspecError, ValueError) as error:
            raise Reject("payload_invalid", f"data_base64 is no Base64: {error}") from None
    if data == b"null":
        return b""
    if not is_json(media_type_of(attributes.get("datacontenttype", DEFAULT_CONTENT_TYPE))) and data[:1] == b'"':
        return str(_decode("data", data)).encode()
    return data


def is_json(media_type: str) -> bool:
    """Whether a media type is JSON's."""
    return media_type in (DEFAULT_CONTENT_TYPE, "text/json") or media_type.endswith("+json")
