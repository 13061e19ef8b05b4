"""Hours that nobody had to spend: what automation did, times what it takes by hand."""

from dataclasses import dataclass
from typing import Final

from homeostat.events.logs import DAY_MS
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings

MONTH_MS: Final = 30 * DAY_MS
"""A month is 30 days since the epoch, so that months compare."""


@dataclass(slots=True)
class Toil:
    """Saved on one model in the running month.

    Args:
        month: Number of the month since the epoch.
        minutes: Saved.
        n: Steps that were automated.
    """

    month: int = 0
    minutes: float = 0.0
    n: int = 0

    def save(self, minutes: float, n: int, now: int) -> None:
        """Count steps that took nobody's time."""
        month = now // MONTH_MS
        if month != self.month:
            self.month, self.minutes, self.n = month, 0.0, 0
        self.minutes += minutes
        self.n += n

    @property
    def hours(self) -> float:
        """Saved in the running month."""
        return self.minutes / 60.0


def of_action(settings: EvaluatorSettings, *, is_rolled_out: bool, is_aborted: bool) -> tuple[float, int]:
    """Return minutes and steps of an action: a retrain with its canary, and the way back if there was one."""
    if not is_rolled_out:
        return 0.0, 0
    if is_aborted:
        return settings.retrain_minutes + settings.rollback_minutes, 2
    return settings.retrain_minutes, 1
