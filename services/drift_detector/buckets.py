"""Served rows become bucket means: one observation of the inputs for many rows."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homeostat.core import Event
from homeostat.events import Samples
from homeostat.events.columns import F4, f8
from homeostat.services.drift_detector.missing import take_complete, take_missing
from homeostat.services.drift_detector.records import Batch
from homeostat.services.drift_detector.reference import Floats
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State
from homeostat.services.drift_detector.watching import gather
from homeostat.stats.exchangeability import UNKNOWN_FROM
from homeostat.stats.portable import fixed_sum

_MS: Final = 1000.0
_AHEAD_SECONDS: Final = 86_400.0
_MOST_SOURCES: Final = 32


class Absorbed(NamedTuple):
    """What an event of rows has completed.

    Args:
        means: Per column, (d + 1,), NaN for one without a known value, if the bucket is full; else None.
        is_hour: An hour has ended that was bet on.
    """

    means: Floats | None
    is_hour: bool


def absorb(state: State, samples: Samples, event: Event, settings: Settings) -> Absorbed:
    """Add the rows of one event to the open bucket and to the open hour.

    `state.means` has the means of a bucket that is full too, with the last known mean instead of NaN.
    """
    times = f8(samples.time)
    _remember(state, float(np.maximum.reduce(times)), event, settings)
    if samples.provenance is not None:
        state.sources[samples.provenance.source] = state.batches[-1].index
        if len(state.sources) > _MOST_SOURCES:
            del state.sources[min(state.sources, key=lambda source: state.sources[source])]
    values = samples.matrix() if samples.features == state.features else _ordered(state.features, samples)
    rows = gather(state.watching, values, samples, settings)
    is_hour = False
    if rows is not None and state.season is not None and times[times.size // 2] <= event.time / _MS + _AHEAD_SECONDS:
        is_hour = state.season.take(without_clocks(state, rows), times)
    _add(state, samples, values, rows)
    state.n_rows += samples.n_rows
    return Absorbed(_close(state) if state.n_rows >= settings.bucket_rows else None, is_hour)


def without_clocks(state: State, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (d + c, n) rows with the features unknown that only rise."""
    if not state.is_clock.any():
        return rows
    rows = rows.copy()
    rows[np.flatnonzero(state.is_clock)] = np.nan
    return rows


def _remember(state: State, until: float, event: Event, settings: Settings) -> None:
    """Take note of the greatest event time of the open bucket; the first event of a bucket opens it.

    What came late counts to the time of the buckets before, so times are carried on, but not from a clock that is a day
    ahead. Old buckets are thinned out rather than dropped: labels may come later than so many buckets.
    """
    batches = state.batches
    if state.n_rows:
        batches[-1].until = max(until, batches[-1].until)
        return
    if batches and batches[-1].until <= event.time / _MS + _AHEAD_SECONDS:
        until = max(until, batches[-1].until)
    batches.append(Batch(state.n_batches, event.id, event.time, until, state.n_labels, state.sum_errors))
    state.n_batches += 1
    if len(batches) > settings.n_batches:
        _thin_out(batches, settings.n_batches)


def _thin_out(batches: list[Batch], most: int) -> None:
    """Keep all of the newest buckets, one in two of those twice as old, one in four of those again twice as old, ...

    With 128 of them: within a sixteenth of their age, up to 1,000 buckets ago.
    """
    newest, dense = batches[-1].index, max(most // 8, 1)
    kept = [batch for batch in batches if not batch.index % _stride((newest - batch.index) // dense)]
    batches[:] = kept[-7 * dense :]


def _stride(ages: int) -> int:
    return 1 << max(ages.bit_length() - 1, 0)


def _add(state: State, samples: Samples, values: NDArray[np.float32], rows: NDArray[np.float32] | None) -> None:
    """Add column sums: row after row, so that the order of the additions is the same everywhere.

    Args:
        state: Changed.
        samples: The event.
        values: (d, n) features.
        rows: (d + c, n) features and other watched columns; None if there are none.
    """
    n_rows, d = samples.n_rows, len(values)
    columns = values if rows is None else rows
    # NaN fails the comparison, so the fast path has only known values.
    if columns.size and np.maximum.reduce(np.abs(columns), axis=None) < UNKNOWN_FROM:
        sums = columns[:, 0] if n_rows == 1 else np.add.accumulate(columns, axis=1, dtype=np.float64)[:, -1]
        state.sums[:d] += sums[:d]
        state.sums[d + 1 :] += sums[d:]
        state.counts += n_rows
        state.counts[d] -= n_rows
    elif columns.size:
        known = np.abs(columns) < UNKNOWN_FROM
        sums = np.add.accumulate(np.where(known, columns, 0.0), axis=1, dtype=np.float64)[:, -1]
        counts = np.count_nonzero(known, axis=1)
        state.sums[:d] += sums[:d]
        state.sums[d + 1 :] += sums[d:]
        state.counts[:d] += counts[:d]
        state.counts[d + 1 :] += counts[d:]
        state.missing.is_any |= bool(np.count_nonzero(counts[:d] < n_rows))
    score = f8(samples.score)
    if not (score.size and np.maximum.reduce(np.abs(score)) < UNKNOWN_FROM):
        score = score[np.abs(score) < UNKNOWN_FROM]
    total, n = fixed_sum(score), score.size
    state.sums[d] += total
    state.counts[d] += n
    tally = state.tally
    tally.rows += n_rows
    tally.score += total
    tally.n_scored += n


def _ordered(features: list[str], samples: Samples) -> NDArray[np.float32]:
    """Return the features as (d, n) in the state's order; one that did not come is missing."""
    values = np.full((len(features), samples.n_rows), np.nan, dtype=F4)
    matrix = samples.matrix()
    for column, name in enumerate(features):
        if name in samples.features:
            values[column] = matrix[samples.features.index(name)]
    return values


def _close(state: State) -> Floats:
    """Return the means of features and score, NaN where unknown, and begin the next bucket."""
    width, n = state.means.size, state.n_rows
    is_known = state.counts > 0
    means = state.sums / np.maximum(state.counts, 1.0)
    if state.missing.is_any:
        lost = n - state.counts[: width - 1]
        take_missing(state.missing, state.features, lost, n, state.batches[-1].index)
        state.tally.lose(state.features, lost)
    else:
        take_complete(state.missing, n)
    is_known[: width - 1] &= ~state.is_clock
    state.means = np.where(is_known[:width], means[:width], state.means)
    state.sums, state.counts = np.zeros_like(means), np.zeros_like(means)
    state.n_rows, state.n_closed = 0, n
    closed: Floats = np.where(is_known, means, np.nan)[:width]
    return closed
