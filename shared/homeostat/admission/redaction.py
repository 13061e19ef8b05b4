"""What of a refused record may be kept: its personal fields as salted digests, all else as it was.

Personal are the fields that the model's contract names, in whatever form the record came, and pieces of any text that
have the form of personal data. What cannot be read is kept whole if it mentions none of that, and else not at all.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from homeostat.admission.duplicates import has_twice
from homeostat.admission.personal import Of, holds, redacted, rows_of
from homeostat.admission.salt import Salt

_MOST_FIELDS: Final = 100
"""Fields that are listed; those beyond are redacted too."""

_PATH_LENGTH: Final = 200
_MISSING: Final = b"\x00\x00\xc0\x7f"
"""NaN, float32."""

_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_COMPRESSED: Final = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x04\x22\x4d\x18")
"""Beginnings of gzip, zstd, zip, bzip2, xz, lz4: nobody sees what is in them."""

_PROOFS: Final = ("signature", "key-id", "public-key", "traceparent")
"""Headers of digits and letters that say nothing of anybody."""

_PROOF: Final = re.compile(rb"[A-Za-z0-9+/=\-]*")
"""A signature, the id of a key, a trace: what is otherwise is somebody's text."""

_LEAST_CARD: Final = 10**12
"""Numbers below it have the form of nothing."""

Headers = list[tuple[str, bytes]]
"""At a door a value may be None."""


@dataclass(slots=True)
class Kept:
    """A record as it may be kept.

    Args:
        key: None where there was none.
        value: None where there was none, or where nothing of it may be kept.
        headers: Name and value.
        fields: Salted digest of each field that was redacted, by its path.
    """

    key: bytes | None
    value: bytes | None
    headers: Headers
    fields: dict[str, str] = field(default_factory=dict)


def _is_clean(key: bytes | None, headers: Headers) -> bool:
    """Whether no name, key or header holds personal data, looked at all at once: most do not, and a flood of them is
    refused. What is a text of people finds whatever a name or an id does.
    """
    parts = [key or b""]
    for name, raw in headers:
        parts.append(name.encode("utf-8", "surrogatepass"))
        if raw and not (name in _PROOFS and _PROOF.fullmatch(raw)):
            parts.append(raw)
    return holds(b"\n".join(parts).decode(errors="replace")) is None


