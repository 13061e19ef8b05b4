"""One event of the past."""

import hashlib
from dataclasses import dataclass
from typing import Final

from homeostat.codec import encode_payload
from homeostat.core import Payload

_ID_BYTES: Final = 16
"""Of the digest: two of 2**40 events have the same one with a chance of 2**-48."""


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """What happened, as it would have come to a door.

    Args:
        time: When the last of it was known, ms since the epoch; a reader's events never go back in it.
        subject: `scope/model` or `scope/family`: the key.
        data: Payload of an ingress type, without a provenance.
    """

    time: int
    subject: str
    data: Payload

    @property
    def id(self) -> str:
        """`ce_id`: a digest of subject, type and payload, so that reading the same again gives the same ids."""
        value, _ = encode_payload(self.data)
        head = f"{self.subject}\n{self.data.TYPE}\n".encode()
        return f"history-{hashlib.sha256(head + value).digest()[:_ID_BYTES].hex()}"
