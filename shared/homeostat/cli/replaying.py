"""A refused record as it was, on its way back."""

from base64 import b64decode
from collections.abc import Callable

from homeostat.codec import Output
from homeostat.codec.encode import partition_of
from homeostat.events import EventRefused

ATTEMPTS = "homeostat-attempts"


def original(data: EventRefused, places: Callable[[str], int]) -> Output:
    """Return the refused record: key, value and headers verbatim, and the number of the attempt.

    Args:
        data: The refusal.
        places: Number of partitions of a log.
    """
    key = b64decode(data.key)
    headers = [(name, b64decode(value)) for name, value in data.headers if name != ATTEMPTS]
    headers.append((ATTEMPTS, str(data.attempts + 1).encode()))
    return Output(data.log, partition_of(key, places(data.log)), key, b64decode(data.value), headers)
