"""Columns of the inputs, or the labels, have moved."""

from dataclasses import dataclass
from math import sqrt

from homeostat.services.drift_detector.input.input_buckets import InputBucket, InputBuckets
from homeostat.services.drift_detector.monitor.stream_monitor import StreamMonitor
from homeostat.services.drift_detector.settings import Settings
from homeostat.stats.exchangeability import ExchangeabilityMonitor
from homeostat.stats.martingales import log2


@dataclass(frozen=True, slots=True)
class Shift:
    """What a monitor has found.

    Args:
        detector: What found it.
        features: Names, the farthest off first.
        onset: Bucket that it began with.
        deviations: How far that one is off, in standard deviations of a row.
        statistic: Of the detector.
        threshold: Its limit.
        log2_e: Evidence, where the detector has it.
        reference_rows: Rows that said what is normal.
    """

    detector: str
    features: tuple[str, ...]
    onset: InputBucket
    deviations: float
    statistic: float
    threshold: float
    log2_e: float | None
    reference_rows: int


def begun_with(buckets: InputBuckets, deviations: float, n_buckets: int) -> tuple[float, InputBucket]:
    """Say how far rows are off, and since which bucket.

    Args:
        buckets: Of the champion.
        deviations: Of a bucket mean; those of a row are fewer, as if the rows were independent.
        n_buckets: The last buckets that lie off; no more than are remembered.
    """
    onset = buckets.history[-min(n_buckets, len(buckets.history))]
    return deviations / sqrt(max(buckets.n_closed, 1)), onset


def shift_of_bets(
    detector: str,
    watch: ExchangeabilityMonitor,
    limit: float,
    features: tuple[str, ...],
    onset: InputBucket,
    deviations: float,
) -> Shift:
    """Return the shift that bets have found.

    Args:
        detector: Its name.
        watch: That bets.
        limit: That its statistic has reached.
        features: Names, the farthest off first.
        onset: Bucket that it began with.
        deviations: How far the first one is off, in standard deviations of a row.
    """
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


def shift_of_season(
    monitor: StreamMonitor, features: tuple[str, ...], history: list[InputBucket], settings: Settings
) -> Shift | None:
    """Return the shift of an hour that was like none of those of days and weeks before.

    Args:
        monitor: With the season.
        features: Names, the farthest off first.
        history: Remembered buckets, oldest first.
        settings: Of the detector.
    """
    season = monitor.season
    if season is None or season.watch is None:
        return None
    onset = next((bucket for bucket in history if bucket.until >= season.begun), history[-1])
    limit = season.limit(settings.alarm_limit)
    return shift_of_bets("same_hours", season.watch, limit, features, onset, season.watch.largest_shift())
