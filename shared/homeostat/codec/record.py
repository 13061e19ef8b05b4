"""A record as a log holds it, and one on its way there."""

from dataclasses import dataclass
from itertools import chain

Header = tuple[str, bytes]
Headers = list[Header]
"""In order. At a door a value may be None: whoever decodes one there looks."""


@dataclass(slots=True)  # not frozen: that takes three times as long to make, twice for every event
class Record:
    """What was read; nobody changes it.

    Args:
        topic: Name of the log.
        topic_id: Its incarnation.
        partition: >= 0.
        offset: >= 0.
        timestamp: Broker time, ms.
        key: Verbatim; None if absent.
        value: Verbatim; None if absent.
        headers: Verbatim, in order.
    """

    topic: str
    topic_id: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(slots=True)  # as above
class Output:
    """What is to be written, down to the partition; nobody changes it. What is put back has no key if it had none."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: Headers

    @property
    def size(self) -> int:
        """Bytes of key, value and headers."""
        return size_of(self.key, self.value, self.headers)


def size_of(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    """Bytes of key, value and headers of a record, read or to be written.

    Args:
        key: Of the record.
        value: Of the record.
        headers: Of the record; values may be None.
    """
    n = (len(key) if key else 0) + (len(value) if value else 0)
    try:
        return n + sum(map(len, chain.from_iterable(headers)))  # a loop takes twice as long, for every record
    except TypeError:  # a value is None
        return n + sum([len(name) + len(text or b"") for name, text in headers])
