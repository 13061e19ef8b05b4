"""How the labels of a model usually come: what says that a drift has waited for them long enough."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from homeostat.services.drift_detector.reference import Floats
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.tally import plausible
from homeostat.stats.portable import fixed_sum

_MEMORY: Final = 256.0
"""Labels over which the usual lag is averaged."""

_DEVIATIONS: Final = 1.5
_PATIENCE: Final = 2.0
"""Multiple of what is usual that is waited for."""

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

    def serve(self, now: float, n_rows: int) -> None:
        """Take served rows in.

        Args:
            now: Greatest event time so far, seconds.
            n_rows: Their number.
        """
        self.now = now
        self.n_rows += n_rows
        if self.last is None:
            self.last = now

    def label(self, lags: Floats) -> None:
        """Take the arrival of labels in.

        Args:
            lags: Seconds since the answers, NaN where unknown; empty for labels that come with the rows.
        """
        quiet = max(self.now - self.last, 0.0) if self.last is not None else 0.0
        self.silence = max(quiet, self.silence - quiet / _REMEMBERED)
        self.last, self.n_rows = self.now, 0
        lags = plausible(lags)
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


def are_overdue(pace: LabelPace, settings: Settings) -> bool:
    """Say whether labels have failed to come for longer than usual: none is waited for of a model that never had one.

    Labels of rows before a drift come for as long as labels take, so those of rows since then are waited for longer.

    Args:
        pace: Of the model.
        settings: With the served rows that are waited for at least.
    """
    if not pace.is_labelled or pace.last is None:
        return True
    return pace.n_rows >= settings.unlabelled_rows and pace.now - pace.last > pace.patience()
