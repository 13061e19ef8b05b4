"""From the detectors of served rows and labels to the columns that have moved."""

from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.services.drift_detector.baseline import count
from homeostat.services.drift_detector.buckets import without_clocks
from homeostat.services.drift_detector.detection import Shift
from homeostat.services.drift_detector.missing import outage, pass_over
from homeostat.services.drift_detector.onset import batch_of_shift
from homeostat.services.drift_detector.quality import is_noise
from homeostat.services.drift_detector.records import Batch
from homeostat.services.drift_detector.reference import Floats
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State, block_watch, follow_swing, relearn_inputs
from homeostat.services.drift_detector.watching import (
    LABEL,
    N_WATCHES,
    close_rows,
    column_names,
    limit_of,
    relearn_labels,
    take_labels,
)
from homeostat.stats.exchangeability import ExchangeabilityWatch, Float32s
from homeostat.stats.martingales import log2
from homeostat.stats.same_hours import SameHours

_MEANS_SECONDS: Final = 7200.0
_STRIKING_DEVIATIONS: Final = 4.0
"""Of a bucket's mean: one bucket in 16,000 and column where nothing moves; what it costs is time, not false alarms."""


def shift_of_rows(state: State, means: Floats, settings: Settings) -> Shift | None:
    """Take the bucket that has just been closed in; what both detectors found is one shift.

    A change is told once: both begin anew after it.

    Args:
        state: Changed.
        means: Of the bucket, NaN where nothing was known.
        settings: Of the detector.
    """
    found = _of_martingale(state, settings)
    if state.quality.noisy_rows:
        pass_over(state.missing)
        return found
    found = found or _of_missing(state, settings) or _of_means(state, means, settings)
    if found is not None:
        relearn_inputs(state, settings)
    return found


def shift_of_labels(state: State, labels: Floats, times: Floats, settings: Settings) -> Shift | None:
    """Take known labels and the event times of what they belong to in; say whether their distribution has moved."""
    watching, season = state.watching, state.label_season
    found = take_labels(watching, season, labels, times, settings)
    if watching.labels is None or not (found.columns or found.is_swing):
        return None
    shift = None
    if season is not None and found.is_by_hours:
        shift = _of_season(state, season, (LABEL,), settings)
    elif found.columns:
        shift = _shift(state, watching.labels, (LABEL,), settings)
    relearn_labels(watching, settings)
    if shift is not None and season is not None:
        season.told()
    return shift


def shift_of_hours(state: State, settings: Settings) -> Shift | None:
    """Say whether the hour that has just ended was like none of those of days and weeks before."""
    season = state.season
    if season is None or not season.is_beyond(limit_of(settings)):
        return None
    names = column_names(state.features, settings)
    features = tuple(names[column] for column in season.guilty(settings.guilty_rate))
    shift = _of_season(state, season, features, settings)
    relearn_inputs(state, settings)
    return shift


def _of_season(state: State, season: SameHours, features: tuple[str, ...], settings: Settings) -> Shift | None:
    watch, limit = season.watch, season.limit(limit_of(settings))
    if watch is None:
        return None
    onset = next((batch for batch in state.batches if batch.until >= season.begun), state.batches[-1])
    return _by("same_hours", watch, limit, features, onset, watch.largest_shift())


def _of_martingale(state: State, settings: Settings) -> Shift | None:
    found = close_rows(
        state.watching,
        len(state.features),
        state.season,
        settings,
        lambda: _is_striking(state),
        lambda rows: _prepared(state, rows, settings),
    )
    watch = state.watching.rows
    if found.is_swing:
        follow_swing(state, settings)
    if not found.columns or watch is None:
        return None
    names = column_names(state.features, settings)
    features = tuple(names[column] for column in found.columns)
    if found.is_of_correlation:
        return _apart(state, features, settings)
    return _shift(state, watch, features, settings)


def _apart(state: State, features: tuple[str, ...], settings: Settings) -> Shift | None:
    correlation = state.watching.correlation
    if correlation.watch is None:
        return None
    first, second = correlation.guilty()
    moved = float(correlation.recent[first, second] - correlation.usual[first, second])
    return _by("correlation", correlation.watch, limit_of(settings), features, state.batches[-1], moved)


