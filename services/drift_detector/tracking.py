"""The alert threshold of the signal `uncertainty` = 1 - mean score of a bucket, inside its approved band.

Online quantile tracking: each alert lifts the threshold, each quiet bucket lowers it a little, so that
alerts come at the approved rate in the long run, whatever the signal does. Source: Gibbs & Candès 2021;
Angelopoulos, Candès & Tibshirani 2023 (quantile tracker).
"""

from typing import Final

from drift_detector.settings import Settings
from drift_detector.state import Signal, State, Tracker
from homeostat.core import Emit, Event
from homeostat.events import ThresholdMoved
from homeostat.events.logs import INDICATORS

SIGNAL: Final = "uncertainty"
_NEWS_SHARE_OF_BAND: Final = 0.01


def track(state: State, event: Event, value: float, settings: Settings) -> list[Emit]:
    """Take one bucket's signal in.

    Returns:
        `threshold.moved` if a band is approved and there is news: a move of more than 1 % of the band since
        the last one told, or an alert that begins or ends.
    """
    signal, tracker = state.signal, state.tracker
    emits = _follow(tracker, signal, event, value, settings) if tracker and tracker.band.signal == SIGNAL else []
    if tracker is None or not tracker.is_alert:
        _observe(signal, value, settings)
    return emits


def _observe(signal: Signal, value: float, settings: Settings) -> None:
    """Update mean and spread; early values count fully, later ones are forgotten exponentially."""
    signal.n += 1
    step = max(settings.spread_step, 1.0 / signal.n)
    difference = value - signal.mean
    signal.mean += step * difference
    signal.spread += step * (abs(difference) - signal.spread)
    signal.recent.append(value)
    if len(signal.recent) > settings.n_reference:
        del signal.recent[0]


def _follow(tracker: Tracker, signal: Signal, event: Event, value: float, settings: Settings) -> list[Emit]:
    band = tracker.band
    is_first = tracker.threshold is None
    threshold = _within(tracker, max(signal.recent, default=value)) if tracker.threshold is None else tracker.threshold
    was_alert, tracker.is_alert = tracker.is_alert, value > threshold
    tracker.n += 1
    tracker.alerts += tracker.is_alert
    tracker.streak = tracker.streak + 1 if tracker.is_alert else 0
    # An incident must not teach the threshold to accept it.
    if not settings.frozen_from < tracker.streak <= settings.frozen_until:
        threshold = _within(tracker, threshold + band.eta * signal.spread * (float(tracker.is_alert) - band.rate))
    tracker.threshold = threshold
    is_moved = abs(threshold - tracker.published) > _NEWS_SHARE_OF_BAND * (band.high - band.low)
    if not (is_first or is_moved or tracker.is_alert != was_alert):
        return []
    tracker.published = threshold
    moved = ThresholdMoved(
        model=event.subject,
        signal=band.signal,
        threshold=threshold,
        value=value,
        is_alert=tracker.is_alert,
        rate=tracker.alerts / tracker.n,
    )
    return [Emit(INDICATORS, moved)]


def _within(tracker: Tracker, threshold: float) -> float:
    return min(max(threshold, tracker.band.low), tracker.band.high)
