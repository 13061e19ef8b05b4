"""Evidence with a guarantee: rows, labels and errors against what they were after the reset."""

from dataclasses import dataclass, field
from math import sqrt
from typing import Final, Literal

import numpy as np

from drift_detector.settings import COLUMNS, Settings
from homeostat.events import Samples
from homeostat.events.columns import F4, f8
from homeostat.stats.exchangeability import ExchangeabilityWatch, Float32s
from homeostat.stats.martingales import log2
from homeostat.stats.rates import RateEvidence

Stream = Literal["inputs", "labels", "errors"]
LABEL: Final = "label"
N_WATCHES: Final = 3
"""Rows, labels, errors: each has a third of the false alarms that the guarantee allows."""

_LEVEL_DEVIATIONS: Final = 1.5
_MOST_BATCHES: Final = 2
_ROWS_PER_DELAY: Final = 8
"""Rows of calm for one row more that is waited for, up to twice the least."""


@dataclass(slots=True)
class Watching:
    """Three watches of one champion; each counts rows by itself.

    Args:
        rows: Features and the other columns of served rows; None if switched off.
        pending: Columns of rows that are not in yet, (d, n) each.
        n_pending: Their rows.
        labels: The labels themselves: whether the share of classes, or the level of targets, has moved.
        pending_labels: Labels that are not in yet.
        errors: Against "errors are no more frequent than in this stretch".
        level: Least error rate that this stretch was allowed so far.
        told: Evidence told last, in bits; 0 before anything was told.
    """

    rows: ExchangeabilityWatch | None = None
    pending: list[Float32s] = field(default_factory=list)
    n_pending: int = 0
    labels: ExchangeabilityWatch | None = None
    pending_labels: list[float] = field(default_factory=list)
    errors: RateEvidence = field(default_factory=RateEvidence)
    level: float = 1.0
    told: float = 0.0


def start_watching(n_features: int, settings: Settings) -> Watching:
    """Return watches that know nothing yet."""
    watching = Watching()
    if "martingale" in settings.members:
        width = n_features + sum(column in settings.columns for column in COLUMNS)
        watching.rows = _watch(width, settings)
        if LABEL in settings.columns:
            watching.labels = _watch(1, settings)
    return watching


def column_names(features: list[str], settings: Settings) -> list[str]:
    """Name the columns of the rows, in their order."""
    return [*features, *(column for column in COLUMNS if column in settings.columns)]


def gather(watching: Watching, values: Float32s, samples: Samples, settings: Settings) -> None:
    """Add the rows of one event to the open bucket.

    Args:
        watching: Changed.
        values: (d, n) features in the order of the contract.
        samples: The event.
        settings: Of the detector.
    """
    if watching.rows is None:
        return
    n = samples.n_rows
    rows = np.empty((watching.rows.known.size, n), F4)
    rows[: len(values)] = values
    at = len(values)
    with np.errstate(over="ignore"):  # becomes infinite, which counts as missing
        for column in COLUMNS:
            if column in settings.columns:
                raw: bytes = getattr(samples, column)
                rows[at] = f8(raw) if raw else np.nan
                at += 1
    watching.pending.append(rows)
    watching.n_pending += n


def close_rows(watching: Watching, settings: Settings, *, is_striking: bool) -> bool:
    """Take the buckets since the last time in, if there are enough rows; say whether they cross the guarantee.

    Args:
        watching: Changed.
        settings: Of the detector.
        is_striking: The last bucket lies so far off that it is taken in at once.
    """
    if watching.rows is None or not watching.pending:
        return False
    if not is_striking and not _is_due(watching.n_pending, watching.rows, settings.watch_rows):
        return False
    pending = watching.pending
    watching.pending, watching.n_pending = [], 0
    watching.rows.update(pending[0] if len(pending) == 1 else np.concatenate(pending, axis=1))
    return watching.rows.bets.statistic >= N_WATCHES * settings.run_length


