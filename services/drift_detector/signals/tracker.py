"""What is remembered of one approved band."""

from dataclasses import dataclass

from drift_detector.signals.settings import SignalSettings
from homeostat.events import Band
from homeostat.stats import AdaptiveConformal, Surprise


@dataclass(slots=True)
class Tracker:
    """An alert threshold inside its approved band; either `conformal` or `surprise` is there.

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

    def within(self, threshold: float) -> float:
        """Clip a threshold into the band."""
        return min(max(threshold, self.band.low), self.band.high)


def approve(trackers: dict[str, Tracker], band: Band, settings: SignalSettings) -> None:
    """Track a threshold inside a band; what is known of the signal at this operating point is kept.

    Args:
        trackers: By signal and operating point, in the order of their first approval; changed.
        band: As approved.
        settings: Of all signals.
    """
    key = key_of(band.signal, band.operating_point)
    tracker = trackers.get(key)
    if tracker is None:
        trackers[key] = _new(band, settings)
        if len(trackers) > settings.n_trackers:
            del trackers[next(iter(trackers))]
        return
    tracker.band = band
    if tracker.conformal is not None:
        known = tracker.conformal.window
        tracker.conformal = _conformal(band, settings)
        tracker.conformal.window = known


def key_of(signal: str, operating_point: str) -> str:
    """Return the key of a tracker; no signal has a slash in its name."""
    return f"{signal}/{operating_point}"


def _new(band: Band, settings: SignalSettings) -> Tracker:
    if band.operating_point == "rate":
        return Tracker(band, conformal=_conformal(band, settings))
    surprise = Surprise.start(
        memory=settings.page_memory,
        nearest=settings.page_nearest,
        lengths=settings.page_lengths,
        weights=settings.page_weights,
        fading=settings.page_fading,
        lift=settings.page_lift,
    )
    return Tracker(band, surprise=surprise)


def _conformal(band: Band, settings: SignalSettings) -> AdaptiveConformal:
    rate = min(band.rate, 0.5)
    return AdaptiveConformal.start(length=settings.rate_window, rate=rate, gain=settings.rate_gain * band.eta * rate)
