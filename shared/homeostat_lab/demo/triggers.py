"""When the baselines retrain: by the calendar, on every alarm, or by a hand-written rule on the audited error."""

from collections import deque
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from river.drift import ADWIN

from homeostat.stats.page_hinkley import ZPageHinkley
from homeostat_lab.demo.world import StationEvent

WAIT_EVENTS: Final = 8
"""Events with labels since the drift that the error rule waits for: 80 labels, as many as a training takes."""

ERROR_RISE: Final = 0.10
"""The error rule retrains if the error since the drift exceeds the best known one by more than this."""

LEVEL_EVENTS: Final = 12
LEVEL_RISE: Final = 0.12
COOLDOWN_EVENTS: Final = 20
"""The level check: change detectors stay silent after a fix that was only partial. Of four pairs of rises tried on
seed 1, from (0.05, 0.08) to (0.10, 0.12), this one gave the rule its best accuracy net of the price."""

Bools = npt.NDArray[np.bool_]


class Trigger(Protocol):
    """Decides when one station's model is trained anew."""

    def observe(self, event: StationEvent, wrong: Bools) -> bool:
        """Take one event in and return whether to train now.

        Args:
            event: In order, none left out.
            wrong: (10,) whether the serving model disagrees with each audited label.
        """

    def restart(self) -> None:
        """Another model serves from the next event on."""


class Schedule:
    """Every so many events; 0 for never."""

    def __init__(self, period: int = 0) -> None:
        self._period = period

    def observe(self, event: StationEvent, wrong: Bools) -> bool:
        """See `Trigger`."""
        return self._period > 0 and (event.index + 1) % self._period == 0

    def restart(self) -> None:
        """See `Trigger`."""


class EveryAlarm:
    """ADWIN on single audited errors, Page-Hinkley on z-scores of brightness and contrast, believed at once."""

    def __init__(self) -> None:
        self.restart()

    def observe(self, event: StationEvent, wrong: Bools) -> bool:
        """See `Trigger`; a falling error is no alarm."""
        has_risen = False
        for bit in wrong.tolist():
            before = self._errors.estimation
            self._errors.update(int(bit))  # type: ignore[no-untyped-call] # river ships no types
            has_risen = has_risen or (self._errors.drift_detected and self._errors.estimation > before)
        means = np.array([event.features["brightness"].mean(), event.features["contrast"].mean()], dtype=np.float64)
        fired, _ = self._pixels.update(means)
        return has_risen or bool(fired.any())

    def restart(self) -> None:
        """See `Trigger`; one model's errors say nothing about the next one's."""
        self._errors = ADWIN()  # type: ignore[no-untyped-call] # river ships no types
        self._pixels = ZPageHinkley.start(2, reference=12, delta=0.5, threshold=12.0, z_limit=5.0)


class ErrorRule:
    """The good hand-written rule: alarm or high level, wait for labels since then, train if the error rose."""

    def __init__(self) -> None:
        self._alarms = EveryAlarm()
        self._best = 1.0
        self._onset: int | None = None
        self._quiet_until = 0
        self._errors: deque[float] = deque(maxlen=LEVEL_EVENTS)

    def observe(self, event: StationEvent, wrong: Bools) -> bool:
        """See `Trigger`."""
        self._errors.append(float(wrong.mean()))
        has_fired = self._alarms.observe(event, wrong)
        is_full = len(self._errors) == LEVEL_EVENTS
        level = float(np.mean(self._errors))
        if self._onset is None and has_fired:
            self._onset = event.index
        elif self._onset is None and is_full and event.index >= self._quiet_until and level > self._best + LEVEL_RISE:
            # The error has been high for long: its labels are already there.
            self._onset = event.index - WAIT_EVENTS + 1
        elif is_full:
            self._best = min(self._best, level)
        if self._onset is None or event.index - self._onset + 1 < WAIT_EVENTS:
            return False
        self._onset, self._quiet_until = None, event.index + COOLDOWN_EVENTS
        return float(np.mean(list(self._errors)[-WAIT_EVENTS:])) > self._best + ERROR_RISE

    def restart(self) -> None:
        """See `Trigger`."""
        self._alarms.restart()
        self._errors.clear()
        self._onset = None