def take_labels(watching: Watching, labels: list[float], settings: Settings) -> bool:
    """Take known labels in, a bucket at a time; say whether their evidence crosses the guarantee."""
    if watching.labels is None:
        return False
    watching.pending_labels += labels
    if not _is_due(len(watching.pending_labels), watching.labels, settings.label_rows):
        return False
    with np.errstate(over="ignore"):
        column = np.asarray(watching.pending_labels).astype(F4)[None, :]
    watching.pending_labels = []
    watching.labels.update(column)
    return watching.labels.bets.statistic >= N_WATCHES * settings.run_length


def take_errors(watching: Watching, total: float, n: int, level: float | None, settings: Settings) -> bool:
    """Take errors in; say whether the evidence that they rose crosses the guarantee.

    Args:
        watching: Changed.
        total: Sum of n errors in [0, 1].
        n: >= 1.
        level: They are not expected to exceed it; None while it is not known.
        settings: Of the detector.
    """
    if level is None or "betting" not in settings.members or level >= 1.0:
        return False
    # The least of what was tolerated so far: rows after a change must not make room for it.
    watching.level = min(watching.level, level)
    watching.errors.update(total, n, watching.level)
    return watching.errors.statistic() >= N_WATCHES * settings.run_length


def tolerated(n: int, errors: float, settings: Settings) -> float | None:
    """Return the error rate that rows of the present stretch may have: its own and what chance leaves open of it.

    Args:
        n: Labelled rows of the stretch so far.
        errors: Their errors.
        settings: Of the detector.

    Returns:
        None with fewer rows than `betting_labels`.
    """
    if n < settings.betting_labels:
        return None
    rate = min(max((errors + 1.0) / (n + 2.0), 0.0), 1.0)
    return rate + _LEVEL_DEVIATIONS * sqrt(rate * (1.0 - rate) / n) + settings.rate_tolerance


def relearn_rows(watching: Watching, settings: Settings) -> None:
    """What now comes in is the new normal of the served rows."""
    if watching.rows is not None:
        watching.rows = _watch(watching.rows.known.size, settings)
    watching.told = 0.0


def relearn_labels(watching: Watching, settings: Settings) -> None:
    """What now comes in is the new normal of the labels."""
    if watching.labels is not None:
        watching.labels = _watch(1, settings)
    watching.told = 0.0


def relearn_errors(watching: Watching) -> None:
    """A new stretch has begun."""
    watching.errors, watching.level, watching.told = RateEvidence(), 1.0, 0.0


def log2_e(watching: Watching) -> tuple[float, Stream, int]:
    """Return the model's evidence that something has moved, as an e-value now; where most of it lies; rows behind.

    The mean of the e-values of those watches that have begun: valid under any dependence between them.
    """
    found: list[tuple[float, Stream, int]] = []
    if watching.rows is not None and watching.rows.is_watching:
        found.append((watching.rows.bets.e_value, "inputs", watching.rows.n_rows))
    if watching.labels is not None and watching.labels.is_watching:
        found.append((watching.labels.bets.e_value, "labels", watching.labels.n_rows))
    if watching.errors.rows:
        found.append((watching.errors.e_value(), "errors", int(watching.errors.rows)))
    if not found:
        return 0.0, "inputs", 0
    total = 0.0
    for e, _, _ in found:
        total += e / len(found)
    most = max(found, key=lambda one: one[0])
    return log2(total) if total > 0.0 else 0.0, most[1], most[2]


def _is_due(n_pending: int, watch: ExchangeabilityWatch, rows: int) -> bool:
    """Say whether enough rows wait: the longer nothing has moved, the less a few rows of delay matter."""
    if n_pending < rows:
        return False
    return n_pending >= min(_MOST_BATCHES * rows, watch.n_rows // _ROWS_PER_DELAY)


def _watch(width: int, settings: Settings) -> ExchangeabilityWatch:
    return ExchangeabilityWatch.start(width, first=settings.first_reference_rows, full=settings.reference_rows)
