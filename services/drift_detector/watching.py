"""Evidence with a guarantee: rows, labels and errors against what they were after the reset."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

import numpy as np

from drift_detector.reference import Floats
from drift_detector.settings import COLUMNS, Settings
from homeostat.events import Samples
from homeostat.events.columns import F4, f8
from homeostat.stats.exchangeability import ExchangeabilityWatch, Float32s
from homeostat.stats.martingales import HEAD_START
from homeostat.stats.rates import RateEvidence

Stream = Literal["inputs", "labels", "errors"]
LABEL: Final = "label"
N_WATCHES: Final = 3
"""Rows, labels, errors: each has a third of the false alarms that the guarantee allows."""

_MOST_BATCHES: Final = 2
_ROWS_PER_DELAY: Final = 8
"""Rows of calm for one row more that is waited for, up to twice the least."""


class Tolerated(NamedTuple):
    """An error rate that is no drift, and the rows that it was estimated from."""

    rate: float
    n: int


@dataclass(slots=True)
class Watching:
    """Three watches of one champion; each counts rows by itself.

    Args:
        rows: Features and the other columns of served rows; None if switched off.
        pending: Columns of rows that are not in yet, (d, n) each.
        n_pending: Their rows.
        labels: The labels themselves: whether the share of classes, or the level of targets, has moved.
        pending_labels: Labels that are not in yet, (n,) each.
        n_pending_labels: Their number.
        errors: Against "errors are no more frequent than in this stretch".
        told: Evidence told last, in bits; 0 before anything was told.
    """

    rows: ExchangeabilityWatch | None = None
    pending: list[Float32s] = field(default_factory=list)
    n_pending: int = 0
    labels: ExchangeabilityWatch | None = None
    pending_labels: list[Floats] = field(default_factory=list)
    n_pending_labels: int = 0
    errors: RateEvidence = field(default_factory=RateEvidence)
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


def gather(
    watching: Watching, values: Float32s, samples: Samples, settings: Settings, offset: Floats | None = None
) -> Float32s | None:
    """Add the rows of one event to the open bucket.

    Args:
        watching: Changed.
        values: (d, n) features in the order of the contract.
        samples: The event.
        settings: Of the detector.
        offset: (c, 1) or (c, n) to be taken off the other columns.

    Returns:
        (d + c, n) features and other columns, not to be changed; None if no rows are watched.
    """
    if watching.rows is None:
        return None
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
    if offset is not None:
        rows[len(values) :] -= offset
    watching.pending.append(rows)
    watching.n_pending += n
    return rows


def close_rows(
    watching: Watching, settings: Settings, is_striking: Callable[[], bool], is_noise: Callable[[Float32s], bool]
) -> bool:
    """Take the buckets since the last time in, if there are enough rows; say whether they cross the guarantee.

    Args:
        watching: Changed.
        settings: Of the detector.
        is_striking: Says whether the last bucket lies so far off that it is taken in at once.
        is_noise: Says whether rows say so little that nothing is bet on them.
    """
    if watching.rows is None or not watching.pending:
        return False
    if not _is_due(watching.n_pending, watching.rows, settings.watch_rows) and not is_striking():
        return False
    pending = watching.pending
    watching.pending, watching.n_pending = [], 0
    rows = pending[0] if len(pending) == 1 else np.concatenate(pending, axis=1)
    if is_noise(rows):
        return False
    watching.rows.update(rows)
    return watching.rows.bets.statistic >= _limit(settings)


def take_labels(watching: Watching, labels: Floats, settings: Settings) -> bool:
    """Take labels in, NaN for those not known yet, a bucket at a time; say whether they cross the guarantee."""
    if watching.labels is None:
        return False
    known = labels == labels
    if not known.all():
        labels = labels[known]
    if labels.size:
        watching.pending_labels.append(labels)
        watching.n_pending_labels += labels.size
    if not _is_due(watching.n_pending_labels, watching.labels, settings.label_rows):
        return False
    with np.errstate(over="ignore"):
        column = np.concatenate(watching.pending_labels).astype(F4)[None, :]
    watching.pending_labels, watching.n_pending_labels = [], 0
    watching.labels.update(column)
    return watching.labels.bets.statistic >= _limit(settings)


def take_errors(watching: Watching, total: float, n: int, level: Tolerated | None, settings: Settings) -> bool:
    """Take errors in; say whether the evidence that they rose crosses the guarantee.

    Args:
        watching: Changed.
        total: Sum of n errors in [0, 1].
        n: >= 1.
        level: What they are not expected to exceed; None while it is not known.
        settings: Of the detector.
    """
    if level is None or "betting" not in settings.members or level.rate >= 1.0:
        return False
    watching.errors.update(total, n, level.rate, level.n)
    return watching.errors.statistic() >= _limit(settings)


def tolerated(n: int, errors: float, settings: Settings) -> Tolerated | None:
    """Return the error rate that rows of the present stretch may have: its own, by Laplace's rule, and a tolerance.

    What chance leaves open of it is the bets' to account for. For that it must be made of all rows so far.

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
    return Tolerated(rate + settings.rate_tolerance, n)


def relearn_rows(watching: Watching, settings: Settings) -> None:
    """What now comes in is the new normal of the served rows."""
    if watching.rows is not None:
        watching.rows = _watch(watching.rows.known.size, settings)


def relearn_labels(watching: Watching, settings: Settings) -> None:
    """What now comes in is the new normal of the labels."""
    if watching.labels is not None:
        watching.labels = _watch(1, settings)


def relearn_errors(watching: Watching) -> None:
    """A new stretch has begun."""
    watching.errors = RateEvidence()


def e_value(watching: Watching) -> tuple[float, Stream]:
    """Return the model's evidence that something has moved; where most of it lies.

    The mean of the e-values of those watches that have begun, 1 before: valid under any dependence between them, per
    epoch of rows (`TiltedMartingales`).
    """
    found: list[tuple[float, Stream]] = []
    if watching.rows is not None and watching.rows.is_watching:
        found.append((watching.rows.bets.e_value, "inputs"))
    if watching.labels is not None and watching.labels.is_watching:
        found.append((watching.labels.bets.e_value, "labels"))
    if watching.errors.rows:
        found.append((watching.errors.e_value(), "errors"))
    if not found:
        return 1.0, "inputs"
    total = 0.0
    for e, _ in found:
        total += e / len(found)
    return total, max(found, key=lambda one: one[0])[1]


def n_rows_of(watching: Watching, stream: Stream) -> int:
    """Return the rows behind the evidence of a stream."""
    if stream == "errors":
        return int(watching.errors.rows)
    watch = watching.rows if stream == "inputs" else watching.labels
    return watch.n_rows if watch is not None else 0


def _limit(settings: Settings) -> float:
    """Return what a statistic must reach: its run length, and the head start that it was given."""
    return N_WATCHES * settings.run_length + HEAD_START


def _is_due(n_pending: int, watch: ExchangeabilityWatch, rows: int) -> bool:
    """Say whether enough rows wait: the longer nothing has moved, the less a few rows of delay matter."""
    if n_pending < rows:
        return False
    return n_pending >= _MOST_BATCHES * rows or n_pending >= watch.n_rows // _ROWS_PER_DELAY


def _watch(width: int, settings: Settings) -> ExchangeabilityWatch:
    return ExchangeabilityWatch.start(width, first=settings.first_reference_rows, full=settings.reference_rows)
