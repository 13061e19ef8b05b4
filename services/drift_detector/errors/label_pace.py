"""How the labels of a model usually come: what says that a drift has waited for them long enough."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from homeostat.services.drift_detector.settings import Settings
from homeostat.stats.portable import FloatArray, fixed_sum

_MEMORY: Final = 256.0
"""Labels over which the usual lag is averaged."""

_DEVIATIONS: Final = 1.5
_PATIENCE: Final = 2.0
"""Multiple of what is usual that is waited for."""

_MOST_LAG_SECONDS: Final = 1e12
"""Thirty thousand years: what is beyond is a wrong clock, and its sum may not be finite."""

_REMEMBERED: Final = 8.0
"""A silence is remembered for so many times its length, fading."""


@dataclass(slots=True)
class LabelPace:
    """Lags and silences, by the event time of served rows; it outlives champions, whose labels come alike.

    Attributes:
        now: Event time of the newest row, seconds.
        last: Event time of the newest row when the last label came; of the first row before any has.
        is_labelled: A label has come.
        n_rows: Rows served since the last label.
        lag: Usual lag, seconds.
        variance: Of the lag.
        silence: Longest time without a label lately, seconds.
    """

    now: float = 0.0
    last: float | None = None
    is_labelled: bool = False
    n_rows: int = 0
    lag: float = 0.0
    variance: float = 0.0
    silence: float = 0.0

    def update(self, now: float, n_rows: int, lags: FloatArray | None) -> None:
        """Take served rows in.

        Args:
            now: Greatest event time so far, seconds.
            n_rows: Their number.
            lags: Of labels that came with them, see `update_labels`; None if none did.
        """
        self.now = now
        self.n_rows += n_rows
        if self.last is None:
            self.last = now
        if lags is not None:
            self.update_labels(lags)

    def update_labels(self, lags: FloatArray) -> None:
        """Take the arrival of labels in.

        Args:
            lags: Plausible seconds since the answers; empty where none is known, as of labels that come with the rows.
        """
        quiet = max(self.now - self.last, 0.0) if self.last is not None else 0.0
        self.silence = max(quiet, self.silence - quiet / _REMEMBERED)
        self.last, self.n_rows = self.now, 0
        if not lags.size:
            lags = np.zeros(1)
        mean = fixed_sum(lags) / lags.size
        if not self.is_labelled:
            self.lag = mean
        away = lags - self.lag
        square = fixed_sum(away * away) / lags.size
        if not self.is_labelled:
            self.variance = square
        share = min(lags.size / _MEMORY, 1.0)
        self.variance += share * (square - self.variance)
        self.lag += share * (mean - self.lag)
        self.is_labelled = True

    def patience(self) -> float:
        """Return the seconds without a label that are more than usual: twice the lag, or twice the longest silence."""
        return _PATIENCE * max(self.lag + _DEVIATIONS * sqrt(max(self.variance, 0.0)), self.silence)

    def are_overdue(self, settings: Settings) -> bool:
        """Say whether labels have failed to come for longer than usual: a model that never had one is not waited for.

        Labels of rows before a drift come for as long as labels take, so those of rows since then are waited for
        longer.

        Args:
            settings: With the served rows that are waited for at least.
        """
        if not self.is_labelled or self.last is None:
            return True
        return self.n_rows >= settings.unlabelled_rows and self.now - self.last > self.patience()


def plausible(lags: FloatArray) -> FloatArray:
    """Return the lags, seconds, that are not negative, unknown or absurd."""
    known: FloatArray = lags[(lags >= 0.0) & (lags < _MOST_LAG_SECONDS)]  # NaN fails both
    return known
