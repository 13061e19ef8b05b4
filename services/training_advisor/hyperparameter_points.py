"""Hyperparameters as points between which there is a distance."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from homeostat.events.base import Scalar
from homeostat.stats.portable import FloatArray

_MAX_COLUMNS: Final = 64
_MAX_NUMBER: Final = 1e100
"""A number beyond it counts as a word: ranges would overflow."""
_HALF: Final = 0.5
"""Value of a category's column: two columns differ between two categories, which are then as far apart as two ends."""


def points_of(options: Sequence[dict[str, Scalar]]) -> FloatArray:
    """Return the points (c, d), d in 0..64, of c sets of hyperparameters; all numbers are in [0, 1].

    A hyperparameter that is always a number is one column, scaled to its range; any other, and whether it is there at
    all, is a column per value. What never varies is left out, and so is what comes after 64 columns.
    """
    columns: list[FloatArray] = []
    for name in sorted({name for option in options for name in option}):
        values = [option.get(name) for option in options]
        numbers = np.array([_number(value) for value in values])
        is_number = np.isfinite(numbers)
        if all(number or value is None for number, value in zip(is_number, values, strict=True)):
            low, high = numbers[is_number].min(), numbers[is_number].max()
            if high > low:
                columns.append(np.where(is_number, (numbers - low) / (high - low), 0.0))
            if not is_number.all():
                columns.append(np.where(is_number, 0.0, _HALF))
        else:
            texts = [str(value) for value in values]
            kinds = sorted(set(texts))
            columns += [np.array([_HALF * (text == kind) for text in texts]) for kind in kinds if len(kinds) > 1]
        if len(columns) >= _MAX_COLUMNS:
            break
    return np.array(columns[:_MAX_COLUMNS]).reshape(-1, len(options)).T.copy()


def _number(value: Scalar | None) -> float:
    return float(value) if isinstance(value, int | float) and abs(value) < _MAX_NUMBER else np.nan
