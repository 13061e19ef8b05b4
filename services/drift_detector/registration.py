"""The fold that notices drift."""

from typing import Final

from homeostat.events.logs import TIMELINE
from homeostat.runtime.declarations import FoldEntry

ENTRIES: Final = (
    FoldEntry(
        name="drift_detector",
        make="homeostat.services.drift_detector.fold:DriftDetector",
        topic=TIMELINE,
    ),
)
