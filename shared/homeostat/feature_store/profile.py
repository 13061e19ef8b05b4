"""A profile as it lies in a log, verbatim, with what orders it among those of its model."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

from pydantic import ValidationError

from homeostat.codec import Output, Record
from homeostat.core import Identity
from homeostat.core.identity import identity
from homeostat.events import ProfileUpdated

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TYPE: Final = ProfileUpdated.TYPE.encode()


@dataclass(frozen=True)
class Profile:
    """A `profile.updated`.

    Args:
        event: Its identity.
        observed_ms: `ce_time`: broker time of the rows that led to it.
        sequence: `ce_sequence`: position of those rows on the timeline.
        content: The event's value, verbatim.
        data: The same, decoded.
    """

    event: Identity
    observed_ms: int
    sequence: str
    content: bytes
    data: ProfileUpdated

    @cached_property
    def order(self) -> str:
        """Digits that grow with each profile of a model, and compare as text.

        All of them come from one partition of the timeline, whatever becomes of the model's family, so their
        positions order them; time comes first, for a topic that was made anew begins again at offset 0.
        """
        return f"{self.observed_ms:016d}{self.sequence.replace('.', '')}"


def profile_of(record: Record | Output) -> Profile | None:
    """Read a record of the experience log; None if it is no profile, or not one that our folds have written."""
    headers = dict(record.headers)
    if headers.get("ce_type") != _TYPE:
        return None
    try:
        return Profile(
            event=identity(headers["ce_source"].decode(), headers["ce_id"].decode()),
            observed_ms=(datetime.fromisoformat(headers["ce_time"].decode()) - _EPOCH) // timedelta(milliseconds=1),
            sequence=headers["ce_sequence"].decode(),
            content=record.value or b"",
            data=ProfileUpdated.model_validate_json(record.value or b""),
        )
    except (KeyError, ValueError, TypeError, ValidationError):
        return None
