"""A value of a series against the bands that are approved for it."""

from typing import Final

from homeostat.core import Emit, Event
from homeostat.events import IndicatorComputed, ThresholdMoved
from homeostat.events.logs import INDICATORS
from homeostat.events.series import Series, narrowest
from homeostat.services.drift_detector.signals.placed import Placed
from homeostat.services.drift_detector.signals.settings import SignalSettings
from homeostat.services.drift_detector.signals.tracker import Tracker, begin
from homeostat.stats import AdaptiveConformal, Surprise

UNCERTAINTY: Final = "uncertainty"
"""The signal that the detector makes itself: 1 - mean score of a bucket of rows."""

UNTRACKED: Final = "signals_untracked"
"""Indicator: values of signals, so far, for whose series there was no room."""

_LARGEST: Final = 1e90
"""Beyond any measurement; squares of what is compared stay finite."""


def observe(
    trackers: dict[str, Tracker],
    placed: Placed,
    event: Event,
    series: Series,
    value: float,
    settings: SignalSettings,
) -> list[Emit]:
    """Take one value of a series in.

    An alarm can be told from the emits alone: at `rate` each value of a series between an emit with an alert and the
    next one without is above the threshold, at `page` each emit with an alert is one page.

    Args:
        trackers: Of the approved bands; changed.
        placed: Of the series that have a layer; changed.
        event: Input.
        series: Which.
        value: Finite.
        settings: Of all signals.

    Returns:
        `threshold.moved` per operating point with a band for this series where there is news: an alert that begins or
        ends, or at `rate` a move of the threshold. It names the threshold that this value was compared with. The
        indicator `signals_untracked`, whenever as many values again have found no room.
    """
    if not trackers:
        return []
    value = min(max(value, -_LARGEST), _LARGEST)
    emits, n_untracked = list[Emit](), placed.n_untracked
    tracker: Tracker | None
    for point in ("rate", "page"):
        bands = (tracker.band for tracker in trackers.values() if tracker.band.operating_point == point)
        band = narrowest(bands, series)
        if band is None:
            continue
        if series.layer is None:
            tracker = trackers[f"{series.key}/{point}"]  # only a band without a place holds for it
            begin(tracker, settings)
        else:
            tracker = placed.tracker_of(series, band, event.time, settings)
        if tracker is not None and tracker.conformal is not None:
            emits += _rate(tracker, tracker.conformal, event, value, settings)
        elif tracker is not None and tracker.surprise is not None:
            emits += _page(tracker, tracker.surprise, event, value, settings)
    if placed.n_untracked.bit_length() > n_untracked.bit_length():
        n = placed.n_untracked
        emits.append(Emit(INDICATORS, IndicatorComputed(model=event.subject, name=UNTRACKED, value=float(n), n=n)))
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
        layer=tracker.layer,
        attributes=dict(tracker.attributes) or None,
        operating_point=tracker.band.operating_point,
        threshold=threshold,
        value=value,
        is_alert=tracker.is_alert,
        rate=tracker.n_alarms / tracker.n,
    )
    return Emit(INDICATORS, moved)
