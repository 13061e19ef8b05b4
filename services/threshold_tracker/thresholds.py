"""The alert thresholds of a model: approved bands, and a value of a series against those that hold for it."""

from dataclasses import dataclass, field
from typing import Final

from homeostat.core import Emit, Event
from homeostat.events import Band, IndicatorComputed
from homeostat.events.logs import INDICATORS
from homeostat.events.series import Series, key_of_band, narrowest
from homeostat.services.threshold_tracker.placed import Placed
from homeostat.services.threshold_tracker.settings import TrackerSettings
from homeostat.services.threshold_tracker.tracker import Tracker

UNTRACKED: Final = "signals_untracked"
"""Indicator: values of signals, so far, for whose series there was no room."""

_LARGEST: Final = 1e90
"""Beyond any measurement; squares of what is compared stay finite."""


@dataclass(slots=True)
class Thresholds:
    """Of one model.

    Args:
        trackers: By what an approved band holds for and operating point, in the order of their first approval. Each has
            the threshold of the series without layer and attributes.
        placed: Trackers of the series that come with a layer.
    """

    trackers: dict[str, Tracker] = field(default_factory=dict)
    placed: Placed = field(default_factory=Placed)

    def approve(self, band: Band | None, settings: TrackerSettings) -> None:
        """Track thresholds inside a band; what is known of the signal at this operating point is kept.

        Args:
            band: As approved; None takes all back.
            settings: Of thresholds.
        """
        if band is None:
            self.trackers, self.placed = {}, Placed()
            return
        key = f"{key_of_band(band)}/{band.operating_point}"
        if key in self.trackers:
            self.trackers[key].rebind(band, settings)
            return
        self.trackers[key] = Tracker.initial(band, Series(band.signal), settings)
        if len(self.trackers) > settings.n_bands:
            del self.trackers[next(iter(self.trackers))]

    def update(self, event: Event, series: Series, value: float, settings: TrackerSettings) -> tuple[Emit, ...]:
        """Take one value of a series in.

        Args:
            event: Input.
            series: Which.
            value: Finite.
            settings: Of thresholds.

        Returns:
            `threshold.moved` per operating point with a band for this series where there is news (`Tracker.update`).
            The indicator `signals_untracked`, whenever as many values again have found no room.
        """
        if not self.trackers:
            return ()
        value = min(max(value, -_LARGEST), _LARGEST)
        emits, n_untracked = list[Emit](), self.placed.n_untracked
        for point in ("rate", "page"):
            bands = (tracker.band for tracker in self.trackers.values() if tracker.band.operating_point == point)
            band = narrowest(bands, series)
            if band is None:
                continue
            tracker: Tracker | None
            if series.layer is None:
                tracker = self.trackers[f"{series.key}/{point}"]  # only a band without a place holds for it
                tracker.begin(settings)
            else:
                tracker = self.placed.tracker_of(series, band, event.time, settings)
            moved = tracker.update(event.subject, value, settings) if tracker is not None else None
            if moved is not None:
                emits.append(Emit(INDICATORS, moved))
        n = self.placed.n_untracked
        if n.bit_length() > n_untracked.bit_length():
            emits.append(Emit(INDICATORS, IndicatorComputed(model=event.subject, name=UNTRACKED, value=float(n), n=n)))
        return tuple(emits)
