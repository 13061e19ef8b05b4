"""Served rows become bucket means: one observation of the inputs for many rows."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from drift_detector.records import Batch
from drift_detector.reference import Floats
from drift_detector.settings import Settings
from drift_detector.state import State, relearn_reference
from drift_detector.watching import gather
from homeostat.core import Event
from homeostat.events import Samples
from homeostat.events.columns import F4, f8
from homeostat.stats.portable import fixed_sum

# Beyond any measurement; infinities and what would become one count as missing, as NaN does.
_UNKNOWN_FROM: Final = 1e30


def absorb(state: State, samples: Samples, event: Event, settings: Settings) -> Floats | None:
    """Add the rows of one event to the open bucket.

    Returns:
        The means per column, (d + 1,), NaN for a column without a known value, if the bucket is full with this
        event. `state.means` has them too, with the last known mean instead of NaN. None with the bucket that makes
        the season known, as all before it were compared with other things.
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
    values = samples.matrix() if samples.features == state.features else _ordered(state.features, samples)
    seconds, season = float(f8(samples.time)[0]), state.season
    offset = season.offset(seconds) if season.is_known else None
    if offset is not None:
        values = (values - offset[:, None]).astype(F4)
    _add(state, samples, values)
    gather(state.watching, values, samples, settings)
    state.n_rows += samples.n_rows
    if state.n_rows < settings.bucket_rows:
        return None
    means = _close(state)
    if settings.is_seasonal and season.learn(seconds, means[:-1] if offset is None else means[:-1] + offset):
        relearn_reference(state, settings)
        return None
    return means


def _add(state: State, samples: Samples, values: NDArray[np.float32]) -> None:
    """Add column sums: row after row, so that the order of the additions is the same everywhere."""
    n_rows = samples.n_rows
    # NaN fails the comparison, so the fast path has only known values.
    if values.size and np.maximum.reduce(np.abs(values), axis=None) < _UNKNOWN_FROM:
        state.sums[:-1] += values[:, 0] if n_rows == 1 else np.add.accumulate(values, axis=1, dtype=np.float64)[:, -1]
        state.counts[:-1] += n_rows
    elif values.size:
        known = np.abs(values) < _UNKNOWN_FROM
        state.tally.unknown += values.size - int(np.count_nonzero(known))
        state.sums[:-1] += np.add.accumulate(np.where(known, values, 0.0), axis=1, dtype=np.float64)[:, -1]
        state.counts[:-1] += known.sum(axis=1)
    score = f8(samples.score)
    is_scored = np.abs(score) < _UNKNOWN_FROM
    total, n = fixed_sum(np.where(is_scored, score, 0.0)), int(np.count_nonzero(is_scored))
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
