"""Features that stop coming: bets against "they are missing no more often than they were"."""

from copy import copy
from dataclasses import dataclass, field
from math import sqrt
from typing import Final

import numpy as np

from homeostat.services.drift_detector.reference import Floats
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.watching import N_WATCHES
from homeostat.stats.martingales import HEAD_START, log2
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
    """Unknown values of each feature since the reset, or since that was told.

    Attributes:
        n_rows: Rows whose share of unknown values is known.
        lost: (d,) unknown values among them.
        told_at: (d,) rows when a feature's outage was told: it is learned anew since; 0 if never.
        is_any: The open bucket has unknown values.
        n_pending: Rows since.
        pending: (d,) unknown values among those.
        has_pending: There are any.
        complete: The evidence of all features that were never unknown: theirs is the same.
        evidence: That of each other feature.
        begun: Bucket that each feature began to be missing with more often than it was, while it is.
    """

    n_rows: int = 0
    lost: Floats = field(default_factory=lambda: np.zeros(1))
    told_at: Floats = field(default_factory=lambda: np.zeros(1))
    is_any: bool = False
    n_pending: int = 0
    pending: Floats = field(default_factory=lambda: np.zeros(1))
    has_pending: bool = False
    complete: RateEvidence = field(default_factory=RateEvidence)
    evidence: dict[str, RateEvidence] = field(default_factory=dict)
    begun: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outage:
    """Features that are missing more often than they were.

    Args:
        features: The strongest first.
        batch: Bucket that the first of them began with.
        statistic: Of that feature.
        threshold: Its limit.
        e_value: Of all features together.
        deviations: Of its share of missing rows, in standard deviations of a row.
        n_rows: Rows that said what is usual.
    """

    features: tuple[str, ...]
    batch: int
    statistic: float
    threshold: float
    e_value: float
    deviations: float
    n_rows: int


def start_missing(n_features: int) -> Missing:
    """Return what is known before any row."""
    return Missing(lost=np.zeros(n_features), told_at=np.zeros(n_features), pending=np.zeros(n_features))


def take_complete(missing: Missing, n: int) -> None:
    """Take a bucket of n rows in that has no unknown value."""
    missing.n_pending += n
    if missing.begun:
        missing.begun.clear()


def take_missing(missing: Missing, features: list[str], lost: Floats, n: int, batch: int) -> None:
    """Take a bucket in that has unknown values.

    Args:
        missing: Changed.
        features: Their names.
        lost: (d,) unknown values.
        n: Rows, >= 1.
        batch: Number of the bucket.
    """
    missing.is_any, missing.has_pending = False, True
    missing.n_pending += n
    missing.pending += lost
    usual = missing.lost / np.maximum(missing.n_rows - missing.told_at, 1.0)
    for column in range(lost.size):
        name = features[column]
        if lost[column] > (2.0 * usual[column] + _FREQUENT) * n:
            missing.begun.setdefault(name, batch)
        else:
            missing.begun.pop(name, None)


def pass_over(missing: Missing) -> None:
    """Leave out the rows since the last time."""
    missing.n_pending, missing.pending, missing.has_pending = 0, np.zeros(missing.pending.size), False


def outage(missing: Missing, features: list[str], batch: int, settings: Settings) -> Outage | None:
    """Bet on the rows since the last time, if there are enough; say what is missing beyond the guarantee.

    What has been said is usual from then on: nothing is said twice, and of the other features nothing is forgotten.

    Args:
        missing: Changed.
        features: Their names.
        batch: The newest bucket.
        settings: Of the detector.
    """
    n, d = missing.n_pending, len(features)
    is_usual = (missing.told_at > 0.0) | (missing.lost > _FREQUENT * missing.n_rows)
    is_urgent = missing.has_pending and bool(((missing.pending >= _URGENT_ROWS) & ~is_usual).any())
    if not d or (n < (1 if missing.has_pending else _CALM_WATCHES) * settings.watch_rows and not is_urgent):
        return None
    found = list[tuple[float, str]]()
    limit = N_WATCHES * settings.run_length * d / _SHARE + HEAD_START
    if missing.n_rows >= settings.first_reference_rows:
        for column, name in enumerate(features) if missing.has_pending or missing.evidence else ():
            if missing.pending[column] and name not in missing.evidence:
                missing.evidence[name] = _copy(missing.complete)
            rows = missing.n_rows - int(missing.told_at[column])
            if name in missing.evidence and (not missing.told_at[column] or rows >= settings.reference_rows):
                rate = _rate(missing, column)
                if rate < 1.0:
                    missing.evidence[name].update(float(missing.pending[column]), n, rate, rows)
                if missing.evidence[name].statistic() >= limit:
                    found.append((missing.evidence[name].statistic(), name))
        if len(missing.evidence) < d:
            missing.complete.update(0.0, n, 1.0 / (missing.n_rows + 2.0) + _TOLERANCE, missing.n_rows)
    answer = _outage(missing, features, sorted(found, key=lambda one: (-one[0], one[1])), limit, batch)
    for _, name in found:
        column = features.index(name)
        missing.told_at[column], missing.lost[column], missing.pending[column] = missing.n_rows + n, 0.0, 0.0
        missing.evidence[name] = RateEvidence()
    missing.n_rows += n
    if missing.has_pending:
        missing.lost = missing.lost + missing.pending
    pass_over(missing)
    return answer


def _outage(
    missing: Missing, features: list[str], found: list[tuple[float, str]], limit: float, batch: int
) -> Outage | None:
    if not found:
        return None
    statistic, first = found[0]
    column, total = features.index(first), 0.0
    for name in features:
        total += missing.evidence.get(name, missing.complete).e_value()
    share, rate = float(missing.pending[column]) / missing.n_pending, _rate(missing, column)
    variance = max(rate, _LEAST_RATE) * (1.0 - min(rate, 1.0 - _LEAST_RATE))
    return Outage(
        features=tuple(name for _, name in found),
        batch=missing.begun.get(first, batch),
        statistic=log2(statistic),
        threshold=log2(limit),
        e_value=total / len(features),
        deviations=(share - rate) / sqrt(variance),
        n_rows=missing.n_rows,
    )


def _rate(missing: Missing, column: int) -> float:
    """Return the share of rows that a feature may be missing in: its own, by Laplace's rule, and a tolerance."""
    return (float(missing.lost[column]) + 1.0) / (missing.n_rows - float(missing.told_at[column]) + 2.0) + _TOLERANCE


def _copy(evidence: RateEvidence) -> RateEvidence:
    own = copy(evidence)
    own.detector = list(evidence.detector)
    return own
