"""Commands that hands may report on."""

from dataclasses import dataclass, field, replace
from typing import Final

from homeostat.core import Emit, Event, Reject
from homeostat.core.identity import scope_of
from homeostat.events import Command, Rollout
from homeostat.events.logs import HAND_OF
from homeostat.services.governor.answering_hands import hand_of
from homeostat.services.governor.keyring import Keyring

_GRACE_MS: Final = 7 * 86_400_000
"""A hand that was away reports what it finds when it is back."""

_MOST_ISSUED: Final = 10_000
_MOST_STAGES: Final = 1_000


@dataclass(slots=True)
class Issued:
    """A command that a hand may still report on.

    Args:
        type: CloudEvents type of the command.
        action: It belongs to.
        target: `scope/model`, or `scope/family`.
        family: `scope/family`.
        hand: Whose report on it counts, as its role says it behind `hand:`; fixed when the command was given.
        forget_at: Nothing that comes after this is taken, ms.
        serves: Version and artifact that it puts there, of a rollout.
        stages: What was reported, but progress.
        is_closed: A report has ended it.
    """

    type: str
    action: str
    target: str
    family: str
    hand: str
    forget_at: int
    serves: tuple[str, str | None] | None = None
    stages: list[str] = field(default_factory=list)
    is_closed: bool = False

    def add_stage(self, stage: str, *, is_closing: bool) -> bool:
        """Take note of a report.

        Args:
            stage: Of the report.
            is_closing: It ends the command.

        Returns:
            Whether it is a new one: a hand reports again after a crash.

        Raises:
            Reject: `command_closed`.
        """
        if stage in self.stages:
            return False
        if self.is_closed or len(self.stages) >= _MOST_STAGES:
            raise Reject("command_closed", f"{self.action} was answered before: {', '.join(self.stages)[:200]}")
        self.stages.append(stage)
        self.is_closed = is_closing
        return True


@dataclass(slots=True)
class IssuedCommands:
    """Commands that hands may report on.

    Args:
        by_identity: The oldest first.
    """

    by_identity: dict[str, Issued] = field(default_factory=dict)

    def update(self, event: Event, emits: tuple[Emit, ...], keyring: Keyring) -> tuple[Emit, ...]:
        """Take note of the commands among what is emitted; forget the oldest.

        Args:
            event: That the emits answer.
            emits: All of them, in their order.
            keyring: Names the hands.

        Returns:
            The emits, each command saying which hand alone obeys it where that is not ours.
        """
        addressed = []
        for ordinal, emit in enumerate(emits):
            command = emit.data
            addressed.append(emit)
            if isinstance(command, Command):
                target = command.model or command.family
                hand = hand_of(keyring, emit.log, scope_of(target))
                if hand != HAND_OF[emit.log]:
                    named = command.model_copy(update={"hand": hand.partition("/")[0]})
                    addressed[-1] = replace(emit, data=named)
                self.by_identity[event.emit_identity(ordinal)] = Issued(
                    command.TYPE,
                    command.action,
                    target,
                    command.family,
                    hand,
                    max(event.time, command.expires_at) + _GRACE_MS,
                    (command.champion, command.champion_artifact) if isinstance(command, Rollout) else None,
                )
        while self.by_identity:
            oldest = next(iter(self.by_identity))
            if len(self.by_identity) <= _MOST_ISSUED and self.by_identity[oldest].forget_at > event.time:
                break
            del self.by_identity[oldest]
        return tuple(addressed)
