"""The interface of everything that acts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from homeostat.core.errors import Reject
from homeostat.core.event import Event, Payload

_OFFSET_DIGITS: Final = 16
_ORDINAL_DIGITS: Final = 4
"""What has more digits would not be in order as text."""


def sequence_of(event: Event) -> str:
    """Return the `ce_sequence` of an event of an internal log: its id, zero-padded, so that text order is log order.

    Only sequences of one `source` compare: a log that was made again counts from 0 under another source.

    Raises:
        Reject: `id_invalid`: the id is not `<offset>.<ordinal>`, so no fold has emitted it.
    """
    offset, _, ordinal = event.id.partition(".")
    is_emitted = (
        f"{offset}{ordinal}".isascii()  # other scripts have decimal digits too
        and offset.isdecimal()
        and ordinal.isdecimal()
        and len(offset) <= _OFFSET_DIGITS
        and len(ordinal) <= _ORDINAL_DIGITS
    )
    if not is_emitted:
        raise Reject("id_invalid", f"an emitted event has the id <offset>.<ordinal>, not {event.id[:100]!r}")
    return f"{int(offset):016d}.{int(ordinal):04d}"


@dataclass(frozen=True, slots=True)
class Report:
    """What a hand says of a command it answers; goes to a door, whole, and is a fact from then on.

    Its id is the command's identity + `stage`, so that a repeated act is a repeated report, which
    the door drops.

    Args:
        stage: Distinguishes the reports of one command, for example `applied` or `trained.warm_low`.
        data: Typed payload.
        subject: Key; None is the command's.
    """

    stage: str
    data: Payload
    subject: str | None = None


class Task(Protocol):
    """One command under way."""

    def poll(self) -> Iterator[Report]:
        """Yield what has happened since the last call, without blocking for long."""

    @property
    def is_done(self) -> bool:
        """Whether the last report has been yielded."""

    def cancel(self) -> None:
        """Stop the effect as soon as it can be; later polls yield nothing."""


class Hand(Protocol):
    """Acts on a target. Stateless between commands, at-least-once, idempotent on the command's identity.

    The host verifies signature, fence, expiry and brake before `start`, keeps commands of one partition
    unacknowledged until their task is done, and after a crash starts them again.
    """

    @property
    def name(self) -> str:
        """Identifier in sources, consumer groups and metrics."""

    @property
    def logs(self) -> Sequence[str]:
        """Topics of commands it reads."""

    def start(self, command: Event) -> Task | None:
        """Begin one command. None: not for this hand, or a higher `sequence` has already acted."""


@runtime_checkable
class Observer(Protocol):
    """A hand that also takes note of facts on a log it reads; they are not answered."""

    def observe(self, event: Event, *, is_braked: bool) -> None:
        """Take note of one fact.

        Args:
            event: No command.
            is_braked: Its scope is frozen: nothing of it may show outside yet.
        """
