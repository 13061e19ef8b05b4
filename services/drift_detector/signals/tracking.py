"""A value of a named signal against every band that is approved for it."""

from typing import Final

from drift_detector.signals.settings import SignalSettings
from drift_detector.signals.tracker import Tracker, key_of
from homeostat.core import Emit, Event
from homeostat.events import ThresholdMoved
from homeostat.events.logs import INDICATORS
from homeostat.stats import AdaptiveConformal, Surprise

UNCERTAINTY: Final = "uncertainty"
"""The signal that the detector makes itself: 1 - mean score of a bucket of rows."""

_LARGEST: Final = 1e90
"""Beyond any measurement; squares of what is compared stay finite."""


def observe(
    trackers: dict[str, Tracker], event: Event, signal: str, value: float, settings: SignalSettings
) -> list[Emit]:
    """Take one value of a signal in.

    An alarm can be told from the emits alone: at `rate` each value between an emit with an alert and the next one
    without is above the threshold, at `page` each emit with an alert is one page.

    Args:
        trackers: Of the model; changed.
        event: Input.
        signal: Name.
        value: Finite.
        settings: Of all signals.

    Returns:
        `threshold.moved` per band of this signal where there is news: an alert that begins or ends, or at `rate` a
        move of the threshold. It names the threshold that this value was compared with.
    """
    if not trackers:
        return []
    value = min(max(value, -_LARGEST), _LARGEST)
    emits = []
    rate, page = trackers.get(key_of(signal, "rate")), trackers.get(key_of(signal, "page"))
    if rate is not None and rate.conformal is not None:
        emits += _rate(rate, rate.conformal, event, value, settings)
    if page is not None and page.surprise is not None:
        emits += _page(page, page.surprise, event, value, settings)
    return emits


def _rate(
    tracker: Tracker, conformal: AdaptiveConformal, event: Event, value: float, settings: SignalSettings
) -> list[Emit]:
    """Compare the value itself. The tracker is quiet after an alarm: no flapping, and the stated rate in the end."""
    threshold = tracker.within(conformal.threshold)
    was_alert, tracker.is_alert = tracker.is_alert, value > threshold
    tracker.n += 1
    tracker.n_alarms += tracker.is_alert
    conformal.learn(value, is_crossed=tracker.is_alert)
    ordered = conformal.window.ordered
    told = tracker.published
    is_news = told is None or abs(threshold - told) > settings.news_ratio * (ordered[-1] - ordered[0])
    if not is_news and tracker.is_alert == was_alert:
        return []
    return [_moved(tracker, event, threshold, value)]


def _page(tracker: Tracker, surprise: Surprise, event: Event, value: float, settings: SignalSettings) -> list[Emit]:
    """Compare the surprise of the value: threshold and value that are told are in units of surprise.

    An alert lasts while the surprise does and at most 1 / rate values; the next begins more than 1 / rate values after
    it began: one page per incident. Only what is many times as surprising breaks through before.
    """
    threshold, height = tracker.within(settings.page_threshold), surprise.update(value)
    quiet = 1.0 / max(tracker.band.rate, 1e-9)
    tracker.n += 1
    if tracker.since >= 0:
        tracker.since += 1
    was_alert, is_above = tracker.is_alert, height >= threshold
    is_free = not was_alert and (tracker.since < 0 or tracker.since > quiet)
    is_page = is_above and (is_free or height > settings.page_again * tracker.height)
    if is_page:
        tracker.is_alert, tracker.since, tracker.height = True, 0, height
        tracker.n_alarms += 1
    elif was_alert:
        tracker.is_alert = is_above and tracker.since < quiet
    if not is_page and tracker.is_alert == was_alert and tracker.published is not None:
        return []
    return [_moved(tracker, event, threshold, height)]


def _moved(tracker: Tracker, event: Event, threshold: float, value: float) -> Emit:
    tracker.published = threshold
    moved = ThresholdMoved(
        model=event.subject,
        signal=tracker.band.signal,
        operating_point=tracker.band.operating_point,
        threshold=threshold,
        value=value,
        is_alert=tracker.is_alert,
        rate=tracker.n_alarms / tracker.n,
    )
    return Emit(INDICATORS, moved)
