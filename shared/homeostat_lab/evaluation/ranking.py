"""Area under the ROC curve of weighted decisions: sorted once, then fast enough to be resampled."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Ranking:
    """Decisions in the order of their scores.

    Args:
        scores: (n,) higher means more likely positive; equal ones count half.
        is_positive: (n,) outcomes.
    """

    def __init__(self, scores: Floats, is_positive: NDArray[np.bool_]) -> None:
        self._order = np.argsort(scores, kind="stable")
        ranked = scores[self._order]
        self._starts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))
        self._is_positive = is_positive[self._order]

    def auc(self, weights: Floats | None = None) -> float:
        """Return the chance that a positive ranks above a negative; NaN without both.

        Args:
            weights: (n,) how often each decision counts, in the order given; once by default.
        """
        ranked = np.ones(len(self._order)) if weights is None else weights[self._order]
        positive = np.add.reduceat(ranked * self._is_positive, self._starts)
        negative = np.add.reduceat(ranked * ~self._is_positive, self._starts)
        pairs = positive.sum() * negative.sum()
        if pairs == 0.0:
            return float("nan")
        below = np.cumsum(negative) - negative
        return float((positive * (below + negative / 2.0)).sum() / pairs)
