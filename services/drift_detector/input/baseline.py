"""What a champion's columns looked like at first: the histogram that people compare the present one with."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from homeostat.stats.exchangeability import UNKNOWN_FROM, Float32s
from homeostat.stats.portable import FloatArray

_TENTHS: Final = 10
_N_EDGES: Final = _TENTHS + 1
_N_BINS: Final = _N_EDGES + 2
"""Below all, ten of equal counts, above all, unknown."""

_COUNTED_ROWS: Final = 100
"""Of each batch, evenly spread: more rows make the numbers hardly better."""

_CALM_ROWS: Final = 400

_FADING: Final = 0.5


@dataclass(slots=True)
class Baseline:
    """Histograms of raw columns, as they came, over bins of the champion's first rows.

    It ends with the champion: a detection or a clearance begins the tests anew, but people ask how far things have
    gone since the champion was new.

    Attributes:
        raw: (d, n) first rows, while they are collected.
        n_raw: Their number.
        edges: (d, 11) lowest values of the bins but the first; (d, 0) before they are known.
        expected: (d, 13) first rows by bin.
        seen: (d, 13) rows since they were last published.
        is_even: Every other large batch is left out.
        recent: (d, 13) the newest rows; each batch halves what was before.
    """

    raw: list[Float32s] = field(default_factory=list)
    n_raw: int = 0
    edges: Float32s = field(default_factory=lambda: np.zeros((1, 0), np.float32))
    expected: FloatArray = field(default_factory=lambda: np.zeros((1, _N_BINS)))
    seen: FloatArray = field(default_factory=lambda: np.zeros((1, _N_BINS)))
    is_even: bool = False
    recent: FloatArray = field(default_factory=lambda: np.zeros((1, _N_BINS)))

    @property
    def is_known(self) -> bool:
        """Whether there is something to compare with."""
        return bool(self.edges.shape[1])

    def update(self, rows: Float32s, *, reference_rows: int) -> None:
        """Take a batch in.

        Args:
            rows: (d, n); kept while the first rows are collected, so nobody may change it.
            reference_rows: So many first rows make the bins.
        """
        if not self.edges.shape[1]:
            self.raw.append(rows)
            self.n_raw += rows.shape[1]
            if self.n_raw >= reference_rows:
                first = np.concatenate(self.raw, axis=1)
                self.raw, self.edges = [], _edges(first)
                self.expected = _counted(self.edges, first)
                self.seen, self.recent = np.zeros_like(self.expected), np.zeros_like(self.expected)
            return
        n, self.is_even = rows.shape[1], not self.is_even
        if n >= _CALM_ROWS and self.is_even:
            return  # what comes in large batches has long been calm
        counts = _counted(self.edges, rows[:, :: max(n // _COUNTED_ROWS, 1)])
        self.seen += counts
        self.recent = _FADING * self.recent + counts

    def take_seen(self) -> FloatArray:
        """Return the counts since the last time, (d, 13), and begin to count anew."""
        seen, self.seen = self.seen, np.zeros_like(self.seen)
        return seen


def _edges(first: Float32s) -> Float32s:
    edges = np.full((len(first), _N_EDGES), np.nan, np.float32)
    for column, values in enumerate(first):
        known = np.sort(values[np.abs(values) < UNKNOWN_FROM])
        if known.size:
            edges[column, :-1] = known[np.arange(_TENTHS) * known.size // _TENTHS]
            edges[column, -1] = np.nextafter(known[-1], np.float32(np.inf))
    return edges


def _counted(edges: Float32s, rows: Float32s) -> FloatArray:
    """Return the rows by bin, (d, 13)."""
    d, n = rows.shape
    known = np.full(d, float(n))
    ordered = np.sort(rows, axis=1)
    # NaN comes last and fails the comparison.
    if np.count_nonzero((ordered[:, 0] > -UNKNOWN_FROM) & (ordered[:, -1] < UNKNOWN_FROM)) < d:
        is_known = np.abs(rows) < UNKNOWN_FROM
        known = np.count_nonzero(is_known, axis=1).astype(np.float64)
        ordered = np.sort(np.where(is_known, rows, np.float32(np.nan)), axis=1)
    below = np.zeros((d, _N_BINS))
    for column, values in enumerate(ordered):
        below[column, 1:-1] = values.searchsorted(edges[column])
    np.minimum(below, known[:, None], out=below)  # NaN edges lie past NaN values
    counts = np.empty((d, _N_BINS))
    counts[:, :-2], counts[:, -2] = below[:, 1:-1] - below[:, :-2], known - below[:, -2]
    counts[:, -1] = n - known
    return counts
