"""From the detectors of served rows and labels to the columns that have moved."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from drift_detector.detection import Shift
from drift_detector.reference import Floats
from drift_detector.settings import Settings
from drift_detector.state import State, block_watch
from drift_detector.watching import (
    LABEL,
    N_WATCHES,
    close_rows,
    column_names,
    relearn_labels,
    relearn_rows,
    take_labels,
)
from homeostat.stats.exchangeability import ExchangeabilityWatch
from homeostat.stats.martingales import log2

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
    found = _of_martingale(state, settings) or _of_means(state, means, settings)
    if found is not None:
        relearn_rows(state.watching, settings)
        state.inputs = block_watch(len(state.features) + 1, settings)
    return found


def shift_of_labels(state: State, labels: list[float], settings: Settings) -> Shift | None:
    """Take known labels in; say whether their distribution has moved."""
    if not take_labels(state.watching, labels, settings) or state.watching.labels is None:
        return None
    shift = _shift(state.watching.labels, (LABEL,), None, settings)
    relearn_labels(state.watching, settings)
    return shift


def _of_martingale(state: State, settings: Settings) -> Shift | None:
    deviations = state.reference.deviations(state.means)
    is_striking = bool(np.maximum.reduce(np.abs(deviations)) > _STRIKING_DEVIATIONS)
    is_found = close_rows(state.watching, settings, is_striking=is_striking)
    watch = state.watching.rows
    if not is_found or watch is None:
        return None
    names = column_names(state.features, settings)
    features = tuple(names[column] for column in watch.guilty(settings.guilty_rate))
    columns = [*state.features, "score"]
    return _shift(watch, features, columns.index(features[0]) if features[0] in columns else None, settings, state)


def _of_means(state: State, means: Floats, settings: Settings) -> Shift | None:
    watch = state.watching.rows
    if state.inputs is None or (watch is not None and watch.watched.size == watch.known.size):
        return None  # every column's rows are watched one by one
    is_left = _is_left_to_means(state, settings)
    if not is_left.any():
        return None
    fired, statistic = state.inputs.update(np.where(is_left, means, np.nan))
    if not fired.any():
        return None
    names, deviations = [*state.features, "score"], state.reference.deviations(state.means)
    columns = sorted(np.flatnonzero(fired).tolist(), key=lambda column: (-abs(float(deviations[column])), column))
    first = columns[0]
    return Shift(
        detector="page_hinkley",
        features=tuple(names[column] for column in columns),
        column=first,
        deviations=float(deviations[first]),
        statistic=min(float(statistic[first]), 1e9),
        threshold=settings.shift_threshold,
        log2_e=None,
        reference_rows=settings.n_reference * settings.bucket_rows,
    )


def _is_left_to_means(state: State, settings: Settings) -> NDArray[np.bool_]:
    """Say which columns the means of buckets are to be tested of: those whose rows are not watched one by one.

    Their rows have a memory that an AR(1) does not take out, or were unknown in the reference.
    """
    is_left = np.ones(len(state.features) + 1, np.bool_)
    is_left[-1] = "score" in settings.columns
    watch = state.watching.rows
    if watch is not None:
        names = column_names(state.features, settings)
        is_left[:-1] &= watch.known[: len(state.features)] == 0.0
        is_left[-1] &= "score" not in names or watch.known[names.index("score")] == 0.0
    return is_left


def _shift(
    watch: ExchangeabilityWatch,
    features: tuple[str, ...],
    column: int | None,
    settings: Settings,
    state: State | None = None,
) -> Shift:
    deviations = watch.largest_shift()
    if column is not None and state is not None:
        deviations = float(state.reference.deviations(state.means)[column])
    e = watch.bets.e_value
    return Shift(
        detector="martingale",
        features=features,
        column=column,
        deviations=deviations,
        statistic=log2(watch.bets.statistic),
        threshold=log2(N_WATCHES * settings.run_length),
        log2_e=log2(e) if e > 0.0 else 0.0,
        reference_rows=watch.reference_rows,
    )
