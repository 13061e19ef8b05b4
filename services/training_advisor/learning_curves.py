"""Learning curves seen so far: results by task, configuration and size of the training set."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.portable import INV_LN2, log

Floats = NDArray[np.float64]

N_SLOTS: Final = 48
"""Half-octaves of rows, from 1 to 2^23.5; what is larger counts as the last."""
N_TASKS: Final = 256
N_CONFIGURATIONS: Final = 32
"""LearningCurves kept per task; the oldest leave."""


def slot_of(rows: int) -> int:
    """Half-octave that a number of rows lies nearest to; 0 for none."""
    return min(N_SLOTS - 1, int(2.0 * INV_LN2 * log(float(rows)) + 0.5)) if rows > 1 else 0


@dataclass(slots=True)
class TaskCurves:
    """LearningCurves of one task.

    Args:
        names: ConfigurationAdvisor, the oldest first.
        levels: (n, N_SLOTS) results in the order of `names`; NaN where nothing was run.
    """

    names: list[str] = field(default_factory=list)
    levels: Floats = field(default_factory=lambda: np.empty((0, N_SLOTS)))

    def row(self, configuration: str) -> int | None:
        """Place of a configuration."""
        return self.names.index(configuration) if configuration in self.names else None

    def largest(self, configuration: str, slot: int) -> tuple[int, int] | None:
        """Return row and half-octave of a configuration's run on most rows, `slot` at most."""
        row = self.row(configuration)
        if row is None:
            return None
        known = np.flatnonzero(np.isfinite(self.levels[row, : slot + 1]))
        return (row, int(known[-1])) if len(known) else None


@dataclass(slots=True)
class LearningCurves:
    """The tasks heard of last, at most `N_TASKS`, the longest silent first."""

    tasks: dict[str, TaskCurves] = field(default_factory=dict)

    def record(self, task: str, configuration: str, slot: int, result: float) -> tuple[TaskCurves, int]:
        """Note a result; a run at the same place again moves it half-way. Returns the task and the curve's row.

        Args:
            task: Data set.
            configuration: Its name.
            slot: Index of the number of rows, < N_SLOTS.
            result: Of the metric.
        """
        found = self.tasks.pop(task, None) or TaskCurves()
        self.tasks[task] = found
        if len(self.tasks) > N_TASKS:
            del self.tasks[next(iter(self.tasks))]
        row = found.row(configuration)
        if row is None:
            keep = max(0, len(found.names) + 1 - N_CONFIGURATIONS)
            found.names = [*found.names[keep:], configuration]
            found.levels = np.vstack([found.levels[keep:], np.full((1, N_SLOTS), np.nan)])
            row = len(found.names) - 1
        known = float(found.levels[row, slot])
        found.levels[row, slot] = result if known != known else (known + result) / 2.0
        return found, row
