"""Which records a command looks at."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from homeostat.codec import Record
from homeostat.core import Reject
from homeostat.core.identity import scope_of
from homeostat.events import short
from homeostat_tools.cli.rendering import PREFIX, Attributes, attributes, event_of


@dataclass(frozen=True, slots=True)
class Selection:
    """Filters; empty ones let everything pass.

    Args:
        types: Short or full types, with or without their version, `*` allowed.
        subject: Key, `*` allowed; a scope alone means everything in it. A model (`scope/model`) means what is about
            it, too: drifts, proposals and verdicts lie under the keys of its family and scope.
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
        """Whether a record passes; reads headers only, and payloads where the key alone does not say it."""
        if self.is_open:
            return True
        found = attributes(record)
        if self.types and not self.is_of(found.type):
            return False
        if not found.story.endswith(self.story):
            return False
        return self._is_named(found.subject) or self._is_about(record, found)

    def is_of(self, type_: str) -> bool:
        """Whether a full type is one of those asked for."""
        names = (type_, type_.removeprefix(PREFIX), short(type_))
        return any(fnmatchcase(name, pattern) for name in names for pattern in self.types)

    def _is_named(self, name: str) -> bool:
        return not self.subject or fnmatchcase(name, self.subject) or name.startswith(f"{self.subject}/")

    def _is_about(self, record: Record, found: Attributes) -> bool:
        """Whether the payload is about the model that was asked for."""
        scope, _, model = self.subject.partition("/")
        is_near = found.subject == "*" or fnmatchcase(scope_of(found.subject), scope)
        if not model or not is_near or not _may_name(record, self.subject):
            return False
        try:
            data = event_of(record).data
        except Reject:
            return False
        named = (getattr(data, "model", None), getattr(data, "scope", None))
        return any(isinstance(name, str) and "/" in name and fnmatchcase(name, self.subject) for name in named)


def _may_name(record: Record, subject: str) -> bool:
    """Whether it is worth decoding: the name stands in the value, unless it is a pattern."""
    is_pattern = any(sign in subject for sign in "*?[")
    return is_pattern or subject.encode() in (record.value or b"")


def order(record: Record) -> tuple[int, str, int, int]:
    """Order of records of several logs for a reader: by broker time."""
    return (record.timestamp, record.topic, record.partition, record.offset)


def newest(records: Iterable[Record], limit: int) -> Iterator[Record]:
    """Yield the newest `limit` records, oldest first."""
    yield from reversed(heapq.nlargest(limit, records, key=order))
