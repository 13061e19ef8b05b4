"""Sets what serves to what a rollout command says."""

from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Final, Literal, TypedDict

from homeostat.core import CommandExecution, Event, Reject, Report, Retry
from homeostat.core.backoff import Backoff
from homeostat.core.identity import sequence_of
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionReverted,
    Rollout,
    RolloutAbort,
    RolloutPromote,
    RolloutRevert,
    RolloutSet,
)
from homeostat.events.base import ActionKind
from homeostat.events.logs import POLICY_ROLLOUT
from homeostat.services.rollout_actuator.targets.base import RolloutTarget, deployment_of

Verb = Literal["set", "promote", "abort", "revert"]
_VERBS: Final[dict[type[Rollout], Verb]] = {
    RolloutSet: "set",
    RolloutPromote: "promote",
    RolloutAbort: "abort",
    RolloutRevert: "revert",
}
_FIRST_PAUSE_SECONDS: Final = 0.5
_MOST_PAUSE_SECONDS: Final = 5.0
"""Between two attempts to reach a target."""


class RolloutActuator:
    """A `Hand`: reads `rollout.set|promote|abort|revert`, reports `action.applied|reverted|failed`.

    The first attempt is made in `start`, right after the host has looked at the brake. A target that
    cannot be reached is asked again until the retry time-out; `cancel` ends the attempts.

    Args:
        target: What serves.
        retry_timeout_seconds: How long an unreachable target is asked again.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, target: RolloutTarget, *, retry_timeout_seconds: float = 30.0, clock: Callable[[], float] = monotonic
    ) -> None:
        self.target, self.retry_timeout_seconds, self.clock = target, retry_timeout_seconds, clock

    @property
    def name(self) -> str:
        """See `Hand.name`."""
        return "rollout_actuator"

    @property
    def logs(self) -> Sequence[str]:
        """See `Hand.logs`."""
        return (POLICY_ROLLOUT,)

    def start(self, command: Event) -> CommandExecution | None:
        """See `Hand.start`."""
        if not isinstance(command.data, Rollout):
            return None
        task = _RolloutExecution(self, command, command.data)
        task.attempt()
        return None if task.is_superseded else task


class _About(TypedDict):
    """What every report of a command has in common."""

    action: str
    command: str
    kind: ActionKind
    family: str
    model: str | None


class _RolloutExecution:
    """One command under way."""

    def __init__(self, hand: RolloutActuator, command: Event, rollout: Rollout) -> None:
        self.is_done, self.is_superseded = False, False
        self._hand, self._command, self._rollout = hand, command, rollout
        self._verb = _VERBS[type(rollout)]
        self._report: Report | None = None
        self._backoff = Backoff(hand.retry_timeout_seconds, _FIRST_PAUSE_SECONDS, _MOST_PAUSE_SECONDS, hand.clock)

    def poll(self) -> Iterator[Report]:
        """See `CommandExecution.poll`."""
        if self._report is None and not self.is_done and self._backoff.is_due:
            self.attempt()
        if self._report is not None and not self.is_done:
            self.is_done = True
            yield self._report

    def cancel(self) -> None:
        """See `CommandExecution.cancel`."""
        self.is_done = True

    def attempt(self) -> None:
        """Ask the target once."""
        try:
            deployment = deployment_of(self._rollout, self._command.source, sequence_of(self._command.id))
            is_set = self._hand.target.apply(str(self._rollout.model), deployment)
        except Retry as trouble:
            if not self._backoff.failed():
                self._report = self._failed(str(trouble))
        except Reject as refusal:
            self._report = self._failed(str(refusal))
        else:
            if is_set:
                self._report = self._applied()
            else:  # the later command's report says what serves; one of this command would contradict it
                self.is_superseded = self.is_done = True

    def _applied(self) -> Report:
        state = Rollout(**dict(self._rollout))
        if self._verb == "revert":
            return Report("reverted", ActionReverted(**self._about(), rollout=state))
        applied = ActionApplied(**self._about(), rollout=state, rollout_verb=self._verb)
        return Report("applied", applied)

    def _failed(self, detail: str) -> Report:
        failed = ActionFailed(**self._about(), reason="target_failed", detail=detail[:2000])
        return Report("failed", failed)

    def _about(self) -> "_About":
        return {
            "action": self._rollout.action,
            "command": self._command.identity,
            "kind": "rollout",
            "family": self._rollout.family,
            "model": self._rollout.model,
        }
