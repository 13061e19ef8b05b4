"""Served rows become bucket means: one observation of the inputs for many rows."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from drift_detector.reference import Floats
from drift_detector.settings import Settings
from drift_detector.state import Batch, State
from homeostat.core import Event
from homeostat.events import Samples
from homeostat.events.columns import F4, f8

# Beyond any measurement; infinities and what would become one count as missing, as NaN does.
_UNKNOWN_FROM: Final = 1e30


def absorb(state: State, samples: Samples, event: Event, settings: Settings) -> Floats | None:
    """Add the rows of one event to the open bucket.

    Returns:
        The means per column, (d + 1,), NaN for a column without a known value, if the bucket is full with this
        event. `state.means` has them too, with the last known mean instead of NaN.
    """
    until = float(f8(samples.time)[-1])
    if state.n_rows == 0:
        if state.batches:
            until = max(until, state.batches[-1].until)
        state.batches.append(
            Batch(state.n_batches, event.id, event.time, until, state.n_labels, state.sum_errors),
        )
        state.n_batches += 1
        if len(state.batches) > settings.n_batches:
            del state.batches[0]
    elif until > state.batches[-1].until:
        state.batches[-1].until = until
    _add(state, samples)
    state.n_rows += samples.n_rows
    return _close(state) if state.n_rows >= settings.bucket_rows else None


def _add(state: State, samples: Samples) -> None:
    """Add column sums: row after row, so that the order of the additions is the same everywhere."""
    n_rows = samples.n_rows
    values = samples.matrix() if samples.features == state.features else _ordered(state.features, samples)
    # NaN fails the comparison, so the fast path has only known values.
    if values.size and np.maximum.reduce(np.abs(values), axis=None) < _UNKNOWN_FROM:
        state.sums[:-1] += values[:, 0] if n_rows == 1 else np.add.accumulate(values, axis=1, dtype=np.float64)[:, -1]
        state.counts[:-1] += n_rows
    elif values.size:
        known = np.abs(values) < _UNKNOWN_FROM
        state.sums[:-1] += np.add.accumulate(np.where(known, values, 0.0), axis=1, dtype=np.float64)[:, -1]
        state.counts[:-1] += known.sum(axis=1)
    total, n = 0.0, 0
    for score in f8(samples.score).tolist():
        if -_UNKNOWN_FROM < score < _UNKNOWN_FROM:
            total += score
            n += 1
    state.sums[-1] += total
    state.counts[-1] += n
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
    is_known = state.counts > 0
    means = state.sums / np.maximum(state.counts, 1.0)
    state.means = np.where(is_known, means, state.means)
    state.sums, state.counts = np.zeros_like(means), np.zeros_like(means)
    state.n_rows = 0
    return np.where(is_known, means, np.nan)
