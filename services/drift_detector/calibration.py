"""Whether scores say how often a model is right: Brier score and reliability, before and after a retrain."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from homeostat.services.drift_detector.reference import Floats
from homeostat.stats.portable import fixed_sum

N_SCORE_BINS: Final = 10
_REMEMBERED_ROWS: Final = 1000
_MOST_WAITING: Final = 1024


@dataclass(slots=True)
class Calibration:
    """Sums over labelled rows with a score in [0, 1].

    Rows wait and are counted many at a time: before anything is read, call `settle`.

    Args:
        brier: Of squared differences between score and being right.
        bin_n: Rows by tenth of the score, (10,).
        bin_score: Their scores, (10,).
        bin_right: How many were right, (10,).
        waiting: Scores, then errors, of rows that are not counted yet, (n,) each, in turns.
        n_waiting: Their number.
    """

    brier: float = 0.0
    bin_n: Floats = field(default_factory=lambda: np.zeros(N_SCORE_BINS))
    bin_score: Floats = field(default_factory=lambda: np.zeros(N_SCORE_BINS))
    bin_right: Floats = field(default_factory=lambda: np.zeros(N_SCORE_BINS))
    waiting: list[Floats] = field(default_factory=list)
    n_waiting: int = 0

    @property
    def n(self) -> float:
        """Rows; a fraction where old ones count for less."""
        return float(np.add.accumulate(self.bin_n)[-1])

    def take(self, score: Floats, errors: Floats) -> None:
        """Take labelled rows in.

        Args:
            score: (n,), NaN where unknown.
            errors: (n,) 0 or 1.
        """
        self.waiting += (score, errors)
        self.n_waiting += score.size
        if self.n_waiting >= _MOST_WAITING:
            self.settle()

    def settle(self) -> None:
        """Count the rows that wait."""
        if not self.waiting:
            return
        score, errors = np.concatenate(self.waiting[::2]), np.concatenate(self.waiting[1::2])
        self.waiting, self.n_waiting = [], 0
        is_share = (score >= 0.0) & (score <= 1.0)
        if not is_share.all():
            score, errors = score[is_share], errors[is_share]
        if not score.size:
            return
        right = 1.0 - errors
        difference = score - right
        self.brier += fixed_sum(difference * difference)
        bins = np.minimum((score * N_SCORE_BINS).astype(np.intp), N_SCORE_BINS - 1)
        self.bin_n += np.bincount(bins, minlength=N_SCORE_BINS)
        self.bin_score += np.bincount(bins, score, minlength=N_SCORE_BINS)
        self.bin_right += np.bincount(bins, right, minlength=N_SCORE_BINS)

    def add(self, other: "Calibration") -> None:
        """Take what another has counted in; from 1,000 rows on, what was before counts half. Both are settled."""
        share = 0.5 if self.n > _REMEMBERED_ROWS else 1.0
        self.brier = share * self.brier + other.brier
        self.bin_n = share * self.bin_n + other.bin_n
        self.bin_score = share * self.bin_score + other.bin_score
        self.bin_right = share * self.bin_right + other.bin_right

    def brier_score(self) -> float:
        """Return the mean squared difference; requires rows."""
        return self.brier / self.n

    def expected_error(self) -> float:
        """Return the mean distance between score and share of right rows over the tenths of the score, by rows."""
        distance = np.abs(self.bin_score - self.bin_right)
        return fixed_sum(np.where(self.bin_n > 0.0, distance, 0.0)) / max(self.n, 1.0)
