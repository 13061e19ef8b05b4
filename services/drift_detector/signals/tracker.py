"""What is remembered of one series under its approved band."""

from dataclasses import dataclass, field

from homeostat.events import Band
from homeostat.events.series import Attribute, Series, key_of_band
from homeostat.services.drift_detector.signals.settings import SignalSettings
from homeostat.stats import AdaptiveConformal, Surprise


@dataclass(slots=True)
class Tracker:
    """An alert threshold inside its approved band; either `conformal` or `surprise` is there once it has begun.

    Args:
        band: As approved.
        conformal: At the operating point `rate`: the threshold.
        surprise: At the operating point `page`: what is compared with it.
        is_alert: Whether an alert is on.
        n: Values seen since the first approval.
        n_alarms: Of which alarms: values above the threshold at `rate`, alerts begun at `page`.
        since: Values since the last alert began at `page`, itself not counted; -1 before the first.
        height: Surprise of the last page.
        published: Last threshold told; None before the first.
        layer: Of the series.
        attributes: Of the series.
        seen_at: Broker time of its last value, ms.
    """

    band: Band
    conformal: AdaptiveConformal | None = None
    surprise: Surprise | None = None
    is_alert: bool = False
    n: int = 0
    n_alarms: int = 0
    since: int = -1
    height: float = 0.0
    published: float | None = None
    layer: str | None = None
    attributes: dict[str, Attribute] = field(default_factory=dict)
    seen_at: int = 0

    def within(self, threshold: float) -> float:
        """Clip a threshold into the band."""
        return min(max(threshold, self.band.low), self.band.high)


def approve(trackers: dict[str, Tracker], band: Band, settings: SignalSettings) -> None:
    """Track thresholds inside a band; what is known of the signal at this operating point is kept.

    Args:
        trackers: By what the band holds for and operating point, in the order of their first approval; changed. Each
            has the threshold of the series without layer and attributes.
        band: As approved.
        settings: Of all signals.
    """
    key = f"{key_of_band(band)}/{band.operating_point}"
    tracker = trackers.get(key)
    if tracker is None:
        trackers[key] = new_tracker(band, Series(band.signal), settings)
        if len(trackers) > settings.n_bands:
            del trackers[next(iter(trackers))]
        return
    rebind(tracker, band, settings)


def new_tracker(band: Band, series: Series, settings: SignalSettings) -> Tracker:
    """Return the tracker of a series that has had no value; what remembers much begins with `begin`.

    Args:
        band: Approved.
        series: What it tracks.
        settings: Of thresholds.
    """
    tracker = Tracker(band, layer=series.layer, attributes=series.attributes)
    if band.operating_point == "rate":
        tracker.conformal = _conformal(band, settings)
    return tracker


def begin(tracker: Tracker, settings: SignalSettings) -> None:
    """Begin to remember values, if that has not begun: a page tracker takes a hundred kilobytes from its start."""
    if tracker.conformal is None and tracker.surprise is None:
        tracker.surprise = Surprise.start(
            memory=settings.page_memory,
            nearest=settings.page_nearest,
            lengths=settings.page_lengths,
            weights=settings.page_weights,
            fading=settings.page_fading,
            lift=settings.page_lift,
        )


def rebind(tracker: Tracker, band: Band, settings: SignalSettings) -> None:
    """Put a tracker under another band of its operating point; what is known of its series is kept.

    Args:
        tracker: Changed.
        band: Approved, of the same operating point.
        settings: Of thresholds.
    """
    tracker.band = band
    if tracker.conformal is not None:
        known = tracker.conformal.window
        tracker.conformal = _conformal(band, settings)
        tracker.conformal.window = known


def _conformal(band: Band, settings: SignalSettings) -> AdaptiveConformal:
    rate = min(band.rate, 0.5)
    return AdaptiveConformal.start(length=settings.rate_window, rate=rate, gain=settings.rate_gain * band.eta * rate)
