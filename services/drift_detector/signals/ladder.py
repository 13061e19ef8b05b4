"""What other alarm rates would have done: every rung of a ladder of rates is tracked beside the one that alerts.

Whether a rate is right shows when an incident is over: which of the rates had raised an alarm in it, and what each had
cost in false ones until then. All rungs see all values, so nothing needs exploring.
"""

from dataclasses import dataclass, field
from typing import Final

from homeostat.events import ThresholdGraded
from homeostat.events.base import Band
from homeostat.events.drift import RateGrade
from homeostat.services.drift_detector.signals.settings import SignalSettings
from homeostat.stats import AdaptiveConformal

RATES: Final = (0.01, 0.03, 0.06, 0.12)
_REMEMBERED: Final = 128
"""Windows back that an incident may have begun: as many buckets as the detector remembers."""


@dataclass(slots=True)
class Rung:
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
class Ladder:
    """Of one signal of a model.

    Args:
        rungs: In the order of `RATES`.
        n_calm: Windows outside of incidents since the last grade.
        n_incident: Windows of the open incident.
        is_graded: The open incident has been told of; what it still lasts counts for nothing.
    """

    rungs: list[Rung]
    n_calm: int = 0
    n_incident: int = 0
    is_graded: bool = False


def start_ladder(band: Band, settings: SignalSettings) -> Ladder:
    """Return the ladder before any value; its steps are as fast as the band's."""
    gain = settings.rate_gain * band.eta
    return Ladder(
        [Rung(AdaptiveConformal.start(length=settings.rate_window, rate=rate, gain=gain * rate)) for rate in RATES]
    )


def climb(ladder: Ladder, value: float, window: int, *, is_open: bool) -> None:
    """Take one value in.

    Args:
        ladder: Changed.
        value: Of the signal.
        window: Its number; they rise by one.
        is_open: Whether an incident is known to be open.
    """
    if not is_open:
        ladder.is_graded = False
    ladder.n_incident += is_open
    ladder.n_calm += not is_open
    for rung in ladder.rungs:
        is_crossed = value > rung.conformal.threshold
        rung.conformal.learn(value, is_crossed=is_crossed)
        if is_crossed and is_open:
            rung.is_hit = True
        elif is_crossed:
            rung.recent.append(window)
        if rung.recent and rung.recent[0] <= window - _REMEMBERED:
            del rung.recent[0]
            rung.n_false += 1


def grade(ladder: Ladder, model: str, signal: str, onset: int) -> ThresholdGraded | None:
    """Say how each rate did, now that an incident is over, and begin to count anew.

    Args:
        ladder: Changed.
        model: Whose.
        signal: Which.
        onset: Window that the incident began with.

    Returns:
        None if it has been told of before, or before any window was calm.
    """
    if ladder.is_graded or not ladder.n_calm:
        return None
    grades = []
    for rate, rung in zip(RATES, ladder.rungs, strict=True):
        early = sum(window >= onset for window in rung.recent)
        n_false = rung.n_false + len(rung.recent) - early
        grades.append(RateGrade(rate=rate, is_hit=rung.is_hit or early > 0, false_alarms=n_false))
    told = ThresholdGraded(
        model=model,
        signal=signal,
        calm_windows=ladder.n_calm,
        incident_windows=ladder.n_incident,
        grades=tuple(grades),
    )
    ladder.n_calm, ladder.is_graded = 0, True
    renumber(ladder)
    for rung in ladder.rungs:
        rung.n_false = 0
    return told


def renumber(ladder: Ladder) -> None:
    """Get ready for windows that are counted from the start again: alarms so far are in no later incident."""
    ladder.n_incident = 0
    for rung in ladder.rungs:
        rung.n_false, rung.recent, rung.is_hit = rung.n_false + len(rung.recent), [], False
