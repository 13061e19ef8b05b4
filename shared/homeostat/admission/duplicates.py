"""Fields that an object in a JSON text has twice: one reader takes the first, another the last."""

import json
from typing import Any

from homeostat.core import Event, Reject


def has_twice(text: bytes) -> bool:
    """Whether an object in a JSON text has two fields of one name.

    Raises:
        ValueError: It is no JSON.
        RecursionError: It is too deep.
    """
    is_twice = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal is_twice
        is_twice |= len({name for name, _ in pairs}) < len(pairs)

    json.loads(text, object_pairs_hook=look)
    return is_twice


def check_said_once(event: Event) -> None:
    """See that what is said to be signed says each thing once: it is kept as it was signed, for readers of all kinds.

    Raises:
        Reject: `payload_invalid`.
    """
    if event.signature is None or event.content.lstrip()[:1] != b"{":
        return  # columns are not kept as they were signed
    try:
        is_twice = has_twice(event.content)
    except (ValueError, RecursionError):
        is_twice = True  # another reader than ours does not see the same
    if is_twice:
        raise Reject("payload_invalid", "a field of what is signed is there twice: a reader may take either")
