"""When the fixed policies retrain: never, on a schedule, on every alarm."""

from collections.abc import Sequence
from typing import Protocol


class Trigger(Protocol):
    """Decides when a policy trains."""

    def observe(self, seconds: float, errors: Sequence[float]) -> str:
        """Take the errors that have become known; return why to train now, or nothing.

        Args:
            seconds: Time of the last row that was served.
            errors: Of labelled rows, in the order in which their labels came.
        """

    def restart(self) -> None:
        """Begin anew: another model serves."""


class Never:
    """What was installed stays."""

    def observe(self, seconds: float, errors: Sequence[float]) -> str:
        """See `Trigger`."""
        return ""

    def restart(self) -> None:
        """See `Trigger`."""


class Schedule:
    """Every so many seconds.

    Args:
        period_seconds: > 0.
    """

    def __init__(self, period_seconds: float) -> None:
        self._period, self._next = period_seconds, 0.0

    def observe(self, seconds: float, errors: Sequence[float]) -> str:
        """See `Trigger`."""
        if not self._next:
            self._next = seconds + self._period
        if seconds < self._next:
            return ""
        self._next += self._period * (1 + (seconds - self._next) // self._period)
        return "it is time"

    def restart(self) -> None:
        """See `Trigger`."""


class OnAlarm:
    """ADWIN over single errors, believed at once; a falling error is no alarm."""

    def __init__(self) -> None:
        self.restart()

    def observe(self, seconds: float, errors: Sequence[float]) -> str:
        """See `Trigger`."""
        why = ""
        for error in errors:
            before = self._errors.estimation
            self._errors.update(error)  # type: ignore[no-untyped-call] # river ships no types
            if self._errors.drift_detected and self._errors.estimation > before:
                why = f"ADWIN: error {before:.1%} → {self._errors.estimation:.1%}"
        return why

    def restart(self) -> None:
        """See `Trigger`."""
        from river.drift import ADWIN

        self._errors = ADWIN()  # type: ignore[no-untyped-call] # river ships no types


class AtRows:
    """Where somebody else has trained: to play recorded decisions with the stand-in.

    Args:
        moments: Seconds, rising, with the reason.
    """

    def __init__(self, moments: Sequence[tuple[float, str]]) -> None:
        self._moments = list(moments)

    def observe(self, seconds: float, errors: Sequence[float]) -> str:
        """See `Trigger`."""
        due = [why for at, why in self._moments if at <= seconds]
        del self._moments[: len(due)]
        return due[-1] if due else ""

    def restart(self) -> None:
        """See `Trigger`."""
