"""Which events of an internal log were folded before, by the sequences of their sources; and which cannot be true.

In a partition of a log the events of one source come in order and without gaps, and a writer that wakes or starts again
repeats a stretch of them. So the first time that a sequence shows, all lower ones have shown. A sequence that is new
and below one that was taken proves that the higher one was not its source's: it is disowned and said, and the source
goes on. What is decided follows from the log alone, so that every host and every replay decides the same.

Of each source the last few are remembered; what is below them was seen, unless it was made later than they were.
"""

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from homeostat.codec import Record
from homeostat.codec.encode import rfc3339
from homeostat.core import HomeostatError, Reject
from homeostat.core.identity import sequence
from homeostat.core.snapshot import Seen, SeenSource
from homeostat.events.logs import DOORS, LOGS

_POSITION: Final = re.compile(r"/homeostat/[^/]+/(homeostat\.[^/]+)/[^/]+/([0-9]{1,6})")
_TIME: Final = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_OFFSET_DIGITS: Final = 16
_ORDINAL_DIGITS: Final = range(4, 10)
_LAST_OFFSET: Final = 10**15
"""A million records a second for thirty years: no partition comes to it."""

_REMEMBERED: Final = 4
"""Sequences of a source; so many false ones between two true ones are found at once, more within the hour below."""

_AHEAD_MS: Final = 3_600_000
"""How far the clock of the broker that an event was made by may be ahead of the one that took it: as far as Kafka lets
a producer's (`message.timestamp.after.max.ms`)."""

_MANY: Final = 500
"""Sources; of more, one event each is remembered: the marker that they are stored in is one record."""

_ROOM: Final = 850_000
_SOURCE_BYTES: Final = 80
"""Of a source in that record, besides its name, when there are many."""

_KNOWN: Final = frozenset(log.name for log in LOGS)
_TENANTS: Final = tuple(f"{door}." for door in DOORS)


@dataclass(frozen=True, slots=True)
class Disowned:
    """An event that was folded, and was not its source's.

    Args:
        source: That it named.
        seen: It.
        after: Text of the sequence with which the source went on.
    """

    source: str
    seen: Seen
    after: str


