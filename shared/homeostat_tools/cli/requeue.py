"""A refused record as it was, on its way back."""

from base64 import b64decode
from collections.abc import Callable
from typing import Any

from homeostat.codec import Headers, Output
from homeostat.codec.encode import partition_of
from homeostat.events import EventRefused

ATTEMPTS = "homeostat-attempts"


def original(data: EventRefused, n_partitions: Callable[[str], int]) -> Output:
    """Return the refused record: key, value and headers verbatim, null where they were, and the number of the attempt.

    Args:
        data: The refusal; one that was cut gives what is left of the record.
        n_partitions: Number of partitions of a log.
    """
    key = _bytes(data.key)
    headers: Headers = [(name, _bytes(value)) for name, value in data.headers if name != ATTEMPTS]
    headers.append((ATTEMPTS, str(data.attempts + 1).encode()))
    return Output(data.log, partition_of(key or b"", n_partitions(data.log)), key, _bytes(data.value), headers)


def _bytes(encoded: str | None) -> Any:
    """Bytes as they were, or None: a stranger's key, value or header may have been null."""
    return None if encoded is None else b64decode(encoded)
