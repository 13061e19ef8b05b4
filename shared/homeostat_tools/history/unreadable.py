"""Rows and payloads that could not be read: told, never lost."""

import dataclasses
from collections.abc import Callable
from typing import Any

from homeostat.adapters.errors import UnreadablePayload


@dataclasses.dataclass(frozen=True, slots=True)
class Unreadable:
    """A row, a line or a part of a file that gave no event.

    Args:
        path: File it lies in.
        place: Where in it: `row 17` (the first after the header is 1), `line 3`, `runs[4]`.
        field: Column or path of the value that is wrong.
        reason: What is wrong with it, one sentence.
        content: What lay there, as far as it was read: by column, or text.
    """

    path: str
    place: str
    field: str
    reason: str
    content: dict[str, Any] | str = dataclasses.field(default_factory=dict)


OnUnreadable = Callable[[Unreadable], None]


def raise_unreadable(found: Unreadable) -> None:
    """End at the first one.

    Raises:
        UnreadablePayload: Always.
    """
    raise UnreadablePayload(found.field, f"{found.path}, {found.place}: {found.reason}")
