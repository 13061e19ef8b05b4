"""What other alarm rates would have done: several are tracked in the shadow of the one that alerts.

Whether a rate is right shows when an incident is over: which of the rates had raised an alarm in it, and what each had
cost in false ones until then. All of them see all values, so nothing needs exploring.
"""

from dataclasses import dataclass, field
from typing import Final

from homeostat.events import ThresholdGraded
from homeostat.events.base import Band
from homeostat.events.drift import RateGrade
from homeostat.services.drift_detector.settings import Settings
from homeostat.stats import AdaptiveConformal

RATES: Final = (0.01, 0.03, 0.06, 0.12)
_REMEMBERED: Final = 128
"""Windows back that an incident may have begun: as many buckets as the detector remembers."""


@dataclass(slots=True)
class RateCandidate:
    """One rate.

    Args:
        conformal: Its threshold.
        recent: Windows of alarms that may still turn out to lie in an incident.
        n_false: Alarms outside of incidents since the last grade, without `recent`.
        is_hit: It has raised an alarm in the open incident.
    """

    conformal: AdaptiveConformal
    recent: list[int] = field(default_factory=list)
    n_false: int = 0
    is_hit: bool = False


@dataclass(slots=True)
class RateCandidates:
    """Of one signal of a model.

    Args:
        candidates: In the order of `RATES`.
        n_calm: Windows outside of incidents since the last grade.
        n_incident: Windows of the open incident.
        is_graded: The grades of the open incident are published; what it still lasts counts for nothing.
    """

    candidates: list[RateCandidate]
    n_calm: int = 0
    n_incident: int = 0
    is_graded: bool = False

    @classmethod
    def initial(cls, band: Band, settings: Settings) -> "RateCandidates":
        """Return the candidates before any value; their steps are as fast as the band's."""
        gain = settings.rate_gain * band.eta
        length = settings.rate_window
        return cls(
            [RateCandidate(AdaptiveConformal.start(length=length, rate=rate, gain=gain * rate)) for rate in RATES]
        )

    def update(self, value: float, window: int, *, is_open: bool) -> None:
        """Take one value in.

        Args:
            value: Of the signal; NaN if it has none in this window.
            window: Its number; they rise by one.
            is_open: Whether an incident is known to be open.
        """
        if value != value:
            return
        if not is_open:
            self.is_graded = False
        self.n_incident += is_open
        self.n_calm += not is_open
        for candidate in self.candidates:
            is_crossed = value > candidate.conformal.threshold
            candidate.conformal.learn(value, is_crossed=is_crossed)
            if is_crossed and is_open:
                candidate.is_hit = True
            elif is_crossed:
                candidate.recent.append(window)
            if candidate.recent and candidate.recent[0] <= window - _REMEMBERED:
                del candidate.recent[0]
                candidate.n_false += 1

    def score(self, model: str, signal: str, onset: int) -> ThresholdGraded | None:
        """Say how each rate did, now that an incident is over, and begin to count anew.

        Args:
            model: Whose.
            signal: Which.
            onset: Window that the incident began with.

        Returns:
            None if its grades are published already, or before any window was calm.
        """
        if self.is_graded or not self.n_calm:
            return None
        grades = []
        for rate, candidate in zip(RATES, self.candidates, strict=True):
            early = sum(window >= onset for window in candidate.recent)
            n_false = candidate.n_false + len(candidate.recent) - early
            grades.append(RateGrade(rate=rate, is_hit=candidate.is_hit or early > 0, false_alarms=n_false))
        graded = ThresholdGraded(
            model=model,
            signal=signal,
            calm_windows=self.n_calm,
            incident_windows=self.n_incident,
            grades=tuple(grades),
        )
        self.n_calm, self.is_graded = 0, True
        self.renumber()
        for candidate in self.candidates:
            candidate.n_false = 0
        return graded

    def renumber(self) -> None:
        """Get ready for windows that are counted from the start again: alarms so far are in no later incident."""
        self.n_incident = 0
        for one in self.candidates:
            one.n_false, one.recent, one.is_hit = one.n_false + len(one.recent), [], False
