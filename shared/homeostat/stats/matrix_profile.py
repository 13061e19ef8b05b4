"""How far the end of a stream is from everything the stream has done before, at several lengths."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from homeostat.stats.portable import FloatArray

_LEAST: Final = 20
"""Earlier stretches to compare with."""

_ROUNDING: Final = 1e-7
"""Distances below this share of the largest value are rounding of the running sums."""

_REFRESH: Final = 256
"""Values after which the running sums are made anew: an outlier leaves a rounding error behind in them."""


@dataclass(slots=True, eq=False)
class ShapeNovelty:
    """Distance of the last m values to the nearest earlier stretch of m values: the left matrix profile, online.

    For each m and each age i the sum of (x[t - u] - x[t - i - u])^2 over u < m is kept and updated by the term that
    comes and the term that goes: O(memory) per value and length, whatever m. Stretches that overlap the last one do not
    count. What recurs is near, however irregular it looks; what never was is far.

    `update` changes the arrays in place.

    Attributes:
        lengths: Lengths m, ascending, each >= 1.
        n: Values seen.
        values: (memory + longest + 1,) the last values, oldest first; zeros before the first.
        sums: (lengths, memory) sums by age, oldest first.
        largest: Largest absolute value seen.

    Source: Yeh et al. 2016 (matrix profile), the left profile of Lu et al. 2022 (DAMP); the update by Zhu et al. 2016
    (STOMP), without the normalisation: level is part of the shape here.
    """

    lengths: tuple[int, ...]
    n: int
    values: FloatArray
    sums: FloatArray
    largest: float

    @classmethod
    def start(cls, *, lengths: tuple[int, ...], memory: int) -> "ShapeNovelty":
        """Return the measure before any value.

        Raises:
            ValueError: No lengths, lengths that do not ascend, or a memory that is shorter than twice the longest.
        """
        if not lengths or lengths[0] < 1 or sorted(set(lengths)) != list(lengths) or memory < 2 * lengths[-1]:
            raise ValueError(f"{lengths=} must ascend from >= 1, {memory=} be at least twice the longest")
        return cls(lengths, 0, np.zeros(memory + lengths[-1] + 1), np.zeros((len(lengths), memory)), 0.0)

    def update(self, value: float) -> list[float | None]:
        """Take a value in.

        Args:
            value: Finite; |value| < 1e100, so that squares stay finite.

        Returns:
            Root mean square distance per length; None while there is too little to compare with.
        """
        values, memory = self.values, self.sums.shape[1]
        values[:-1] = values[1:]
        values[-1] = value
        self.n += 1
        self.largest = max(self.largest, abs(value))
        if self.n % _REFRESH == 0:
            self._refresh()
        else:
            come = values[-1 - memory : -1] - value
            come *= come
            for sums, m in zip(self.sums, self.lengths, strict=True):
                gone = values[-1 - m - memory : -1 - m] - values[-1 - m]
                gone *= gone
                sums += come
                sums -= gone
        return [self._distance(i, m) for i, m in enumerate(self.lengths)]

    def _distance(self, index: int, m: int) -> float | None:
        memory = self.sums.shape[1]
        oldest = min(memory, self.n - m)
        if oldest < m + _LEAST:
            return None
        nearest = float(self.sums[index, memory - oldest : memory - m + 1].min())
        floor = self.largest * _ROUNDING
        return math.sqrt(nearest / m) if nearest > m * floor * floor else 0.0

    def _refresh(self) -> None:
        """Add the sums up from their terms."""
        values, memory = self.values, self.sums.shape[1]
        total, row = np.zeros(memory), 0
        for u in range(self.lengths[-1]):
            term = values[-1 - u - memory : -1 - u or None] - values[-1 - u]
            term *= term
            total += term
            if u + 1 == self.lengths[row]:
                self.sums[row] = total
                row += 1
