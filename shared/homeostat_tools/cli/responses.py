"""What came of a request: admitted, answered, refused."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.client.logs import Logs, Place
from homeostat.codec import Record
from homeostat.core import Event, Reject
from homeostat.events import BrakeConfirmed, EventRefused, RequestHeld
from homeostat.events.logs import GOVERNANCE, POLICIES, QUARANTINE, REQUESTS, VERDICTS
from homeostat_tools.cli.exit_codes import CommandFailed, Exit
from homeostat_tools.cli.rendering import Attributes, attributes, event_of

_WATCHED: Final = (GOVERNANCE, QUARANTINE, VERDICTS, *POLICIES)
_POLL_SECONDS: Final = 0.1
_SETTLE_SECONDS: Final = 0.2
"""The governor commits an offset while the last of what it said there may still be on its way to the broker."""

_GOVERNOR: Final = "governor"
_INTAKE: Final = "/homeostat/intake.requests/"
"""Emitter of what was admitted at the door of requests."""

_JUDGES: Final = (_INTAKE, "/homeostat/governor/")
"""Emitters that can refuse a request."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Where a request lies on governance.

    Args:
        identity: It has there.
        offset: Of the one partition.
    """

    identity: str
    offset: int


class SecondPersonNeeded(CommandFailed):
    """The request is noted, and counts when a second person signs the same."""


Answered = Callable[[Admitted, Event], bool]
"""Whether an event is what was waited for; called for every event of the watched logs that came of the request, for
every one of governance after it, and for every confirmation of a brake."""


class Answers:
    """Watches the logs from before a request was sent.

    Args:
        logs: Where.
    """

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._starts: Mapping[Place, int] = {place: high for place, (_, high) in logs.ranges(_WATCHED).items()}

    def wait(
        self, request: str, is_answer: Answered | None, timeout_seconds: float, *, may_be_silent: bool = False
    ) -> Event | None:
        """Wait for what comes of a request.

        Args:
            request: Its identity.
            is_answer: What to wait for; None: until the governor has worked past it, for requests without an answer.
            timeout_seconds: How long, >= 0.
            may_be_silent: The governor may have nothing to answer: then return when it has worked past the request.

        Returns:
            The answer; None where none was asked for, or none was given.

        Raises:
            CommandFailed: `DENIED`: it was refused; `PENDING`: a second person is needed, or nothing came in time.
        """
        follower = self._logs.follow(self._starts)
        search = _Search(request, is_answer, self._starts)
        deadline, settled_at = time.monotonic() + timeout_seconds, float("inf")
        ends: Mapping[Place, tuple[int, int]] | None = None
        try:
            while True:
                if (answer := search.update(follower.poll(_POLL_SECONDS))) is not None:
                    return answer
                now = time.monotonic()
                if ends is not None and search.has_read(ends):
                    return None
                if (is_answer is None or may_be_silent) and ends is None:
                    if now >= settled_at:
                        ends = self._logs.ranges(_WATCHED)
                    elif self._is_past(search.admitted):
                        settled_at = min(settled_at, now + _SETTLE_SECONDS)
                if now >= deadline:
                    raise _pending(request, is_admitted=search.admitted is not None)
        finally:
            follower.close()

    def _is_past(self, admitted: Admitted | None) -> bool:
        if admitted is None:
            return False
        return self._logs.committed().get(_GOVERNOR, {}).get((GOVERNANCE, 0), -1) > admitted.offset


@dataclass(slots=True)
class _Search:
    """Looks for the answer in records as they come.

    Partitions have no order among each other: the answer may be read before the copy of the request on governance
    whose identity it names as its cause. What could be the answer is kept until that copy has come.
    """

    request: str
    is_answer: Answered | None
    starts: Mapping[Place, int]
    admitted: Admitted | None = None
    early: list[Record] = field(default_factory=list)
    positions: dict[Place, int] = field(default_factory=dict)

    def has_read(self, ranges: Mapping[Place, tuple[int, int]]) -> bool:
        """Whether everything that came since the start was read, up to these ends."""
        return all(self.positions.get(place, self.starts.get(place, 0)) >= end for place, (_, end) in ranges.items())

    def update(self, records: Iterable[Record]) -> Event | None:
        """Take records in, in offset order per partition; return the answer once both it and the request are known.

        Raises:
            CommandFailed: `DENIED`: the request was refused.
        """
        for record in records:
            found = attributes(record)
            self.positions[record.topic, record.partition] = record.offset + 1
            if record.topic == QUARANTINE:
                if found.source.startswith(_JUDGES):
                    _raise_refusal(record, self.request)
            elif self.admitted is not None:
                if (answer := self._answer(record, found)) is not None:
                    return answer
            elif record.topic == GOVERNANCE and found.cause == self.request:
                self.admitted = Admitted(found.identity, record.offset)
                for kept in self.early:
                    if attributes(kept).type == RequestHeld.TYPE and attributes(kept).cause == found.identity:
                        _raise_held(kept)
                    if (answer := self._answer(kept, attributes(kept))) is not None:
                        return answer
                self.early.clear()
            elif found.cause.startswith(_INTAKE) or _is_confirmation(record, found):
                self.early.append(record)
            if self.admitted is not None and found.type == RequestHeld.TYPE and found.cause == self.admitted.identity:
                _raise_held(record)
        return None

    def _answer(self, record: Record, found: Attributes) -> Event | None:
        assert self.admitted is not None
        may_be = record.topic == GOVERNANCE or found.cause == self.admitted.identity or _is_confirmation(record, found)
        if self.is_answer is None or not may_be:
            return None
        event = _decoded(record)
        return event if event is not None and self.is_answer(self.admitted, event) else None


def _is_confirmation(record: Record, found: Attributes) -> bool:
    """Whether it is a hand's confirmation that the governor has accepted: it comes of the hand's report."""
    return record.topic == VERDICTS and found.type == BrakeConfirmed.TYPE


def _pending(request: str, *, is_admitted: bool) -> CommandFailed:
    state = "the governor has not answered yet;" if is_admitted else "intake has not taken it yet: does it run?"
    return CommandFailed(Exit.PENDING, f"sent as {request}; {state} `homeostat story {request}` shows what comes")


def _decoded(record: Record) -> Event | None:
    try:
        return event_of(record)
    except Reject:
        return None


def _raise_held(record: Record) -> None:
    event = _decoded(record)
    if event is not None and isinstance(event.data, RequestHeld):
        raise SecondPersonNeeded(Exit.PENDING, f"it is noted, and waits for a second person: {event.data.needs}")


def _raise_refusal(record: Record, request: str) -> None:
    event = _decoded(record)
    data: Any = event.data if event is not None else None
    if not isinstance(data, EventRefused) or data.log not in (REQUESTS, GOVERNANCE):
        return
    from homeostat_tools.cli.requeue import original

    headers = {name: value.decode(errors="replace") for name, value in original(data, lambda _: 1).headers}
    own = f"{headers.get('ce_source', '')}#{headers.get('ce_id', '')}"
    if request in (own, headers.get("ce_causationid")):
        raise CommandFailed(Exit.DENIED, f"refused: {data.reason}: {data.detail}")
