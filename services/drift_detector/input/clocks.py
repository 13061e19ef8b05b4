"""Features that only ever rise: unix times, row numbers, versions. They move for ever, and it means nothing."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.exchangeability import UNKNOWN_FROM, Float32s
from homeostat.stats.portable import FloatArray

_LEAST_RISES: Final = 3
_ROWS_PER_FALL: Final = 1000.0
"""A counter may begin anew so often."""

_RISES_PER_FALL: Final = 20.0

_LEAST_ROWS: Final = 250.0
"""More than one batch: one may have been sorted."""

_LEAST_BATCHES: Final = 5
_REMEMBERED_ROWS: Final = 20_000.0


@dataclass(slots=True, eq=False)
class Clocks:
    """How d features rise and fall, from row to row and from batch to batch.

    A feature is a clock if it rose at least three times and fell at most once in a thousand rows; or if five batches in
    a row lay each wholly above the one before, in whatever order their rows came. One that falls again is none.

    Attributes:
        last: (d,) last known value.
        highest: (d,) of the last batch.
        rises: (d,) rows above the one before.
        falls: (d,) rows below the one before.
        rows: (d,) known rows. From 20,000 on all three count half.
        above: (d,) batches in a row that lay above the one before.
        found: (d,) which features are clocks: nothing is concluded from them.
        published: (d,) which of them the indicators have named last.
    """

    last: Float32s
    highest: Float32s
    rises: FloatArray
    falls: FloatArray
    rows: FloatArray
    above: FloatArray
    found: NDArray[np.bool_]
    published: NDArray[np.bool_]

    @classmethod
    def initial(cls, n_features: int) -> "Clocks":
        """Return what is known before any row."""
        unknown = np.full(n_features, np.nan, np.float32)
        rises, falls, rows, above = np.zeros((4, n_features))
        nothing = np.zeros(n_features, np.bool_)
        return cls(unknown, unknown.copy(), rises, falls, rows, above, nothing, nothing)

    def update(self, rows: Float32s, n_features: int) -> Float32s:
        """Take a batch in; unknown values say nothing.

        Args:
            rows: (d + c, n), of which the first d = `n_features` are features; not changed.
            n_features: Number of features.

        Returns:
            The rows with those features unknown that only rise.
        """
        values = rows[:n_features]
        is_known = np.abs(values) < UNKNOWN_FROM
        if is_known.all():
            self._update(slice(None), values)
        else:
            for column in np.flatnonzero(is_known.any(axis=1)).tolist():
                self._update(slice(column, column + 1), values[column : column + 1, is_known[column]])
        is_long = self.rows > _REMEMBERED_ROWS
        if is_long.any():
            half = np.where(is_long, 0.5, 1.0)
            self.rises, self.falls, self.rows = half * self.rises, half * self.falls, half * self.rows
        is_rising = (self.rises >= _LEAST_RISES) & (self.falls * _RISES_PER_FALL <= self.rises)
        is_rising &= (self.falls * _ROWS_PER_FALL <= self.rows) & (self.rows >= _LEAST_ROWS)
        self.found = is_rising | (self.above >= _LEAST_BATCHES)
        return self.masked(rows) if self.found.any() else rows

    def masked(self, rows: Float32s) -> Float32s:
        """Return a copy of (d + c, n) rows with those features unknown that only rise."""
        rows = rows.copy()
        rows[np.flatnonzero(self.found)] = np.nan
        return rows

    def _update(self, columns: slice, values: Float32s) -> None:
        """Take a batch of values that are all known in."""
        if not values.size:
            return
        before, n = self.last[columns], values.shape[1]
        self.rises[columns] += np.count_nonzero(values[:, 1:] > values[:, :-1], axis=1) + (values[:, 0] > before)
        self.falls[columns] += np.count_nonzero(values[:, 1:] < values[:, :-1], axis=1) + (values[:, 0] < before)
        self.rows[columns] += n
        is_above = np.minimum.reduce(values, axis=1) > self.highest[columns]
        self.above[columns] = np.where(is_above, self.above[columns] + 1.0, 0.0)
        self.last[columns], self.highest[columns] = values[:, -1], np.maximum.reduce(values, axis=1)
