"""What was signed, read again: the event that a signature covers, and whether what lies in a log is that event."""

from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from homeostat.audit.signing import read_signed
from homeostat.codec import encode_payload
from homeostat.events import MODELS, Data


@dataclass(frozen=True, slots=True)
class Said:
    """An event as it was signed.

    Args:
        type: CloudEvents type.
        subject: Key of the record.
        source: `ce_source`.
        id: `ce_id`.
        data: Payload.
    """

    type: str
    subject: str
    source: str
    id: str
    data: Any

    def is_payload_of(self, data: Data) -> bool:
        """Whether a payload is what was signed; intake writes into it where it came from, and of which model it is."""
        said = self.data
        if getattr(said, "model", "") is None and getattr(data, "model", None) == self.subject:
            said = said.model_copy(update={"model": self.subject})
        own = data.model_copy(update={"provenance": None})
        return self.type == data.TYPE and encode_payload(said) == encode_payload(own)


def said_in(signed: str) -> Said:
    """Read what was signed.

    Args:
        signed: Base64 of the bytes, as provenance has them.

    Raises:
        ValueError: It cannot be read.
    """
    type_, subject, source, id_, content = read_signed(b64decode(signed))
    if type_ not in MODELS:
        raise ValueError(f"no event type {type_[:200]!r}")
    return Said(type_, subject, source, id_, MODELS[type_].model_validate_json(content))
