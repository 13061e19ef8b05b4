"""What the means of a closed bucket show."""

import numpy as np

from homeostat.services.drift_detector.monitor.shift import Shift, begun_with
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State
from homeostat.stats.portable import FloatArray


def shift_of_means(state: State, means: FloatArray, settings: Settings) -> Shift | None:
    """Test the means of those columns whose rows are not watched one by one.

    Their rows have a memory that an AR(1) does not take out, or were unknown in the reference.

    Args:
        state: Its test of the means is updated.
        means: (d + 1,) of the newest bucket, NaN where nothing was known.
        settings: Of the detector.
    """
    monitor, known = state.monitors.rows, state.monitors.means
    watch = monitor.watch if monitor is not None else None
    if known.test is None or (watch is not None and watch.watched.size == watch.known.size):
        return None
    is_left = np.ones(len(state.features) + 1, np.bool_)
    is_left[:-1], is_left[-1] = ~state.clocks.found, "score" in settings.columns
    if watch is not None and monitor is not None:
        is_left[:-1] &= watch.known[: len(state.features)] == 0.0
        is_left[-1] &= "score" not in monitor.columns or watch.known[monitor.columns.index("score")] == 0.0
    if not is_left.any():
        return None
    now, is_seasonal = state.buckets.history[-1].until, monitor is not None and monitor.season is not None
    fired, statistic = known.detect(np.where(is_left, means, np.nan), now, settings, is_seasonal=is_seasonal)
    if not fired.any():
        return None
    names, deviations = [*state.features, "score"], known.since.deviations(state.buckets.means)
    columns = sorted(np.flatnonzero(fired).tolist(), key=lambda column: (-abs(float(deviations[column])), column))
    moved, onset = begun_with(state.buckets, *known.moved_column(columns[0], state.buckets.means))
    return Shift(
        detector="page_hinkley",
        features=tuple(names[column] for column in columns),
        onset=onset,
        deviations=moved,
        statistic=min(float(statistic[columns[0]]), 1e9),
        threshold=settings.shift_threshold,
        log2_e=None,
        reference_rows=settings.n_reference * settings.bucket_rows,
    )
