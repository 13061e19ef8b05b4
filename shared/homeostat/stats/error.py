"""The one definition of a model's error: a number in [0, 1] per row, whatever unit the target has.

A classifier is wrong (1) or right (0). A regressor is off by a share of a scale of its own, so that metres and
millimetres say the same. Everything that compares, bets, or learns from errors takes them from here.
"""

from dataclasses import dataclass, field
from math import nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Unit = float | Floats | None
"""Distance that counts as a whole: one for all rows, or one a row; NaN while it is not known; None for a classifier."""

_ERRING_ROWS: Final = 50
"""Rows off the target that the scale is learned from: the deviation of their median is about a seventh of it."""

_MOST_ROWS: Final = 500
"""Rows after which one no longer waits: a model that errs in fewer than one of ten is judged by whether it errs."""

_TYPICAL_ERRORS: Final = 5.0
"""Typical errors in a scale. An error that is usual counts as a fifth: there is room for it to double, and to halve."""

_LARGEST: Final = 1e300
"""Distances from here on are no measurement; five of them are no number."""

_SAME: Final = 2.0**-46
"""Numbers that differ by less, relative to the larger, are equal: it is the rounding of whoever computed them."""

_STEP: Final = 2.0**-30
"""Errors are multiples of it: nine digits, so that rounding in one unit or another decides no comparison of two."""


@dataclass(slots=True)
class ErrorScale:
    """Scale of a regressor's errors, learned once from the first rows of its champions, and kept.

    The scale is five times the median distance between answer and truth over the first 50 rows with a distance that is
    finite and not 0: outliers do not move it while fewer than half are, and rows that are right say nothing of how far
    the others are off. Until then no row has an error. Where 500 rows do not hold 50 such distances
    being right is the rule: from there until the scale is known the unit is 0, and every distance counts as 1.

    It depends on the rows alone and on their order, not on how they are cut into calls. Whoever reads the same rows
    has the same scale.

    Attributes:
        distances: Those it is learned from; empty once it is known.
        n_rows: Rows with answer and truth while it is not known.
        value: Distance that counts as a whole; 0 while it is not known.
    """

    distances: list[float] = field(default_factory=list)
    n_rows: int = 0
    value: float = 0.0

    @property
    def unit(self) -> float:
        """Unit of the next row's error: NaN while there is none, 0 where being right is the rule."""
        return self.value if self.value > 0.0 or self.n_rows >= _MOST_ROWS else nan

    def update(self, prediction: Floats, label: Floats) -> float | Floats:
        """Learn from rows, in order; return the unit of each as it was known before the row.

        Args:
            prediction: (n,) answers of the champion; NaN where there is none.
            label: (n,) truths; NaN where not known.

        Returns:
            One unit, if it is that of all rows; else (n,).
        """
        if self.value > 0.0:
            return self.value
        distances = _distance(prediction, label)
        if self.n_rows >= _MOST_ROWS and not (distances > 0.0).any():
            return 0.0
        units = np.empty(distances.size)
        for row, distance in enumerate(distances.tolist()):
            units[row] = self.unit
            if distance == distance and self.value == 0.0:
                self._learn(distance)
        return units

    def _learn(self, distance: float) -> None:
        self.n_rows = min(self.n_rows + 1, _MOST_ROWS)
        if not 0.0 < distance < _LARGEST:
            return
        self.distances.append(distance)
        if len(self.distances) >= _ERRING_ROWS:
            self.value = _TYPICAL_ERRORS * sorted(self.distances)[_ERRING_ROWS // 2]
            self.distances = []


def error_of(prediction: Floats, label: Floats, unit: Unit) -> Floats:
    """Return the error of each row.

    Of a regressor with x = |prediction - label| / unit it is x up to one half, and 1 - 1 / (4 x) beyond, to nine
    digits: smooth, and not capped, so that of two answers that are far off the nearer one is still the better.

    Args:
        prediction: (n,); NaN where the version did not answer.
        label: (n,); NaN where not known.
        unit: Of the model's `ErrorScale`, the same for all versions that are compared; None for a classifier.

    Returns:
        (n,) in [0, 1]; NaN where prediction, label or unit is missing.
    """
    if unit is None:
        is_missing = np.isnan(prediction) | np.isnan(label)
        return np.where(is_missing, np.nan, (prediction != label).astype(np.float64))
    distance = _distance(prediction, label)
    with np.errstate(all="ignore"):
        share = np.where(distance > 0.0, distance / unit, 0.0 * (distance + unit))
        return np.rint(np.where(share <= 0.5, share, 1.0 - 0.25 / share) / _STEP) * _STEP


def _distance(prediction: Floats, label: Floats) -> Floats:
    """Return |prediction - label| per row: 0 where they differ by rounding, NaN without a finite truth."""
    with np.errstate(all="ignore"):
        distance = np.abs(prediction - label)
        size = np.maximum(np.abs(prediction), np.abs(label))
        return np.where(np.isfinite(label), np.where(distance < _SAME * size, 0.0, distance), np.nan)


def error_rate(n: int, errors: float, otherwise: float | None = None) -> float | None:
    """Return errors per row, inside [0, 1] against rounding.

    Args:
        n: Rows.
        errors: Sum of their errors.
        otherwise: What is returned without rows.
    """
    return min(max(errors / n, 0.0), 1.0) if n > 0 else otherwise
