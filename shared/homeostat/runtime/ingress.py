"""What a host does at a door: nothing that anybody writes there stops it, and nobody's partitioner matters."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, Protocol, runtime_checkable

from homeostat.admission.personal import holds
from homeostat.codec import Output, Record, decode_event
from homeostat.codec.diagnosis import diagnose
from homeostat.codec.encode import partition_of
from homeostat.codec.record import size_of
from homeostat.core import Event, Reject
from homeostat.core.identity import scope_of
from homeostat.events.logs import MAX_INPUT_BYTES
from homeostat.runtime.newcomers import EVERYBODY, SUBJECTS, SUBJECTS_OF_SCOPE
from homeostat.runtime.refusals import RefusalTally

FULL: Final = "subjects_exceeded"
"""Reason: a scope, or the door, has as many subjects as it may have."""

FORWARDED: Final = "homeostat-forwarded"
"""Header of a record that was passed on to its partition: where it came from, `<partition>/<offset>`."""


@runtime_checkable
class Glances(Protocol):
    """A fold of a door that refuses what it can by key and headers alone: a flood of it costs next to nothing."""

    def check_headers(self, record: Record) -> None:
        """Check what concerns no state, wherever the record lies.

        Raises:
            Reject: The record is not decoded.
        """

    def check_known(self, state: Any, record: Record, now: int, *, is_flooded: bool) -> None:
        """Check a record in the partition of its subject; changes nothing.

        Args:
            state: Of the subject; None if there is none.
            record: With a key that can be read.
            now: Broker time, ms.
            is_flooded: Nobody will read why it is refused: the first reason will do.

        Raises:
            Reject: The record is not decoded.
        """


class Ingress:
    """One partition of a door.

    Args:
        log: The door.
        partition: Of it.
        n_partitions: Number of partitions of a log.
    """

    def __init__(self, log: str, partition: int, n_partitions: Callable[[str], int]) -> None:
        self._log, self._partition, self._n_partitions = log, partition, n_partitions
        self.tally = RefusalTally()

    def place_of(self, subject: str) -> int:
        """Partition in which a subject has its state, whatever the producer's partitioner says."""
        return partition_of(subject.encode(), self._n_partitions(self._log))

    def forwarded(self, record: Record, subject: str, place: int) -> Output:
        """The record as it is passed on to the partition of its subject.

        What is passed on again after a crash is a repeated event, which the door drops by its id.

        Args:
            record: As it was read.
            subject: That it is about.
            place: Partition of the subject.
        """
        mark = (FORWARDED, f"{self._partition}/{record.offset}".encode())
        headers = [header for header in record.headers if header[0] != FORWARDED]
        return Output(self._log, place, subject.encode(), record.value, [*headers, mark])

    def check_newcomer(self, record: Record, generation: int, *, is_counted: bool) -> None:
        """Let a subject without a state in only where there is a place.

        Args:
            record: Of this partition, with a key.
            generation: Number of the door's incarnation.
            is_counted: See `Newcomers`.

        Raises:
            Reject: `FULL`.
        """
        scope, n_partitions = scope_of((record.key or b"").decode(errors="replace")), self._n_partitions(self._log)
        place = (generation, record.offset)
        full = self.tally.newcomers.refuses(scope, place, n_partitions, is_counted=is_counted)
        if full:
            whose, most = ("all scopes", SUBJECTS) if full == EVERYBODY else (scope[:100], SUBJECTS_OF_SCOPE)
            raise Reject(
                FULL,
                f"{whose} has its share of {most} subjects in this partition of {self._log}: known ones go on, a new "
                "one finds no place; use another scope, or stop who makes names up",
            )

    @staticmethod
    def source_of(record: Record) -> str:
        """Who a record claims to be from: the seat its refusals are counted on. No decoder is needed to know it."""
        for name, value in record.headers:
            if name == "ce_source" and value:
                return _seat(value[:1000])
        return _seat((record.key or b"").partition(b"/")[0][:1000])


@lru_cache(maxsize=1024)
def _seat(name: bytes) -> str:
    """Who bears an address for a name shares a seat with others: seats are kept with the state."""
    text = name.decode(errors="replace")
    return holds(text, "id") or text


def decode_input(record: Record, *, time: int, emitter: str, is_flooded: bool = False) -> Event:
    """Decode a record of a door, as it is read there or before it is sent.

    Args:
        record: As read.
        time: Broker time, ms.
        emitter: See `decode_event`.
        is_flooded: Nobody will read why it is refused: no cause is looked for.

    Raises:
        Reject: Whatever is wrong with it; the detail names the probable cause.
    """
    if record.value is None:
        raise Reject("tombstone", diagnose(None, None))
    size = size_of(record.key, record.value, record.headers)
    if size > MAX_INPUT_BYTES:
        raise Reject("record_too_large", f"the record has {size} bytes, of {MAX_INPUT_BYTES}: send fewer rows")
    try:
        return decode_event(record, time=time, emitter=emitter, is_door=True)
    except Reject as reject:
        if is_flooded:
            raise
        raise _explained(record, reject) from reject.__cause__


def _explained(record: Record, reject: Reject) -> Reject:
    """The same with the probable cause."""
    content_type = next((value for name, value in record.headers if name == "content-type"), None)
    cause = diagnose(record.value, content_type) if reject.reason in _UNREADABLE else ""
    return Reject(reject.reason, f"{reject.detail}. Probable cause: {cause}") if cause else reject


_UNREADABLE: Final = ("header_missing", "header_invalid", "payload_invalid", "content_type_unknown", "type_unknown")
