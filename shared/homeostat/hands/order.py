"""One approved command, as the function of an actuator sees it."""

from dataclasses import dataclass
from typing import Final, Literal

from homeostat.core import Event
from homeostat.core.identity import sequence_of
from homeostat.events import (
    Rollout,
    RolloutAbort,
    RolloutPromote,
    RolloutRevert,
    ThresholdRevert,
    ThresholdSet,
)
from homeostat.events.policy import ModelCommand

Verb = Literal["set", "promote", "abort", "revert"]
VERBS: Final[dict[str, Verb]] = {
    RolloutPromote.TYPE: "promote",
    RolloutAbort.TYPE: "abort",
    RolloutRevert.TYPE: "revert",
    ThresholdRevert.TYPE: "revert",
}
"""All others say `set`."""


@dataclass(frozen=True, slots=True)
class Order:
    """The state that a command asks for: whole, so that carrying it out twice changes nothing.

    Its signature, its expiry, its place behind later ones and the brakes have been looked at; a process that is killed
    gets it again. A target that several processes may set keeps the highest `sequence` of each `source` and obeys no
    lower one.

    Args:
        event: The command as it lies in the log.
        command: Its payload: a `Rollout`, `ThresholdSet` or `ThresholdRevert`.
    """

    event: Event
    command: ModelCommand

    @property
    def model(self) -> str:
        """`scope/model`."""
        return self.command.model

    @property
    def verb(self) -> Verb:
        """What is done; `abort` and `revert` take something back."""
        return VERBS.get(self.command.TYPE, "set")

    @property
    def source(self) -> str:
        """Of the command: sequences of one source are in order."""
        return self.event.source

    @property
    def sequence(self) -> str:
        """Place of the command, comparable as text."""
        return sequence_of(self.event.id)

    @property
    def champion(self) -> str:
        """Version that answers what the canary does not."""
        return self.rollout.champion

    @property
    def canary(self) -> str | None:
        """Version on trial, or None."""
        return self.rollout.canary

    @property
    def weight(self) -> float:
        """Share of the requests that the canary answers, [0, 1]."""
        return self.rollout.weight if self.rollout.canary is not None else 0.0

    @property
    def rollout(self) -> Rollout:
        """The command of a rollout, with artifacts and shadows.

        Raises:
            TypeError: It is about a threshold.
        """
        if not isinstance(self.command, Rollout):
            raise TypeError(f"{self.command.TYPE} is no rollout")
        return self.command

    @property
    def threshold(self) -> ThresholdSet | ThresholdRevert:
        """The command about a threshold: a band in which it is tracked, or a fixed value.

        Raises:
            TypeError: It is about a rollout.
        """
        if not isinstance(self.command, ThresholdSet | ThresholdRevert):
            raise TypeError(f"{self.command.TYPE} is not about a threshold")
        return self.command
