"""Approves bands for alert thresholds and takes them back."""

from collections.abc import Iterator, Sequence

from homeostat.core import CommandExecution, Event, Report
from homeostat.core.identity import sequence_of
from homeostat.events import ActionApplied, ActionFailed, Band, Command, ThresholdMoved, ThresholdRevert, ThresholdSet
from homeostat.events.logs import INDICATORS, POLICY_THRESHOLD
from homeostat.events.series import series_of
from homeostat.services.threshold_actuator.targets.base import ThresholdTarget


class ThresholdActuator:
    """A `Hand`: reads `threshold.set|revert`, reports `action.applied` with the band that holds from now on.

    A revert is a band without width: whoever tracks the threshold inside it keeps it where it is. Between
    commands it follows `threshold.moved`, an `Observer` of the indicators; what moves during a brake is
    passed over, and the first move after it counts again.

    Args:
        target: What alerts.
    """

    def __init__(self, target: ThresholdTarget) -> None:
        self.target = target

    @property
    def name(self) -> str:
        """See `Hand.name`."""
        return "threshold_actuator"

    @property
    def logs(self) -> Sequence[str]:
        """See `Hand.logs`."""
        return (POLICY_THRESHOLD, INDICATORS)

    def start(self, command: Event) -> CommandExecution | None:
        """See `Hand.start`; the effect is there, or has failed, when it returns."""
        data = command.data
        if not isinstance(data, ThresholdSet | ThresholdRevert):
            return None
        band = data.band if isinstance(data, ThresholdSet) else self._pinned(data.model, data)
        try:
            if not self.target.approve(data.model, command.source, sequence_of(command.id), band):
                return None
        except OSError as error:
            return _Answered(_failed(data, command, str(error)))
        return _Answered(_applied(data, command, band))

    def observe(self, event: Event, *, is_braked: bool) -> None:
        """See `Observer.observe`."""
        if isinstance(event.data, ThresholdMoved) and not is_braked:
            self.target.moved(event.subject, event.data)

    def _pinned(self, model: str, revert: ThresholdRevert) -> Band:
        pinned = revert.pinned()
        before = self.target.band(model, series_of(revert.signal, revert.layer, revert.attributes))
        return before.model_copy(update={"low": pinned.low, "high": pinned.high}) if before is not None else pinned


class _Answered:
    """A command that was carried out in `start`."""

    def __init__(self, report: Report) -> None:
        self.is_done = False
        self._report = report

    def poll(self) -> Iterator[Report]:
        """See `CommandExecution.poll`."""
        if not self.is_done:
            self.is_done = True
            yield self._report

    def cancel(self) -> None:
        """See `CommandExecution.cancel`."""
        self.is_done = True


def _applied(data: Command, command: Event, band: Band) -> Report:
    applied = ActionApplied(
        action=data.action,
        command=command.identity,
        kind="threshold",
        family=data.family,
        model=data.model,
        band=band,
    )
    return Report("applied", applied)


def _failed(data: Command, command: Event, detail: str) -> Report:
    failed = ActionFailed(
        action=data.action,
        command=command.identity,
        kind="threshold",
        family=data.family,
        model=data.model,
        reason="target_failed",
        detail=detail[:2000],
    )
    return Report("failed", failed)
