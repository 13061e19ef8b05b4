"""What is remembered of one series under its approved band, and the two operating points of a threshold."""

from dataclasses import dataclass, field

from homeostat.events import Band, ThresholdMoved
from homeostat.events.series import Attribute, Series
from homeostat.services.threshold_tracker.settings import TrackerSettings
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

    @classmethod
    def initial(cls, band: Band, series: Series, settings: TrackerSettings) -> "Tracker":
        """Return the tracker of a series that has had no value; what remembers much begins with `begin`.

        Args:
            band: Approved.
            series: What it tracks.
            settings: Of thresholds.
        """
        tracker = cls(band, layer=series.layer, attributes=series.attributes)
        if band.operating_point == "rate":
            tracker.conformal = _conformal(band, settings)
        return tracker

    def begin(self, settings: TrackerSettings) -> None:
        """Begin to remember values, if that has not begun: a page tracker takes a hundred kilobytes from its start."""
        if self.conformal is None and self.surprise is None:
            self.surprise = Surprise.start(
                memory=settings.page_memory,
                nearest=settings.page_nearest,
                lengths=settings.page_lengths,
                weights=settings.page_weights,
                fading=settings.page_fading,
                lift=settings.page_lift,
            )

    def rebind(self, band: Band, settings: TrackerSettings) -> None:
        """Come under another band of the same operating point; what is known of the series is kept."""
        self.band = band
        if self.conformal is not None:
            known = self.conformal.window
            self.conformal = _conformal(band, settings)
            self.conformal.window = known

    def update(self, model: str, value: float, settings: TrackerSettings) -> ThresholdMoved | None:
        """Take one value in.

        An alarm can be told from what is returned: at `rate` each value between an alert and the next one without is
        above the threshold, at `page` each alert is one page.

        Args:
            model: Whose signal it is.
            value: Finite; its squares too.
            settings: Of thresholds.

        Returns:
            An alert that begins or ends, or at `rate` a move of the threshold, with the threshold that this value was
            compared with; None without news, and before `begin`.
        """
        if self.conformal is not None:
            return self._rate(self.conformal, model, value, settings)
        return None if self.surprise is None else self._page(self.surprise, model, value, settings)

    def _rate(
        self, conformal: AdaptiveConformal, model: str, value: float, settings: TrackerSettings
    ) -> ThresholdMoved | None:
        """Compare the value itself. It is quiet after an alarm: no flapping, and the stated rate in the end."""
        threshold = self._within(conformal.threshold)
        was_alert, self.is_alert = self.is_alert, value > threshold
        self.n += 1
        self.n_alarms += self.is_alert
        conformal.learn(value, is_crossed=self.is_alert)
        ordered, told = conformal.window.ordered, self.published
        is_news = told is None or abs(threshold - told) > settings.news_ratio * (ordered[-1] - ordered[0])
        return self._moved(model, threshold, value) if is_news or self.is_alert != was_alert else None

    def _page(self, surprise: Surprise, model: str, value: float, settings: TrackerSettings) -> ThresholdMoved | None:
        """Compare the surprise of the value: threshold and value that are told are in units of surprise.

        An alert lasts while the surprise does and at most 1 / rate values; the next begins more than 1 / rate values
        after it began: one page per incident. Only what is many times as surprising breaks through before.
        """
        threshold, height = self._within(settings.page_threshold), surprise.update(value)
        quiet = 1.0 / max(self.band.rate, 1e-9)
        self.n += 1
        if self.since >= 0:
            self.since += 1
        was_alert, is_above = self.is_alert, height >= threshold
        is_free = not was_alert and (self.since < 0 or self.since > quiet)
        is_page = is_above and (is_free or height > settings.page_again * self.height)
        if is_page:
            self.is_alert, self.since, self.height = True, 0, height
            self.n_alarms += 1
        elif was_alert:
            self.is_alert = is_above and self.since < quiet
        is_news = is_page or self.is_alert != was_alert or self.published is None
        return self._moved(model, threshold, height) if is_news else None

    def _within(self, threshold: float) -> float:
        """Clip a threshold into the band."""
        return min(max(threshold, self.band.low), self.band.high)

    def _moved(self, model: str, threshold: float, value: float) -> ThresholdMoved:
        self.published = threshold
        return ThresholdMoved(
            model=model,
            signal=self.band.signal,
            layer=self.layer,
            attributes=dict(self.attributes) or None,
            operating_point=self.band.operating_point,
            threshold=threshold,
            value=value,
            is_alert=self.is_alert,
            rate=self.n_alarms / self.n,
        )


def _conformal(band: Band, settings: TrackerSettings) -> AdaptiveConformal:
    rate = min(band.rate, 0.5)
    return AdaptiveConformal.start(length=settings.rate_window, rate=rate, gain=settings.rate_gain * band.eta * rate)
