"""Trackers of the series that come with a layer and attributes: as many as there are, up to a bound."""

from dataclasses import dataclass, field

from homeostat.events import Band
from homeostat.events.series import Series
from homeostat.services.threshold_tracker.settings import TrackerSettings
from homeostat.services.threshold_tracker.tracker import Tracker


@dataclass(slots=True)
class Placed:
    """Trackers of one model by series and operating point.

    Args:
        trackers: The longest silent one first.
        n_untracked: Values of series for which there was no room.
    """

    trackers: dict[str, Tracker] = field(default_factory=dict)
    n_untracked: int = 0

    def tracker_of(self, series: Series, band: Band, now: int, settings: TrackerSettings) -> Tracker | None:
        """Return the tracker that takes a value of a series, made if there is room for one.

        At `page` it begins with the second value: a place that is never heard of again costs next to nothing.

        Args:
            series: With a layer.
            band: That counts for it.
            now: Broker time, ms.
            settings: Of all signals.

        Returns:
            None without room, which is counted.
        """
        key = f"{series.key}/{band.operating_point}"
        tracker = self.trackers.pop(key, None)
        if tracker is None:
            if len(key) > settings.longest_key or not self._make_room(band, now, settings):
                self.n_untracked += 1
                return None
            tracker = Tracker.initial(band, series, settings)
        else:
            tracker.begin(settings)
            if tracker.band != band:
                tracker.rebind(band, settings)
        tracker.seen_at = now
        self.trackers[key] = tracker
        return tracker

    def _make_room(self, band: Band, now: int, settings: TrackerSettings) -> bool:
        """Drop the longest silent series, if it is gone for good, or if the new one was asked for by its attributes."""
        if len(self.trackers) < settings.n_series:
            return True
        first = next(iter(self.trackers))
        if now - self.trackers[first].seen_at <= settings.silent_ms:
            unasked = (key for key, one in self.trackers.items() if band.attributes and not one.band.attributes)
            first = next(unasked, "")
        return self.trackers.pop(first, None) is not None
