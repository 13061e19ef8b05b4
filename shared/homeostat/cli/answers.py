"""What came of a request: admitted, answered, refused."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from homeostat.cli.exits import CommandFailed, Exit
from homeostat.cli.records import attributes, event_of
from homeostat.client.logs import Logs, Place
from homeostat.codec import Record
from homeostat.core import Event, Reject
from homeostat.events import EventRefused
from homeostat.events.logs import GOVERNANCE, POLICIES, QUARANTINE, REQUESTS, VERDICTS

_WATCHED: Final = (GOVERNANCE, QUARANTINE, VERDICTS, *POLICIES)
_POLL_SECONDS: Final = 0.1
_GOVERNOR: Final = "governor"


@dataclass(frozen=True, slots=True)
class Admitted:
    """Where a request lies on governance.

    Args:
        identity: It has there.
        offset: Of the one partition.
    """

    identity: str
    offset: int


Answered = Callable[[Admitted, Event], bool]
"""Whether an event is what was waited for; called for every event of the watched logs that came after the request."""


class Answers:
    """Watches the logs from before a request was sent.

    Args:
        logs: Where.
    """

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._starts: Mapping[Place, int] = {place: high for place, (_, high) in logs.ranges(_WATCHED).items()}

    def wait(self, request: str, is_answer: Answered | None, timeout_seconds: float) -> Event | None:
        """Wait for what comes of a request.

        Args:
            request: Its identity.
            is_answer: What to wait for; None: until the governor has worked past it, for requests without an answer.
            timeout_seconds: How long.

        Returns:
            The answer; None where none was asked for.

        Raises:
            CommandFailed: `DENIED`: it was refused; `PENDING`: nothing came in time.
        """
        follower = self._logs.follow(self._starts)
        admitted: Admitted | None = None
        deadline = time.monotonic() + timeout_seconds
        try:
            while True:
                for record in follower.poll(_POLL_SECONDS):
                    found = attributes(record)
                    if record.topic == GOVERNANCE and found.cause == request and admitted is None:
                        admitted = Admitted(found.identity, record.offset)
                    event = _decoded(record)
                    if event is None:
                        continue
                    _raise_refusal(event, request)
                    if admitted is not None and is_answer is not None and is_answer(admitted, event):
                        return event
                if admitted is not None and is_answer is None and self._is_past(admitted.offset):
                    return None
                if time.monotonic() >= deadline:
                    raise _pending(request, is_admitted=admitted is not None)
        finally:
            follower.close()

    def _is_past(self, offset: int) -> bool:
        return self._logs.committed().get(_GOVERNOR, {}).get((GOVERNANCE, 0), -1) > offset


def _pending(request: str, *, is_admitted: bool) -> CommandFailed:
    state = "the governor has not answered yet" if is_admitted else "intake has not taken it yet: does it run?"
    return CommandFailed(Exit.PENDING, f"sent as {request}; {state} `homeostat story {request}` shows what comes")


def _decoded(record: Record) -> Event | None:
    try:
        return event_of(record)
    except Reject:
        return None


def _raise_refusal(event: Event, request: str) -> None:
    data: Any = event.data
    if not isinstance(data, EventRefused) or data.log not in (REQUESTS, GOVERNANCE):
        return
    from homeostat.cli.replaying import original

    headers = {name: value.decode(errors="replace") for name, value in original(data, lambda _: 1).headers}
    own = f"{headers.get('ce_source', '')}#{headers.get('ce_id', '')}"
    if request in (own, headers.get("ce_causationid")):
        raise CommandFailed(Exit.DENIED, f"refused: {data.reason}: {data.detail}")