class Watermarks:
    """The last sequences of each source.

    Args:
        sources: By name.
        highest: Highest sequence by source, as earlier versions stored it.
    """

    def __init__(self, sources: dict[str, SeenSource] | None = None, highest: dict[str, str] | None = None) -> None:
        self.sources = dict(sources or {})
        for source, text in (highest or {}).items():
            offset, _, ordinal = text.partition(".")
            if offset.isdecimal() and ordinal.isdecimal():
                self.sources[source] = SeenSource((int(offset), int(ordinal), "", -1))
        self._room = _ROOM - sum(_SOURCE_BYTES + len(source.encode()) for source in self.sources)
        self._disowned: Disowned | None = None
        self._positions: dict[bytes | None, str] = {}
        self._second, self._latest = -2, ""

    def take_disowned(self) -> Disowned | None:
        """What the last event has disproved; each is given once."""
        disowned, self._disowned = self._disowned, None
        return disowned

    def is_repeated(
        self,
        record: Record,
        now: int,
        n_partitions: Callable[[str], int],
        headers: dict[str, bytes] | None = None,
    ) -> bool:
        """Whether an event was folded before; if not, it counts as folded from now on. One without sequence was not.

        Args:
            record: As read.
            now: Broker time, ms.
            n_partitions: Number of partitions of a log.
            headers: Of the record by name, where they are known; not modified.

        Raises:
            Reject: `sequence_invalid`: no fold has emitted it; nothing is remembered of it.
        """
        if headers is None:
            headers = dict(record.headers)
        if "ce_sequence" not in headers:
            return False
        order = _order_of(headers["ce_sequence"])
        name = headers.get("ce_source")
        source = self._positions.get(name)  # a position that was looked at before
        if source is None:
            source = _source_of(name)
            position = _POSITION.fullmatch(source)
            if position is None:
                return self._is_seen(source, (*order, "", record.offset))
            _check_place(position[1], int(position[2]), n_partitions)
        made = _checked_time(headers, order)
        if now // 1000 != self._second:
            self._second = now // 1000
            self._latest = rfc3339(max(0, 1000 * self._second) + _AHEAD_MS)
        is_seen = self._is_seen(source, (*order, made if made < self._latest else self._latest, record.offset))
        self._positions[name] = source  # they are as many as the sources
        return is_seen

    def _is_seen(self, source: str, new: Seen) -> bool:
        known = self.sources.get(source)
        if known is None:
            self._room -= _SOURCE_BYTES + len(source.encode())
            if self._room < 0:
                self._room += _SOURCE_BYTES + len(source.encode())
                raise _invalid(f"the events of {len(self.sources)} sources are remembered, which is all that can be")
            self.sources[source] = SeenSource((-1, 0, "", -1), [new])
            return False
        if known.recent and known.recent[-1] < new and known.recent[-1][:2] != new[:2]:  # as nearly always
            known.recent.append(new)
            self._forget(known)
            return False
        return self._is_repeat_of(source, known, new)

    def _is_repeat_of(self, source: str, known: SeenSource, new: Seen) -> bool:
        order, recent = new[:2], known.recent
        if order <= known.floor[:2]:
            if not known.floor[2] or new[2] <= known.floor[2]:
                return True
            self._disown(source, known.floor, order)  # numbered below it, made after it
            self.sources[source] = SeenSource(new)
            return False
        place = bisect_left(recent, order, key=_order)
        if place < len(recent):
            if recent[place][:2] == order:
                return True
            if recent[place][:2] not in known.told:
                known.told.append(recent[place][:2])
                self._disown(source, recent[place], order)
        recent.insert(place, new)
        self._forget(known)
        return False

    def _forget(self, known: SeenSource) -> None:
        """Keep the last events of a source, as many as there is room for."""
        recent, most = known.recent, _REMEMBERED if len(self.sources) <= _MANY else 1
        if len(recent) > most:
            known.floor = recent[-most - 1]
            del recent[:-most]
            if known.told:
                known.told = [told for told in known.told if told > known.floor[:2]]

    def _disown(self, source: str, seen: Seen, order: tuple[int, int]) -> None:
        self._disowned = Disowned(source, seen, sequence(*order))


def _order(seen: Seen) -> tuple[int, int]:
    return seen[:2]


def _order_of(sequence: bytes | None) -> tuple[int, int]:
    digits, _, last = (sequence or b"").partition(b".")
    if not (len(digits) == _OFFSET_DIGITS and len(last) in _ORDINAL_DIGITS and digits.isdigit() and last.isdigit()):
        raise _invalid("ce_sequence is not <offset>.<ordinal>, padded with zeros")
    offset, ordinal = int(digits), int(last)
    if offset > _LAST_OFFSET:
        raise _invalid(f"ce_sequence names offset {offset}, which no log comes to")
    return offset, ordinal


def _source_of(name: bytes | None) -> str:
    try:
        return (name or b"").decode()
    except UnicodeDecodeError:
        raise _invalid("ce_source is not UTF-8") from None


def _check_place(log: str, partition: int, n_partitions: Callable[[str], int]) -> None:
    if not _has(log, partition, n_partitions):
        raise _invalid(f"ce_source names partition {partition} of {log[:100]!r}, which there is not")


def _checked_time(headers: dict[str, bytes], order: tuple[int, int]) -> str:
    """Time of an event of a fold, whose id says the same as its sequence."""
    if headers.get("ce_id") != b"%d.%d" % order:
        raise _invalid(f"ce_id and ce_sequence {sequence(*order)} name different positions")
    made = headers.get("ce_time") or b""
    if not _TIME.fullmatch(made):
        raise _invalid("ce_time is not a time as folds write it")
    return made.decode()


def _has(log: str, partition: int, n_partitions: Callable[[str], int]) -> bool:
    """Whether a log has a partition; of one of ours that is gone every one: what it led to is history."""
    try:
        return partition < n_partitions(log)
    except (HomeostatError, KeyError):
        return log in _KNOWN or log.startswith(_TENANTS)


def _invalid(detail: str) -> Reject:
    return Reject("sequence_invalid", f"{detail}: no fold has emitted this")
