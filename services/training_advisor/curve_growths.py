"""Curves of runs by rows, and the growths between their points: what advice on rows and on seconds both learn from."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from homeostat.services.training_advisor.learning_curves import LearningCurves, TaskCurves
from homeostat.services.training_advisor.pairwise_gains import STEPS, PairwiseGains

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Growth:
    """A stretch of a curve between two runs.

    Args:
        task: Curves of its task.
        row: Of the curve in them.
        anchor: Half-octave of the smaller run.
        index: Of its length in `STEPS`.
        gain: Value at the larger run minus that at the smaller one.
    """

    task: TaskCurves
    row: int
    anchor: int
    index: int
    gain: float


@dataclass(slots=True)
class CurveGrowths:
    """One pass over the runs, bounded.

    Args:
        curves: Values seen, by task, configuration and half-octave of rows.
        pairs: How the growths of configurations on the same task compare.
    """

    curves: LearningCurves = field(default_factory=LearningCurves)
    pairs: PairwiseGains = field(default_factory=PairwiseGains)

    def update(self, task: str, configuration: str, slot: int, value: float, least_anchor: int) -> Iterator[Growth]:
        """Note a value, and yield the growths that end at it, the shortest first.

        Args:
            task: Name of the task.
            configuration: Name of the configuration.
            slot: Half-octave of the rows.
            value: Of the run.
            least_anchor: Half-octave below which no growth begins.
        """
        self.pairs.name(configuration)
        known, row = self.curves.record(task, configuration, slot, value)
        curve = known.levels[row]
        for index, step in enumerate(STEPS):
            anchor = slot - step
            if anchor >= least_anchor and curve[anchor] == curve[anchor]:
                yield Growth(known, row, anchor, index, float(curve[slot] - curve[anchor]))

    def line(self, task: TaskCurves, row: int) -> int:
        """Return the line of a curve's configuration in the tables of `pairs`."""
        return self.pairs.line(task.names[row])

    def lines(self, task: TaskCurves, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the lines of several curves of a task."""
        return np.array([self.line(task, row) for row in rows.tolist()], np.int64)

    def compare(self, index: int, line: int, gain: float, others: NDArray[np.int64], gains: Floats) -> None:
        """Learn a growth beside those of the neighbours that have a line of their own.

        Args:
            index: Of the length in `STEPS`.
            line: Of the configuration.
            gain: Its growth.
            others: (n,) lines of the neighbours.
            gains: (n,) their growths.
        """
        named = others > 0
        if line and named.any():
            self.pairs.update(index, line, gain, others[named], gains[named])
