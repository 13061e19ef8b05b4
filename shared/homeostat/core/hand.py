"""The interface of everything that acts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from homeostat.core.event import Event, Payload


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


class CommandExecution(Protocol):
    """One command under way."""

    def poll(self) -> Iterator[Report]:
        """Yield what has happened since the last call, without blocking for long.

        Raises:
            Retry: Not now: it is asked again; what was yielded before counts.
        """

    @property
    def is_done(self) -> bool:
        """Whether the last report has been yielded."""

    def cancel(self) -> None:
        """Stop the effect as soon as it can be; later polls yield nothing."""


class Hand(Protocol):
    """Acts on a target. Stateless between commands, at-least-once, idempotent on the command's identity.

    The host verifies signature, fence, expiry and brake before `start`, keeps commands of one partition
    unacknowledged until their execution is done, and after a crash starts them again.
    """

    @property
    def name(self) -> str:
        """Identifier in sources, consumer groups and metrics."""

    @property
    def logs(self) -> Sequence[str]:
        """Topics of commands it reads."""

    def start(self, command: Event) -> CommandExecution | None:
        """Begin one command. None: not for this hand, or a higher `sequence` has already acted.

        Raises:
            Retry: Not now: the same command is started again soon, unless it expires or is braked first.
        """


@runtime_checkable
class Observer(Protocol):
    """A hand that also takes note of facts on a log it reads; they are not answered."""

    def observe(self, event: Event, *, is_braked: bool) -> None:
        """Take note of one fact.

        Args:
            event: No command.
            is_braked: Its scope is frozen: nothing of it may show outside yet.
        """