def _prepared(state: State, rows: Float32s, settings: Settings) -> Float32s | None:
    """Return rows without the features that only rise; None if they are noise."""
    values, batch = rows[: len(state.features)], state.batches[-1].index
    state.clocks.take(values)
    state.is_clock = state.clocks.found()
    is_noisy = is_noise(state.quality, values, batch, reference_rows=settings.reference_rows)
    if state.baseline.is_known or not is_noisy:
        count(state.baseline, rows, reference_rows=settings.reference_rows)
    return None if is_noisy else without_clocks(state, rows)


def _is_striking(state: State) -> bool:
    if state.missing.begun:
        return True
    deviations = state.since.deviations(state.means)
    return bool(np.maximum.reduce(np.abs(deviations)) > _STRIKING_DEVIATIONS)


def _of_missing(state: State, settings: Settings) -> Shift | None:
    if state.watching.rows is None:
        return None
    found = outage(state.missing, state.features, state.batches[-1].index, settings)
    if found is None:
        return None
    return Shift(
        detector="missing",
        features=found.features,
        onset=next(batch for batch in state.batches if batch.index >= found.batch),
        deviations=found.deviations,
        statistic=found.statistic,
        threshold=found.threshold,
        log2_e=log2(found.e_value),
        reference_rows=found.n_rows,
    )


def _of_means(state: State, means: Floats, settings: Settings) -> Shift | None:
    watch = state.watching.rows
    if state.inputs is None or (watch is not None and watch.watched.size == watch.known.size):
        return None  # every column's rows are watched one by one
    is_left = _is_left_to_means(state, settings)
    if not is_left.any():
        return None
    _keep_fresh(state, settings)
    fired, statistic = state.inputs.update(np.where(is_left, means, np.nan))
    if not fired.any():
        return None
    names, deviations = [*state.features, "score"], state.since.deviations(state.means)
    columns = sorted(np.flatnonzero(fired).tolist(), key=lambda column: (-abs(float(deviations[column])), column))
    first = columns[0]
    return Shift(
        detector="page_hinkley",
        features=tuple(names[column] for column in columns),
        onset=batch_of_shift(state, first),
        deviations=_of_a_row(state, deviations, first),
        statistic=min(float(statistic[first]), 1e9),
        threshold=settings.shift_threshold,
        log2_e=None,
        reference_rows=settings.n_reference * settings.bucket_rows,
    )


def _keep_fresh(state: State, settings: Settings) -> None:
    """Begin the test of means anew every two hours: over more of them the time of day is what moves."""
    now = state.batches[-1].until
    if state.season is None or now - state.inputs_from < _MEANS_SECONDS:
        return
    if state.inputs_from == state.inputs_from:
        state.inputs = block_watch(len(state.features) + 1, settings)
    state.inputs_from = now


def _of_a_row(state: State, deviations: Floats, column: int) -> float:
    """Turn deviations of a bucket mean into those of a row, as if the rows were independent."""
    return float(deviations[column]) / sqrt(max(state.n_closed, 1))


def _is_left_to_means(state: State, settings: Settings) -> NDArray[np.bool_]:
    """Say which columns the means of buckets are to be tested of: those whose rows are not watched one by one.

    Their rows have a memory that an AR(1) does not take out, or were unknown in the reference.
    """
    is_left = np.ones(len(state.features) + 1, np.bool_)
    is_left[:-1], is_left[-1] = ~state.is_clock, "score" in settings.columns
    watch = state.watching.rows
    if watch is not None:
        names = column_names(state.features, settings)
        is_left[:-1] &= watch.known[: len(state.features)] == 0.0
        is_left[-1] &= "score" not in names or watch.known[names.index("score")] == 0.0
    return is_left


def _shift(state: State, watch: ExchangeabilityWatch, features: tuple[str, ...], settings: Settings) -> Shift:
    columns, first = [*state.features, "score"], features[0]
    deviations, onset = watch.largest_shift(), state.batches[-1]
    if first in columns:
        column = columns.index(first)
        deviations = _of_a_row(state, state.since.deviations(state.means), column)
        onset = batch_of_shift(state, column)
    return _by("martingale", watch, N_WATCHES * settings.run_length, features, onset, deviations)


def _by(
    detector: str,
    watch: ExchangeabilityWatch,
    limit: float,
    features: tuple[str, ...],
    onset: Batch,
    deviations: float,
) -> Shift:
    e = watch.bets.e_value
    return Shift(
        detector=detector,
        features=features,
        onset=onset,
        deviations=deviations,
        statistic=log2(watch.bets.statistic),
        threshold=log2(limit),
        log2_e=log2(e) if e > 0.0 else 0.0,
        reference_rows=watch.reference_rows,
    )
