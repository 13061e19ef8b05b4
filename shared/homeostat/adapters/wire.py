"""The wire format of protocol buffers, as far as reading a message by field numbers goes.

Source: https://protobuf.dev/programming-guides/encoding
"""

import struct
from collections.abc import Iterator
from typing import Final

from homeostat.adapters.errors import UnreadablePayload

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT: Final = 10


def varint(body: bytes, at: int, what: str) -> tuple[int, int]:
    """Read a variable-length integer.

    Args:
        body: Bytes.
        at: Where it begins.
        what: For the message.

    Returns:
        It, and where it ends.

    Raises:
        UnreadablePayload: The bytes end before it does, or it is too long.
    """
    value = 0
    for n in range(_LONGEST_VARINT):
        if at + n >= len(body):
            raise UnreadablePayload(what, f"ends at byte {at + n}, within a number")
        value |= (body[at + n] & 0x7F) << 7 * n
        if body[at + n] < 0x80:
            return value, at + n + 1
    raise UnreadablePayload(what, f"has no number at byte {at}")


class Wire:
    """One message; of a field that comes twice the last one counts.

    Args:
        body: Its bytes.
        what: Its type, for errors.

    Raises:
        UnreadablePayload: It is no message.
    """

    def __init__(self, body: bytes, what: str) -> None:
        self._what = what
        self._fields: dict[int, list[int | bytes]] = {}
        at = 0
        while at < len(body):
            key, at = varint(body, at, what)
            number, kind = key >> 3, key & 7
            if kind == _VARINT:
                value, at = varint(body, at, what)
                self._fields.setdefault(number, []).append(value)
                continue
            if kind == _BYTES:
                length, at = varint(body, at, what)
            elif kind in (_FIXED64, _FIXED32):
                length = 8 if kind == _FIXED64 else 4
            else:
                raise UnreadablePayload(what, f"has no field of a known kind at byte {at}: is it protobuf?")
            if at + length > len(body):
                raise UnreadablePayload(what, f"ends at byte {len(body)}, within field {number}")
            self._fields.setdefault(number, []).append(body[at : at + length])
            at += length

    def messages(self, number: int) -> Iterator["Wire"]:
        """Yield the messages of a repeated field."""
        for value in self._fields.get(number, []):
            yield Wire(self._bytes(value, number), f"{self._what}.{number}")

    def text(self, number: int) -> str:
        """Return a text; empty if there is none.

        Raises:
            UnreadablePayload: It is no UTF-8.
        """
        try:
            return self._bytes(self._fields.get(number, [b""])[-1], number).decode()
        except UnicodeDecodeError:
            raise UnreadablePayload(f"{self._what}.{number}", "is no UTF-8") from None

    def double(self, number: int) -> float:
        """Return a double; 0 if there is none.

        Raises:
            UnreadablePayload: The field is of another kind.
        """
        value = self._bytes(self._fields.get(number, [b"\0" * 8])[-1], number)
        if len(value) != struct.calcsize("<d"):
            raise UnreadablePayload(f"{self._what}.{number}", "is no double")
        return float(struct.unpack("<d", value)[0])

    def signed(self, number: int) -> int:
        """Return an int64; 0 if there is none.

        Raises:
            UnreadablePayload: The field is of another kind.
        """
        value = self._fields.get(number, [0])[-1]
        if isinstance(value, bytes):
            raise UnreadablePayload(f"{self._what}.{number}", "is no integer")
        return value - 2**64 if value >= 2**63 else value

    def _bytes(self, value: int | bytes, number: int) -> bytes:
        if isinstance(value, int):
            raise UnreadablePayload(f"{self._what}.{number}", "is an integer, where a text or a message should be")
        return value
