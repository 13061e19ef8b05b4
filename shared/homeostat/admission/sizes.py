"""How large a record may be, so that what intake writes of it fits into a log."""

from typing import Final

from homeostat.core import Reject
from homeostat.events.logs import MAX_RECORD_BYTES

_FIELDS_BYTES: Final = 1_000
"""Names and lengths of what intake adds: provenance, the identity of its own output, the cause."""


def check_size(value_bytes: int, header_bytes: int, *, is_signed: bool = False) -> None:
    """Check that an event, with what intake adds to it, is no larger than a record may be.

    Intake copies source, id and scope into the payload and the cause into the headers, and of a signed event all that
    was signed, in Base64.

    Args:
        value_bytes: Of the record as it is sent.
        header_bytes: Of names and values of its headers, and of its key.
        is_signed: It has a signature.

    Raises:
        Reject: `output_too_large`.
    """
    grown = value_bytes + 4 * header_bytes + _FIELDS_BYTES
    if is_signed:
        grown += 4 * (value_bytes + header_bytes) // 3
    if grown > MAX_RECORD_BYTES:
        raise Reject(
            "output_too_large",
            f"the event takes up to {grown} bytes with what intake adds, a record has at most {MAX_RECORD_BYTES}: "
            "publish it in parts, or put its arrays into the artifact store",
        )
