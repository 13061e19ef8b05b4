"""Counts of the rows and labels of one set of indicators."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from drift_detector.reference import Floats
from homeostat.stats.portable import fixed_sum

N_SCORE_BINS: Final = 10
_MOST_SLICES: Final = 8
OTHER: Final = "other"


@dataclass(slots=True)
class Slice:
    """Labelled rows of one value of a feature.

    Args:
        n: Rows.
        errors: Their errors.
    """

    n: int = 0
    errors: float = 0.0


@dataclass(slots=True)
class Tally:
    """What the next set of indicators will say.

    Args:
        rows: Served rows.
        score: Sum of their scores.
        n_scored: Rows with a score.
        unknown: Missing values of features.
        labels: Labelled rows.
        errors: Their errors.
        lag: Sum of the seconds that late labels took.
        n_late: Number of those.
        most_lag: Longest of them.
        brier: Sum of squared differences between score and being right.
        bin_n: Rows with score and label by tenth of the score, (10,).
        bin_score: Their scores, (10,).
        bin_right: How many were right, (10,).
        slices: Error counts by `feature.value`; at most 8 a feature, later values count as `other`.
    """

    rows: int = 0
    score: float = 0.0
    n_scored: int = 0
    unknown: int = 0
    labels: int = 0
    errors: float = 0.0
    lag: float = 0.0
    n_late: int = 0
    most_lag: float = 0.0
    brier: float = 0.0
    bin_n: Floats = field(default_factory=lambda: np.zeros(N_SCORE_BINS))
    bin_score: Floats = field(default_factory=lambda: np.zeros(N_SCORE_BINS))
    bin_right: Floats = field(default_factory=lambda: np.zeros(N_SCORE_BINS))
    slices: dict[str, Slice] = field(default_factory=dict)

    def calibrate(self, confidence: Floats, errors: Floats) -> None:
        """Take scores of labelled rows in; only scores in [0, 1] speak of being right.

        Args:
            confidence: (n,) scores, NaN where unknown.
            errors: (n,) 0 or 1.
        """
        is_share = (confidence >= 0.0) & (confidence <= 1.0)
        if not is_share.any():
            return
        score, right = confidence[is_share], 1.0 - errors[is_share]
        difference = score - right
        self.brier += fixed_sum(difference * difference)
        bins = np.minimum((score * N_SCORE_BINS).astype(np.intp), N_SCORE_BINS - 1)
        self.bin_n += np.bincount(bins, minlength=N_SCORE_BINS)
        self.bin_score += np.bincount(bins, score, minlength=N_SCORE_BINS)
        self.bin_right += np.bincount(bins, right, minlength=N_SCORE_BINS)

    def delay(self, lags: Floats) -> None:
        """Take the lags of late labels in, seconds; negative and unknown ones do not count."""
        known = lags[lags >= 0.0]
        if known.size:
            self.lag += fixed_sum(known)
            self.n_late += known.size
            self.most_lag = max(self.most_lag, float(np.maximum.reduce(known)))

    def cut(self, feature: str, values: Floats, errors: Floats) -> None:
        """Count errors by the value of a feature.

        Args:
            feature: Its name.
            values: (n,) of the labelled rows.
            errors: (n,) in [0, 1].
        """
        for value, error in zip(values.tolist(), errors.tolist(), strict=True):
            name = f"{feature}.{value:g}"
            if name not in self.slices and sum(key.startswith(f"{feature}.") for key in self.slices) >= _MOST_SLICES:
                name = f"{feature}.{OTHER}"
            one = self.slices.setdefault(name, Slice())
            one.n += 1
            one.errors += error


def expected_calibration_error(tally: Tally) -> float:
    """Return the mean distance between score and share of right rows over the tenths of the score, by rows."""
    filled = tally.bin_n > 0.0
    distance = np.abs(tally.bin_score - tally.bin_right)
    return fixed_sum(np.where(filled, distance, 0.0)) / max(fixed_sum(tally.bin_n), 1.0)
