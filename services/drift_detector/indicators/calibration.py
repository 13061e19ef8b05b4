"""Whether scores say how often a model is right: Brier score and reliability, before and after a retrain."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from homeostat.stats.portable import FloatArray, fixed_sum

N_SCORE_BINS: Final = 10
_REMEMBERED_ROWS: Final = 1000
_MOST_WAITING: Final = 1024
_LEAST_ROWS: Final = 200


class Scored(NamedTuple):
    """How far scores are from being right, over some rows.

    Args:
        n: Rows.
        brier: Mean squared difference.
        expected_error: Mean distance between score and share of right rows over the tenths of the score, by rows.
    """

    n: int
    brier: float
    expected_error: float


@dataclass(slots=True)
class Calibration:
    """Sums over labelled rows with a score in [0, 1].

    Rows wait and are counted many at a time: `settle` counts them, before anything is read.

    Args:
        brier: Of squared differences between score and being right.
        bin_n: Rows by tenth of the score, (10,).
        bin_score: Their scores, (10,).
        bin_right: How many were right, (10,).
        waiting: Scores, then errors, of rows that are not counted yet, (n,) each, in turns.
        n_waiting: Their number.
    """

    brier: float = 0.0
    bin_n: FloatArray = field(default_factory=lambda: np.zeros(N_SCORE_BINS))
    bin_score: FloatArray = field(default_factory=lambda: np.zeros(N_SCORE_BINS))
    bin_right: FloatArray = field(default_factory=lambda: np.zeros(N_SCORE_BINS))
    waiting: list[FloatArray] = field(default_factory=list)
    n_waiting: int = 0

    @property
    def n(self) -> float:
        """Rows; a fraction where old ones count for less."""
        return float(np.add.accumulate(self.bin_n)[-1])

    def update(self, score: FloatArray, errors: FloatArray) -> None:
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

    def scored(self) -> Scored | None:
        """Return how far the scores are from being right; None without rows."""
        self.settle()
        n = float(np.add.accumulate(self.bin_n)[-1])
        if not int(n):
            return None
        distance = np.abs(self.bin_score - self.bin_right)
        expected = fixed_sum(np.where(self.bin_n > 0.0, distance, 0.0)) / max(n, 1.0)
        return Scored(int(n), self.brier / n, expected)


@dataclass(slots=True)
class Retrain:
    """The calibration of a champion, and of the one that it was promoted in the place of.

    Args:
        own: Of the champion, without the rows of the open indicator window.
        before: Of the one before, until both have been published; None if there is nothing to compare with.
    """

    own: Calibration = field(default_factory=Calibration)
    before: Calibration | None = None

    def promote(self, window: Calibration) -> None:
        """Keep what there is of the champion as that of the one before; begin anew with another.

        Args:
            window: Of the open indicator window.
        """
        window.settle()
        self.own.add(window)
        self.before = self.own if self.own.n else None
        self.own = Calibration()

    def update(self, window: Calibration) -> tuple[Scored, Scored] | None:
        """Add what a closed indicator window has counted.

        Returns:
            Once, from 200 rows on: how the scores of the champion before were, and how those of this one are.
        """
        self.own.add(window)
        if self.before is None or self.own.n < _LEAST_ROWS:
            return None
        scored, self.before = (self.before.scored(), self.own.scored()), None
        before, after = scored
        return (before, after) if before is not None and after is not None else None
