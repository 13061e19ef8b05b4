"""Snappy's block format, which remote write is compressed with.

Source: https://github.com/google/snappy/blob/main/format_description.txt
"""

from typing import Final

from homeostat.adapters.errors import UnreadablePayload
from homeostat.adapters.wire import varint

_MOST_BYTES: Final = 64 * 2**20
"""Decompressed: a sender cuts its requests far below."""

_LONG_LITERAL: Final = 60


def decompress(block: bytes) -> bytes:
    """Return what a block holds.

    Raises:
        UnreadablePayload: It is no block of this format, or holds more than 64 MiB.
    """
    length, at = varint(block, 0, "snappy")
    if length > _MOST_BYTES:
        raise UnreadablePayload("snappy", f"would hold {length} bytes; at most {_MOST_BYTES} are taken")
    found = bytearray()
    while at < len(block) and len(found) <= length:
        tag, at = block[at], at + 1
        if tag & 3 == 0:
            size = tag >> 2
            if size >= _LONG_LITERAL:
                n = size - _LONG_LITERAL + 1
                size, at = int.from_bytes(block[at : at + n], "little"), at + n
            found += block[at : at + size + 1]
            at += size + 1
            continue
        n = (1, 2, 4)[(tag & 3) - 1]
        offset, at = int.from_bytes(block[at : at + n], "little"), at + n
        size = (tag >> 2) + 1
        if n == 1:
            size, offset = (tag >> 2 & 7) + 4, offset | (tag >> 5) << 8
        if not 0 < offset <= len(found):
            raise _not_snappy(at)
        for _ in range(size):
            found.append(found[-offset])
    if len(found) != length:
        raise _not_snappy(at)
    return bytes(found)


def _not_snappy(at: int) -> UnreadablePayload:
    return UnreadablePayload("snappy", f"is no block of snappy's block format at byte {at}, nor JSON")