class Redaction:
    """Redacts records of one scope.

    Args:
        scope: For the digests.
        names: Fields that are personal by contract.
        salt: Of the digests.
    """

    def __init__(self, scope: str, names: Iterable[str], salt: Salt) -> None:
        self._scope, self._salt = scope, salt
        self._names = frozenset(name.casefold() for name in names)
        self._fields: dict[str, str] = {}
        self._n = 0

    def record(self, key: bytes | None, value: bytes | None, headers: Headers) -> Kept:
        """Redact a record; never fails.

        Args:
            key: Of the record.
            value: Of the record, in any form.
            headers: Of the record.
        """
        self._fields, self._n = {}, 0
        if not self._names and _is_clean(key, headers):
            return Kept(key, self._value(value), list(headers), self._fields)
        kept = [(self._string(name, "the name of a header"), self._header(name, raw)) for name, raw in headers]
        return Kept(self._raw_text("key", key, "name"), self._value(value), kept, self._fields)

    def text(self, text: str) -> str:
        """Redact a sentence, for example the reason of a refusal."""
        return redacted(text, self._digest)[0]

    def _digest(self, value: str | bytes) -> str:
        return self._salt.digest(self._scope, value)

    def _note(self, path: str, value: str | bytes) -> str:
        digest = self._digest(value)
        self._n += 1
        if len(self._fields) < _MOST_FIELDS:
            self._fields[self.text(path[:_PATH_LENGTH])] = digest  # names may be personal too
        return digest

    def _header(self, name: str, raw: bytes) -> bytes:
        if not raw or (name in _PROOFS and _PROOF.fullmatch(raw)):
            return raw
        of: Of = "id" if name in ("ce_id", "ce_source", "ce_correlationid", "ce_causationid") else "text"
        return self._raw_text(f"header {name}", raw, of) or b""

    def _raw_text(self, path: str, raw: bytes | None, of: Of) -> bytes | None:
        text = (raw or b"").decode(errors="replace")
        if holds(text, of) is None:
            return raw
        self._note(path, raw or b"")
        return redacted(text, self._digest, of)[0].encode()

    def _value(self, value: bytes | None) -> bytes | None:
        if not value:
            return value
        before = self._n
        try:
            if value.lstrip(b" \t\r\n\xef\xbb\xbf")[:1] in (b"{", b"["):
                return self._json(value) if b"data_base64" in value or self._may_hold(value) else value
            if value[0] & 0xF0 == 0x80 or value[0] in (0xDE, 0xDF):  # a map of msgpack: columns
                return self._msgpack(value)
        except (msgspec.MsgspecError, UnicodeError, ValueError, TypeError, RecursionError, ArithmeticError):
            pass
        if self._n == before and not self._may_hold(value):
            return value
        self._note("value", value)
        return None

    def _may_hold(self, value: bytes) -> bool:
        """Whether bytes mention anything personal, as they stand, escaped, or in two bytes a character."""
        if self._names and value.startswith(_COMPRESSED):
            return True
        text = value.decode(errors="replace")
        if "\\u" in text:
            text += "\n" + _ESCAPED.sub(lambda match: chr(int(match.group(1), 16)), text)
        if "\0" in text:
            text += "\n" + text.replace("\0", "")
        lower = text.casefold()
        return any(name in lower for name in self._names) or holds(text) is not None

    def _json(self, value: bytes) -> bytes:
        before = self._n
        text = value.lstrip(b"\xef\xbb\xbf")
        content = self._walk(msgspec.json.decode(text), "")
        if self._n == before and has_twice(text):  # of two fields with one name the decoder has seen the last
            self._note("value", value)
        return value if self._n == before else msgspec.json.encode(content)

    def _msgpack(self, value: bytes) -> bytes:
        before = self._n
        content = msgspec.msgpack.decode(value)
        is_whole = len(msgspec.msgpack.encode(content)) == len(value)
        self._columns(content)
        content = self._walk(content, "")
        if self._n == before and not is_whole and self._may_hold(value):
            self._note("value", value)
        return value if self._n == before else msgspec.msgpack.encode(content)

    def _columns(self, content: Any) -> None:
        """Put NaN into the personal columns of `Samples`, all of them if they cannot be told apart."""
        features, values, request = (content.get(name) for name in ("features", "values", "request"))
        if not isinstance(features, list) or not isinstance(values, bytes):
            return
        personal = [i for i, name in enumerate(features) if self._is_personal(name)]
        n_bytes = 4 * len(request) if isinstance(request, list) else 0
        if personal and len(values) != n_bytes * len(features):
            self._note("values", values)
            content["values"] = b""
            return
        columns = bytearray(values)
        for i in personal:
            start, end = i * n_bytes, (i + 1) * n_bytes
            self._note(f"features.{features[i]}", values[start:end])
            columns[start:end] = _MISSING * (n_bytes // 4)
        content["values"] = bytes(columns)

    def _is_personal(self, name: object) -> bool:
        return isinstance(name, str) and name.strip().casefold() in self._names

    def _walk(self, value: Any, path: str) -> Any:
        if isinstance(value, str):
            return self._string(value, path)
        if isinstance(value, dict):
            return dict(self._item(key, item, path) for key, item in value.items())
        if isinstance(value, list):
            return self._list(value, path)
        if isinstance(value, int) and value >= _LEAST_CARD and holds(str(value)):
            return self._string(str(value), path)
        return value

    def _item(self, key: Any, value: Any, path: str) -> tuple[Any, Any]:
        below = f"{path}.{key}".lstrip(".")
        if self._is_personal(key):
            return key, self._note(below, msgspec.json.encode(value))
        if key == "data_base64" and isinstance(value, str):
            inner = self._value(b64decode(value))
            return key, value if inner is not None and b64encode(inner).decode() == value else _base64(inner)
        return self._string(key, f"{path}: a name".lstrip(": ")) if isinstance(key, str) else key, self._walk(
            value, below
        )

    def _list(self, values: list[Any], path: str) -> list[Any]:
        if path.endswith("request") and all(isinstance(value, str) for value in values):
            for row in rows_of(values):
                values[row] = self._string(values[row], f"{path}[{row}]", "id")
            return values
        return [self._walk(value, path) if isinstance(value, str | dict | list | int) else value for value in values]

    def _string(self, text: str, path: str, of: Of = "text") -> str:
        if text[:1] in ("{", "[") and (self._names or holds(text)):  # JSON inside a text, a slip of many clients
            inner = self._value(text.encode("utf-8", "surrogatepass"))
            return "" if inner is None else inner.decode()
        if holds(text, of) is None:
            return text
        self._note(path or "value", text)
        return redacted(text, self._digest, of)[0]


def _base64(raw: bytes | None) -> str:
    return "" if raw is None else b64encode(raw).decode()
