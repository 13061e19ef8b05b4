"""Which records a command looks at."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from homeostat.cli.records import attributes
from homeostat.codec import Record
from homeostat.events import short


@dataclass(frozen=True, slots=True)
class Selection:
    """Filters; empty ones let everything pass.

    Args:
        types: Short or full types, `*` allowed.
        subject: Key, `*` allowed; a scope alone means everything in it.
        story: Identity of the story, or a unique ending of it.
    """

    types: tuple[str, ...] = ()
    subject: str = ""
    story: str = ""

    @property
    def is_open(self) -> bool:
        """Whether everything passes."""
        return not (self.types or self.subject or self.story)

    def takes(self, record: Record) -> bool:
        """Whether a record passes; reads headers only."""
        if self.is_open:
            return True
        found = attributes(record)
        if self.types and not any(
            fnmatchcase(found.type, pattern) or fnmatchcase(short(found.type), pattern) for pattern in self.types
        ):
            return False
        if self.subject and not (
            fnmatchcase(found.subject, self.subject) or found.subject.startswith(f"{self.subject}/")
        ):
            return False
        return found.story.endswith(self.story)


def order(record: Record) -> tuple[int, str, int, int]:
    """Order of records of several logs for a reader: by broker time."""
    return (record.timestamp, record.topic, record.partition, record.offset)


def newest(records: Iterable[Record], limit: int) -> Iterator[Record]:
    """Yield the newest `limit` records, oldest first."""
    yield from reversed(heapq.nlargest(limit, records, key=order))
