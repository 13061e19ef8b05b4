"""Features that stop coming: bets against "they are missing no more often than they were"."""

from copy import copy
from dataclasses import dataclass, field
from math import sqrt
from typing import Final

import numpy as np

from homeostat.services.drift_detector.input.input_buckets import InputBucket
from homeostat.services.drift_detector.monitor.shift import Shift
from homeostat.services.drift_detector.settings import N_MONITORS, Settings
from homeostat.stats.martingales import HEAD_START, log2
from homeostat.stats.portable import FloatArray
from homeostat.stats.rates import RateEvidence

_SHARE: Final = 0.01
"""Of the false alarms that one watch is allowed: what stops coming is soon missing often enough for that."""

_CALM_WATCHES: Final = 4
"""So many times the rows are waited for while none has an unknown value."""

_URGENT_ROWS: Final = 40.0
"""Rows without a value that are looked into at once, of a feature that was hardly ever without."""

_TOLERANCE: Final = 0.01
_FREQUENT: Final = 0.1
_LEAST_RATE: Final = 0.005


@dataclass(slots=True)
class Missing:
    """Unknown values of each feature since the reset, or since its outage was published.

    Attributes:
        n_rows: Rows whose share of unknown values is known.
        lost: (d,) unknown values among them.
        published_at: (d,) rows when a feature's outage was published: it is learned anew since; 0 if never.
        n_pending: Rows since.
        pending: (d,) unknown values among those.
        has_pending: There are any.
        complete: The evidence of all features that were never unknown: theirs is the same.
        evidence: That of each other feature.
        begun: Bucket that each feature began to be missing with more often than it was, while it is.
    """

    n_rows: int = 0
    lost: FloatArray = field(default_factory=lambda: np.zeros(1))
    published_at: FloatArray = field(default_factory=lambda: np.zeros(1))
    n_pending: int = 0
    pending: FloatArray = field(default_factory=lambda: np.zeros(1))
    has_pending: bool = False
    complete: RateEvidence = field(default_factory=RateEvidence)
    evidence: dict[str, RateEvidence] = field(default_factory=dict)
    begun: dict[str, int] = field(default_factory=dict)

    @classmethod
    def initial(cls, n_features: int) -> "Missing":
        """Return what is known before any row."""
        return cls(lost=np.zeros(n_features), published_at=np.zeros(n_features), pending=np.zeros(n_features))

    def update(self, features: list[str], lost: FloatArray | None, n: int, bucket: int) -> None:
        """Take a bucket in.

        Args:
            features: Their names.
            lost: (d,) unknown values; None if there are none.
            n: Rows, >= 1.
            bucket: Number of the bucket.
        """
        self.n_pending += n
        if lost is None:
            if self.begun:
                self.begun.clear()
            return
        self.has_pending = True
        self.pending += lost
        usual = self.lost / np.maximum(self.n_rows - self.published_at, 1.0)
        for column in range(lost.size):
            name = features[column]
            if lost[column] > (2.0 * usual[column] + _FREQUENT) * n:
                self.begun.setdefault(name, bucket)
            else:
                self.begun.pop(name, None)

    def pass_over(self) -> None:
        """Leave out the rows since the last time."""
        self.n_pending, self.pending, self.has_pending = 0, np.zeros(self.pending.size), False

    def detect(self, features: list[str], history: list[InputBucket], settings: Settings) -> Shift | None:
        """Bet on the rows since the last time, if there are enough; say what is missing beyond the guarantee.

        What has been said is usual from then on: nothing is said twice, and of the other features nothing is forgotten.

        Args:
            features: Their names.
            history: Remembered buckets, oldest first.
            settings: Of the detector.
        """
        n, d = self.n_pending, len(features)
        is_usual = (self.published_at > 0.0) | (self.lost > _FREQUENT * self.n_rows)
        is_urgent = self.has_pending and bool(((self.pending >= _URGENT_ROWS) & ~is_usual).any())
        if not d or (n < (1 if self.has_pending else _CALM_WATCHES) * settings.watch_rows and not is_urgent):
            return None
        found = list[tuple[float, str]]()
        limit = N_MONITORS * settings.run_length * d / _SHARE + HEAD_START
        if self.n_rows >= settings.first_reference_rows:
            for column, name in enumerate(features) if self.has_pending or self.evidence else ():
                if self.pending[column] and name not in self.evidence:
                    self.evidence[name] = _copy(self.complete)
                rows = self.n_rows - int(self.published_at[column])
                if name in self.evidence and (not self.published_at[column] or rows >= settings.reference_rows):
                    rate = self._rate(column)
                    if rate < 1.0:
                        self.evidence[name].update(float(self.pending[column]), n, rate, rows)
                    if self.evidence[name].statistic() >= limit:
                        found.append((self.evidence[name].statistic(), name))
            if len(self.evidence) < d:
                self.complete.update(0.0, n, 1.0 / (self.n_rows + 2.0) + _TOLERANCE, self.n_rows)
        answer = self._outage(features, sorted(found, key=lambda one: (-one[0], one[1])), limit, history)
        for _, name in found:
            column = features.index(name)
            self.published_at[column], self.lost[column], self.pending[column] = self.n_rows + n, 0.0, 0.0
            self.evidence[name] = RateEvidence()
        self.n_rows += n
        if self.has_pending:
            self.lost = self.lost + self.pending
        self.pass_over()
        return answer

    def _outage(
        self, features: list[str], found: list[tuple[float, str]], limit: float, history: list[InputBucket]
    ) -> Shift | None:
        """Return the shift of the features that were found, the strongest first, with their statistics."""
        if not found:
            return None
        statistic, first = found[0]
        column, total = features.index(first), 0.0
        for name in features:
            total += self.evidence.get(name, self.complete).e_value()
        share, rate = float(self.pending[column]) / self.n_pending, self._rate(column)
        variance = max(rate, _LEAST_RATE) * (1.0 - min(rate, 1.0 - _LEAST_RATE))
        begun = self.begun.get(first, history[-1].index)
        return Shift(
            detector="missing",
            features=tuple(name for _, name in found),
            onset=next(bucket for bucket in history if bucket.index >= begun),
            deviations=(share - rate) / sqrt(variance),
            statistic=log2(statistic),
            threshold=log2(limit),
            log2_e=log2(total / len(features)),
            reference_rows=self.n_rows,
        )

    def _rate(self, column: int) -> float:
        """Return the share of rows that a feature may be missing in: its own, by Laplace's rule, and a tolerance."""
        return (float(self.lost[column]) + 1.0) / (self.n_rows - float(self.published_at[column]) + 2.0) + _TOLERANCE


def _copy(evidence: RateEvidence) -> RateEvidence:
    own = copy(evidence)
    own.detector = list(evidence.detector)
    return own
