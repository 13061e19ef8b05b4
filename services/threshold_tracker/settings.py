"""What thresholds are tracked with, one setting for all signals; the digest of these values is part of its version."""

from dataclasses import dataclass

from homeostat.events.champion import ADOPT_AFTER_ROWS
from homeostat.events.series import UNCERTAINTY_ROWS
from homeostat.stats.conformal import RATE_GAIN, RATE_WINDOW


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerSettings:
    """Parameters of the tracked thresholds.

    Chosen on a half of the open series of the Numenta benchmark, see the evaluation `thresholds`; the score is flat
    around them (a fifth more or less of any of them costs at most four points of 77).

    Args:
        n_bands: Most bands per model; the oldest approval leaves when there are more.
        n_series: Most series per model and operating point together that are tracked under these bands.
        silent_ms: A series without a value for so long makes room for another one, if room is needed.
        longest_key: Most characters that name a tracked series: signal, layer, attributes.
        rate_window: Values whose quantile is the threshold at the operating point `rate`.
        rate_gain: An alarm lowers the level by this x the band's eta x its rate.
        news_ratio: Move of a threshold that is told, as a share of the window's range.
        page_memory: Values, and stretches of values, that a page is new against.
        page_nearest: So many earlier values must be near before a value is nothing new.
        page_lengths: Values in the stretches that are compared with earlier ones.
        page_weights: Of the surprise of a value, and of a stretch of each length; what changes slowly sets records
            more easily, so a long stretch counts for less.
        page_fading: Share of the largest remembered surprise that is forgotten with each value.
        page_lift: Most that one value lifts the largest remembered surprise by, a factor.
        page_threshold: Surprise that pages, in units of the largest remembered; the band may narrow it.
        page_again: So many times the surprise of the last page breaks through the quiet after it.
        bucket_rows: Served rows whose mean score makes one value of the uncertainty; a bucket ends with an event.
        adopt_after_rows: Champion rows of a version that nobody announced before it is taken for the champion.
    """

    n_bands: int = 32
    n_series: int = 64
    silent_ms: int = 3_600_000
    longest_key: int = 1024
    rate_window: int = RATE_WINDOW
    rate_gain: float = RATE_GAIN
    news_ratio: float = 0.05
    page_memory: int = 4000
    page_nearest: int = 5
    page_lengths: tuple[int, ...] = (24, 96, 240)
    page_weights: tuple[float, ...] = (1.0, 1.0, 0.7, 0.7)
    page_fading: float = 0.0002
    page_lift: float = 1.4
    page_threshold: float = 0.85
    page_again: float = 3.0
    bucket_rows: int = UNCERTAINTY_ROWS
    adopt_after_rows: int = ADOPT_AFTER_ROWS
