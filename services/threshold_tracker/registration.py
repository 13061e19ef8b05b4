"""The fold that tracks alert thresholds."""

from typing import Final

from homeostat.events.logs import TIMELINE
from homeostat.runtime.declarations import FoldEntry

ENTRIES: Final = (
    FoldEntry(
        name="threshold_tracker",
        make="homeostat.services.threshold_tracker.fold:ThresholdTracker",
        topic=TIMELINE,
    ),
)
