"""Counts of the rows and labels of one set of indicators."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from homeostat.services.drift_detector.errors.labelled_rows import LabelledRows
from homeostat.services.drift_detector.indicators.calibration import Calibration
from homeostat.services.drift_detector.input.input_buckets import Served
from homeostat.stats.portable import FloatArray, fixed_sum

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
class IndicatorWindow:
    """What the next set of indicators is made of.

    Args:
        rows: Served rows.
        score: Sum of their scores.
        n_scored: Rows with a score.
        unknown: Missing values by feature; only those that were ever missing.
        labels: Labelled rows.
        errors: Their errors.
        lag: Sum of the seconds that late labels took.
        n_late: Number of those.
        most_lag: Longest of them.
        calibration: What their scores said of them; classifiers only.
        slices: Error counts by `feature.value`; at most 8 a feature, later values count as `other`.
    """

    rows: int = 0
    score: float = 0.0
    n_scored: int = 0
    unknown: dict[str, int] = field(default_factory=dict)
    labels: int = 0
    errors: float = 0.0
    lag: float = 0.0
    n_late: int = 0
    most_lag: float = 0.0
    calibration: Calibration = field(default_factory=Calibration)
    slices: dict[str, Slice] = field(default_factory=dict)

    def update_rows(self, n: int, served: Served, features: list[str]) -> None:
        """Take the served rows of an event in.

        Args:
            n: Their number.
            served: What they come to.
            features: Names of the features.
        """
        self.rows += n
        self.score += served.score
        self.n_scored += served.n_scored
        if served.closed is not None and served.closed.lost is not None:
            self._lose(features, served.closed.lost)

    def _lose(self, features: list[str], lost: FloatArray) -> None:
        """Take the missing values of a bucket in, (d,)."""
        for column in np.flatnonzero(lost).tolist():
            name = features[column]
            self.unknown[name] = self.unknown.get(name, 0) + int(lost[column])

    def update_labels(self, parts: Sequence[LabelledRows], *, is_classifier: bool) -> None:
        """Take the labelled rows of an event in.

        Args:
            parts: The rows.
            is_classifier: Whether scores say how likely an answer is right.
        """
        for rows in parts:
            self.labels += rows.errors.size
            self.errors += rows.total
            for name, values in rows.slices.items():
                self._cut(name, values, rows.errors)
        if is_classifier:
            for rows in parts:
                self.calibration.update(rows.score, rows.errors)

    def update_lags(self, lags: FloatArray) -> None:
        """Take the plausible lags of late labels in, seconds."""
        if lags.size:
            self.lag += fixed_sum(lags)
            self.n_late += lags.size
            self.most_lag = max(self.most_lag, float(np.maximum.reduce(lags)))

    def _cut(self, feature: str, values: FloatArray, errors: FloatArray) -> None:
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
