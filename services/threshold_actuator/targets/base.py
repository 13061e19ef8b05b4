"""The seam between the hand and what alerts."""

from typing import Protocol

from homeostat.events import Band, ThresholdMoved
from homeostat.events.series import Series


class ThresholdTarget(Protocol):
    """Something with an alert threshold per model and series. What it was set to survives its restart."""

    def approve(self, model: str, source: str, sequence: str, band: Band) -> bool:
        """Let a threshold be tracked inside a band; it is clipped into the band at once.

        Fenced: of one source a lower sequence than the last for this model and what the band holds for never acts, and
        the same one acts once.

        Args:
            model: `scope/model`.
            source: `ce_source` of the command.
            sequence: `ce_sequence` of the command.
            band: What is approved.

        Returns:
            Whether the band is, or was, set; False if a later command has already acted.

        Raises:
            OSError: It could not be kept; nothing was done.
        """

    def band(self, model: str, series: Series) -> Band | None:
        """The band that was approved for just this: a signal, or what it is at one place."""

    def moved(self, model: str, moved: ThresholdMoved) -> None:
        """Take the tracked threshold of a series over, clipped into the band that counts, and the signal.

        Without a band nothing happens.
        """
