"""Change detection on columns with a memory: by means of blocks that are long enough to have none."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from homeostat.stats.page_hinkley import ZPageHinkley
from homeostat.stats.portable import FloatArray
from homeostat.stats.whitening import autocorrelation

_LEARNED: Final = 24
_LEFT: Final = 0.3
"""Of the lag-1 autocorrelation of so many block means: white ones exceed it once in twenty times."""

_LONGEST: Final = 64.0


@dataclass(slots=True, eq=False)
class BlockTest:
    """A Page-Hinkley test of each of d columns, on means of as many bucket means as make them independent.

    That test's false alarms are promised for independent values. A column begins with blocks of one bucket; as long as
    24 block means in a row are correlated with their neighbours, each two become one and more are waited for, up to
    blocks of 64 buckets. Only then are all of them given to the test. What moves meanwhile is part of what is normal.

    Attributes:
        test: Of the block means.
        size: (d,) buckets of a block.
        sums: (d,) of the open blocks.
        counts: (d,) buckets in them.
        learned: Of each column the block means so far, fewer than 24; empty once it is tested.
        is_tested: (d,) whether blocks are long enough.
        is_plain: They are of one bucket in all columns.
    """

    test: ZPageHinkley
    size: FloatArray
    sums: FloatArray
    counts: FloatArray
    is_tested: npt.NDArray[np.bool_]
    learned: list[list[float]] = field(default_factory=list)
    is_plain: bool = False

    @classmethod
    def start(cls, d: int, *, reference: int, delta: float, threshold: float, z_limit: float) -> "BlockTest":
        """Return the test before any bucket; the parameters are those of `ZPageHinkley`, in blocks.

        Args:
            d: Columns, >= 1.
            reference: Blocks before anything is tested.
            delta: Change that is tolerated, deviations.
            threshold: At which it alarms.
            z_limit: Bound of one block, deviations.

        Raises:
            ValueError: A setting outside its range.
        """
        test = ZPageHinkley.start(d, reference=reference, delta=delta, threshold=threshold, z_limit=z_limit)
        sums, counts = np.zeros((2, d))
        return cls(test, np.ones(d), sums, counts, np.zeros(d, np.bool_), [[] for _ in range(d)])

    def update(self, means: FloatArray) -> tuple[npt.NDArray[np.bool_], FloatArray]:
        """Take one bucket mean of each column in.

        Args:
            means: (d,); NaN or infinite is missing.

        Returns:
            fired: (d,) whether the column changed.
            statistic: (d,) of the test, where a block ended.
        """
        if self.is_plain:
            return self.test.update(means)
        is_known = np.isfinite(means)
        self.sums += np.where(is_known, means, 0.0)
        self.counts += is_known
        is_full = self.counts >= self.size
        blocks = np.where(is_full, self.sums / np.maximum(self.counts, 1.0), np.nan)
        self.sums[is_full], self.counts[is_full] = 0.0, 0.0
        fired, statistic = self.test.update(np.where(self.is_tested, blocks, np.nan))
        for column in np.flatnonzero(is_full & ~self.is_tested).tolist():
            for value in self._learn(column, float(blocks[column])):
                alone = np.full(means.size, np.nan)
                alone[column] = value
                is_fired, reached = self.test.update(alone)
                fired[column] |= is_fired[column]
                statistic[column] = max(statistic[column], reached[column])
        return fired, statistic

    def _learn(self, column: int, block: float) -> list[float]:
        """Return the blocks that the column's test begins with, once they are long enough; else nothing."""
        learned = self.learned[column]
        learned.append(block)
        if len(learned) < _LEARNED:
            return []
        if self.size[column] < _LONGEST and float(autocorrelation(np.array([learned]), 1)[0]) > _LEFT:
            self.learned[column] = [0.5 * (a + b) for a, b in zip(learned[::2], learned[1::2], strict=True)]
            self.size[column] *= 2.0
            return []
        self.is_tested[column], self.learned[column] = True, []
        self.is_plain = bool((self.is_tested & (self.size == 1.0)).all())
        return learned
