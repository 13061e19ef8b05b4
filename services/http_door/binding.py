"""CloudEvents over HTTP: what a request holds, in binary, structured or batch mode.

Source: CloudEvents 1.0.2, HTTP protocol binding 3.1 to 3.3, JSON event format, JSON batch format 4.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

from homeostat.codec.cloudevents import DEFAULT_CONTENT_TYPE, media_type_of, read_structured
from homeostat.core import Reject

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
PROOF: Final = {"signature": "signature", "keyid": "key-id", "publickey": "public-key"}
"""Headers of a signed record, by the extension attribute that carries each: names of attributes have no dashes."""

_PREFIX: Final = "ce-"
_NAME: Final = re.compile(r"[a-z0-9]{1,64}")
_ALIASES: Final = {header: name for name, header in PROOF.items()} | {"traceparent": "traceparent"}
"""Headers beside `ce-…` that are taken for attributes: those of a signed record on Kafka, W3C trace context."""


@dataclass(frozen=True, slots=True)
class Received:
    """One event as it came.

    Args:
        attributes: By name without prefix, `datacontenttype` left out.
        content_type: Of the value, as it was given.
        value: The payload's bytes, as they were given.
    """

    attributes: Mapping[str, str]
    content_type: str
    value: bytes


def read_request(
    headers: Iterable[tuple[bytes, bytes]], body: bytes, most: int
) -> tuple[list[Received | Reject], bool]:
    """Read the events of a request.

    Args:
        headers: Names in lower case and values, as ASGI has them.
        body: Whole.
        most: Events that a batch may hold, >= 1.

    Returns:
        Each event, or why it cannot be read, in their order; and whether it was a batch.

    Raises:
        Reject: `content_type_unknown`, `batch_invalid`, `batch_too_large`: there is nothing to be read.
    """
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    content_type = next((value for name, value in pairs if name == "content-type"), DEFAULT_CONTENT_TYPE)
    media_type = media_type_of(content_type)
    if media_type == BATCH:
        return [_structured(element) for element in _elements(body, most)], True
    if media_type == STRUCTURED:
        return [_structured(body)], False
    if not media_type or media_type.startswith("application/cloudevents"):
        known = f"{STRUCTURED}, {BATCH}, or that of the payload with ce-… headers"
        raise Reject("content_type_unknown", f"{content_type[:100]!r} is not taken here: {known}")
    return [_binary(pairs, content_type, body)], False


def _elements(body: bytes, most: int) -> list[bytes]:
    try:
        elements = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Reject("batch_invalid", f"a batch is a JSON array of CloudEvents: {error}") from None
    if len(elements) > most:
        raise Reject("batch_too_large", f"{len(elements)} events, a batch has at most {most} here: send several")
    return [bytes(element) for element in elements]


def _structured(body: bytes) -> Received | Reject:
    try:
        attributes, value = read_structured(body, STRUCTURED)
        content_type = attributes.pop("datacontenttype", DEFAULT_CONTENT_TYPE)
        for name in attributes:
            _check_name(name)
    except Reject as reject:
        return reject
    return Received(attributes, content_type, value)


def _binary(pairs: Sequence[tuple[str, str]], content_type: str, body: bytes) -> Received | Reject:
    attributes: dict[str, str] = {}
    own = [(name.removeprefix(_PREFIX), text) for name, text in pairs if name.startswith(_PREFIX)]
    beside = [(_ALIASES[name], text) for name, text in pairs if name in _ALIASES]
    try:
        for name, raw in (*own, *beside):
            _check_name(name)
            text = _text(name, raw)
            if attributes.setdefault(name, text) != text and name != "traceparent":  # a hop's trace gives way
                raise Reject("header_invalid", f"the attribute {name} is given twice, as different texts")
        if "datacontenttype" in attributes:
            raise Reject("header_invalid", "in binary mode Content-Type is the attribute datacontenttype: leave it out")
        if not attributes.keys() - {"traceparent"}:
            raise Reject(
                "header_missing", f"neither ce-… headers (binary mode) nor Content-Type {STRUCTURED} or {BATCH}"
            )
    except Reject as reject:
        return reject
    return Received(attributes, content_type, body)


def _check_name(attribute: str) -> None:
    if not _NAME.fullmatch(attribute):
        raise Reject(
            "header_invalid", f"{attribute[:100]!r} is no attribute: lower-case letters and digits, at most 64"
        )


def _text(name: str, value: str) -> str:
    """Undo the encoding of a header value. Source: HTTP protocol binding 1.0.2, 3.1.3.2."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    try:
        return unquote_to_bytes(value.encode("latin-1")).decode() if "%" in value or not value.isascii() else value
    except UnicodeDecodeError:
        raise Reject("header_invalid", f"the attribute {name} is not UTF-8, percent-encoded") from None
