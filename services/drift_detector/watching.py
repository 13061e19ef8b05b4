"""Evidence with a guarantee: rows, labels and errors against what they were after the reset."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

import numpy as np

from homeostat.events import Samples
from homeostat.events.columns import F4, f8
from homeostat.services.drift_detector.reference import Floats
from homeostat.services.drift_detector.settings import COLUMNS, Settings
from homeostat.stats.correlation import CorrelationWatch
from homeostat.stats.exchangeability import ExchangeabilityWatch, Float32s
from homeostat.stats.martingales import HEAD_START
from homeostat.stats.rates import RateEvidence
from homeostat.stats.same_hours import SameHours
from homeostat.stats.steps import Step
from homeostat.stats.trail import NOTHING, Found, Trail, judged

Stream = Literal["inputs", "labels", "errors"]
LABEL: Final = "label"
N_WATCHES: Final = 4
"""Rows, their correlations, labels, errors: each has a quarter of the false alarms that the guarantee allows."""

_MOST_BATCHES: Final = 2
_ROWS_PER_DELAY: Final = 8
"""Rows of calm for one row more that is waited for, up to twice the least."""


class Tolerated(NamedTuple):
    """An error rate that is no drift, and the rows that it was estimated from."""

    rate: float
    n: int


@dataclass(slots=True)
class Watching:
    """Four watches of one champion; each counts rows by itself.

    Args:
        rows: Features and the other columns of served rows; None if switched off.
        trail: Of the rows.
        correlation: Of the features with each other.
        pending: Columns of rows that are not in yet, (d, n) each.
        n_pending: Their rows.
        pending_seconds: Sum of their event times.
        labels: The labels themselves: whether the share of classes, or the level of targets, has moved.
        label_trail: Of the labels.
        pending_labels: Labels that are not in yet, (n,) each.
        n_pending_labels: Their number.
        pending_label_seconds: Sum of the event times of what they belong to.
        errors: Against "errors are no more frequent than in this stretch".
        told: Evidence told last, in bits; 0 before anything was told.
    """

    rows: ExchangeabilityWatch | None = None
    pending: list[Float32s] = field(default_factory=list)
    n_pending: int = 0
    pending_seconds: float = 0.0
    trail: Trail = field(default_factory=Trail)
    correlation: CorrelationWatch = field(default_factory=lambda: _correlation(Settings()))
    labels: ExchangeabilityWatch | None = None
    pending_labels: list[Float32s] = field(default_factory=list)
    n_pending_labels: int = 0
    pending_label_seconds: float = 0.0
    label_trail: Trail = field(default_factory=Trail)
    errors: RateEvidence = field(default_factory=RateEvidence)
    told: float = 0.0


def start_watching(n_features: int, settings: Settings) -> Watching:
    """Return watches that know nothing yet."""
    watching = Watching()
    if "martingale" in settings.members:
        width = n_features + sum(column in settings.columns for column in COLUMNS)
        watching.rows, watching.correlation = _watch(width, settings), _correlation(settings)
        if LABEL in settings.columns:
            watching.labels = _watch(1, settings)
    return watching


def column_names(features: list[str], settings: Settings) -> list[str]:
    """Name the columns of the rows, in their order."""
    return [*features, *(column for column in COLUMNS if column in settings.columns)]


def gather(watching: Watching, values: Float32s, samples: Samples, settings: Settings) -> Float32s | None:
    """Add the rows of one event to the open bucket.

    Args:
        watching: Changed.
        values: (d, n) features in the order of the contract.
        samples: The event.
        settings: Of the detector.

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
    watching.pending.append(rows)
    watching.n_pending += n
    watching.pending_seconds += n * float(f8(samples.time)[n // 2])
    return rows


def close_rows(
    watching: Watching,
    n_features: int,
    season: SameHours | None,
    settings: Settings,
    is_striking: Callable[[], bool],
    prepared: Callable[[Float32s], Float32s | None],
) -> Found:
    """Take the buckets since the last time in, if there are enough rows; say whether they cross the guarantee.

    Args:
        watching: Changed.
        n_features: The first columns of the rows.
        season: Of the rows.
        settings: Of the detector.
        is_striking: Says whether the last bucket lies so far off that it is taken in at once.
        prepared: Returns rows as they are to be taken in; None if they say so little that nothing is bet on them.
    """
    if watching.rows is None or not watching.pending:
        return NOTHING
    if not _is_due(watching.n_pending, watching.rows, settings.watch_rows) and not is_striking():
        return NOTHING
    pending, time = watching.pending, watching.pending_seconds / watching.n_pending
    watching.pending, watching.n_pending, watching.pending_seconds = [], 0, 0.0
    rows = prepared(pending[0] if len(pending) == 1 else np.concatenate(pending, axis=1))
    if rows is None:
        return NOTHING
    watching.trail.follow(watching.rows, rows, time)
    news = None if season is None else season.news
    found = judged(watching.rows, watching.trail, news, limit_of(settings), settings.guilty_rate)
    correlation = watching.correlation
    if found.columns or not correlation.take(rows[:n_features], time) or correlation.watch is None:
        return found
    anything = None if season is None else list[Step].copy
    apart = judged(correlation.watch, correlation.trail, anything, limit_of(settings), settings.guilty_rate)
    if apart.columns:
        return Found(correlation.guilty(), is_of_correlation=True)
    if apart.is_swing:
        watching.correlation = _correlation(settings)
    return found


def take_labels(
    watching: Watching, season: SameHours | None, labels: Floats, times: Floats, settings: Settings
) -> Found:
    """Take labels in, a bucket at a time; say whether they cross the guarantee.

    Args:
        watching: Changed.
        season: Of the labels.
        labels: (n,) NaN for those not known yet.
        times: (n,) event times of what they belong to, seconds.
        settings: Of the detector.
    """
    if watching.labels is None:
        return NOTHING
    known = labels == labels
    if not known.all():
        labels, times = labels[known], times[known]
    is_hour = False
    if labels.size:
        with np.errstate(over="ignore"):
            column = labels.astype(F4)
        watching.pending_labels.append(column)
        watching.n_pending_labels += labels.size
        watching.pending_label_seconds += labels.size * float(times[labels.size // 2])
        is_hour = season is not None and season.take(column[None, :], times)
    if is_hour and season is not None and season.is_beyond(limit_of(settings)):
        return Found((0,), is_by_hours=True)
    if not _is_due(watching.n_pending_labels, watching.labels, settings.label_rows):
        return NOTHING
    column = np.concatenate(watching.pending_labels)[None, :]
    time = watching.pending_label_seconds / watching.n_pending_labels
    watching.pending_labels, watching.n_pending_labels, watching.pending_label_seconds = [], 0, 0.0
    watching.label_trail.follow(watching.labels, column, time)
    news = None if season is None else season.news
    return judged(watching.labels, watching.label_trail, news, limit_of(settings), settings.guilty_rate)


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
    return watching.errors.statistic() >= limit_of(settings)


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
        watching.rows, watching.trail = _watch(watching.rows.known.size, settings), Trail()
        watching.correlation = _correlation(settings)


def relearn_labels(watching: Watching, settings: Settings) -> None:
    """What now comes in is the new normal of the labels."""
    if watching.labels is not None:
        watching.labels, watching.label_trail = _watch(1, settings), Trail()


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
        found.append((watching.trail.credible(watching.rows), "inputs"))
    if watching.labels is not None and watching.labels.is_watching:
        found.append((watching.label_trail.credible(watching.labels), "labels"))
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


def limit_of(settings: Settings) -> float:
    """Return what a statistic must reach: its run length, and the head start that it was given."""
    return N_WATCHES * settings.run_length + HEAD_START


def _is_due(n_pending: int, watch: ExchangeabilityWatch, rows: int) -> bool:
    """Say whether enough rows wait: the longer nothing has moved, the less a few rows of delay matter."""
    if n_pending < rows:
        return False
    return n_pending >= _MOST_BATCHES * rows or n_pending >= watch.n_rows // _ROWS_PER_DELAY


def _watch(width: int, settings: Settings) -> ExchangeabilityWatch:
    return ExchangeabilityWatch.start(width, first=settings.first_reference_rows, full=settings.reference_rows)


def _correlation(settings: Settings) -> CorrelationWatch:
    return CorrelationWatch.start(first=settings.first_reference_rows, full=settings.reference_rows)
