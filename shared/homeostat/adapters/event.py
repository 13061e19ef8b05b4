"""What an adapter makes of a payload."""

import hashlib
from dataclasses import dataclass
from typing import Final

from homeostat.codec import encode_payload
from homeostat.core import Payload
from homeostat.events import Labels, Samples

_ID_BYTES: Final = 16
"""Of the digest: two of 2**40 events have the same one with a chance of 2**-48."""

_TIMED: Final = (Samples, Labels)
"""Payloads that say when their rows were."""


@dataclass(frozen=True, slots=True)
class AdaptedEvent:
    """An event as it may be published at the door of its type.

    Args:
        time: When the last of it was known, ms since the epoch.
        subject: `scope/model` or `scope/family`: the key.
        data: Payload of an ingress type, without a provenance.
    """

    time: int
    subject: str
    data: Payload

    @property
    def id(self) -> str:
        """`ce_id`: a digest of subject, type, time and payload: what is read twice has the same one."""
        value, _ = encode_payload(self.data)
        when = "" if isinstance(self.data, _TIMED) else self.time
        head = f"{self.subject}\n{self.data.TYPE}\n{when}\n".encode()
        return hashlib.sha256(head + value).digest()[:_ID_BYTES].hex()
