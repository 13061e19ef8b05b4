"""The alarms of the baselines: what a careful team without Homeostat would have running on each station."""

from typing import Final

import numpy as np
from river.drift import ADWIN

from homeostat.demo.world import StationEvent
from homeostat.stats.page_hinkley import ZPageHinkley

_REFERENCE_EVENTS: Final = 12


class Alarms:
    """ADWIN on single audited errors, Page-Hinkley on z-scores of brightness and contrast.

    Start a new one when the model changes: a model's errors say nothing about the next one's.
    """

    def __init__(self) -> None:
        self._errors = ADWIN()
        self._pixels = ZPageHinkley.start(2, reference=_REFERENCE_EVENTS, delta=0.5, threshold=12.0, z_limit=5.0)

    def update(self, event: StationEvent, wrong: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> bool:
        """Take one event in and return whether something got worse or looks different.

        Args:
            event: For its raw features.
            wrong: (n,) whether the serving model disagrees with each audited label.
        """
        has_risen = False
        for bit in wrong.tolist():
            before = self._errors.estimation
            self._errors.update(int(bit))
            has_risen = has_risen or (self._errors.drift_detected and self._errors.estimation > before)
        means = np.array([event.features["brightness"].mean(), event.features["contrast"].mean()], dtype=np.float64)
        fired, _ = self._pixels.update(means)
        return has_risen or bool(fired.any())
