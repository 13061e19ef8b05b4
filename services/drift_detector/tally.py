"""Counts of the rows and labels of one set of indicators."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from homeostat.services.drift_detector.calibration import Calibration
from homeostat.services.drift_detector.reference import Floats
from homeostat.stats.portable import fixed_sum

_MOST_SLICES: Final = 8
_MOST_LAG_SECONDS: Final = 1e12
"""Thirty thousand years: what is beyond is a wrong clock, and its sum may not be finite."""
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

    def lose(self, features: list[str], lost: Floats) -> None:
        """Take the missing values of a bucket in, (d,)."""
        for column in np.flatnonzero(lost).tolist():
            name = features[column]
            self.unknown[name] = self.unknown.get(name, 0) + int(lost[column])

    def delay(self, lags: Floats) -> None:
        """Take the lags of late labels in, seconds; negative, unknown and absurd ones do not count."""
        known = plausible(lags)
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


def plausible(lags: Floats) -> Floats:
    """Return the lags, seconds, that are not negative, unknown or absurd."""
    known: Floats = lags[(lags >= 0.0) & (lags < _MOST_LAG_SECONDS)]  # NaN fails both
    return known
