"""A registration leads to a threshold; a flood of them to a few a second, so that the governor has time for others."""

from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from homeostat.core.rate import Rate

PER_WINDOW: Final = 60
"""Of a family. A fleet of a thousand cameras has its thresholds within two minutes."""

WINDOW_MS: Final = 6_000


@dataclass(slots=True)
class ThresholdQueue:
    """Registered models that wait for their threshold.

    Args:
        proposed: When thresholds were proposed for models that were just registered.
        waiting: Models, the first come first; the values say nothing.
    """

    proposed: Rate = field(default_factory=Rate)
    waiting: dict[str, bool] = field(default_factory=dict)

    @property
    def next_at(self) -> int | None:
        """When the next one's turn is, ms; None if none waits."""
        return self.proposed.times[0] + WINDOW_MS if self.waiting else None

    def update(self, model: str, now: int) -> bool:
        """Take a registration in; return whether its threshold is proposed at once; if not, it waits.

        Args:
            model: Name.
            now: Broker time, ms.
        """
        if not self.waiting and self.proposed.take(now, PER_WINDOW, WINDOW_MS):
            return True
        self.waiting[model] = True
        return False

    def due(self, now: int) -> list[str]:
        """Take the models out whose turn it is, the first come first."""
        found = []
        for model in list(islice(self.waiting, PER_WINDOW)):
            if not self.proposed.take(now, PER_WINDOW, WINDOW_MS):
                break
            del self.waiting[model]
            found.append(model)
        return found
