"""The error of what cannot be read."""

from typing import Final

from homeostat.core import Reject

_QUOTED: Final = 80
"""Characters of a wrong value that a message quotes."""


class UnreadablePayload(Reject):
    """A payload, or a row, that has not the form its format promises; nothing of it was taken.

    Args:
        field: Where, as a path: `data.result[0].values`, `label_time`.
        detail: What is wrong there and what would be right.
    """

    def __init__(self, field: str, detail: str) -> None:
        super().__init__("payload_unreadable", f"{field}: {detail}")
        self.field = field


def quoted(value: object) -> str:
    """Write a wrong value for a message, shortened."""
    text = repr(value)
    return text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…"
