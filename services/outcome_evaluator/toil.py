"""Hours that nobody had to spend: what automation did, times what it takes by hand."""

from dataclasses import dataclass
from typing import Final

from homeostat.core import Emit, Event
from homeostat.events.logs import DAY_MS
from homeostat.services.outcome_evaluator.indicators import indicator

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

    def update(self, event: Event, minutes: float, n: int = 1) -> Emit:
        """Count steps that took nobody's time; emit how much it is this month.

        Args:
            event: That tells of them.
            minutes: What they take by hand, >= 0.
            n: Steps, >= 1.
        """
        month = event.time // MONTH_MS
        if month != self.month:
            self.month, self.minutes, self.n = month, 0.0, 0
        self.minutes += minutes
        self.n += n
        return indicator(event, "toil_hours_saved", self.minutes / 60.0, self.n)
