"""Which alarm rate an alert threshold is to keep: learned from what each rate would have said of past incidents.

A rate above the share of incidents alerts in vain, one below it misses some. How much of either is bad is a price: so
many false alerts are as bad as a missed incident. Every incident grades all rates, so the cheapest one so far is taken;
nothing needs exploring.
"""

from dataclasses import dataclass, field
from typing import Final

from homeostat.events import ThresholdGraded
from homeostat.services.meta_learner.settings import LearnerSettings

_PRIOR_INCIDENTS: Final = 2.0
"""Incidents that "half are missed" is worth, for every rate alike."""
_MOST_RATES: Final = 16


@dataclass(slots=True)
class Record:
    """How one rate has done in a family.

    Args:
        incidents: Graded.
        missed: Of which without an alarm.
        false: Alarms in the calm.
    """

    incidents: int = 0
    missed: int = 0
    false: int = 0

    def cost(self, false_per_miss: float) -> float:
        """Return what an incident costs with this rate, the calm before it included: 1 is a missed incident."""
        n = self.incidents + _PRIOR_INCIDENTS
        return (self.missed + 0.5 * _PRIOR_INCIDENTS + self.false / false_per_miss) / n


@dataclass(slots=True)
class Thresholds:
    """What is known of alarm rates in a family.

    Args:
        records: By rate, as text.
        rate: That new proposals state; None for the one of the settings.
        n_moved: Incidents graded when it was chosen.
    """

    records: dict[str, Record] = field(default_factory=dict)
    rate: float | None = None
    n_moved: int = 0


def learn(thresholds: Thresholds, data: ThresholdGraded, settings: LearnerSettings) -> None:
    """Learn from an incident, and state another rate if that is better now.

    Another is better if it costs less by a margin, and that is looked at again only when there are half as many
    incidents more: a threshold that flickers costs trust.
    """
    for each in data.grades:
        key = f"{each.rate:g}"
        if key in thresholds.records or len(thresholds.records) < _MOST_RATES:
            record = thresholds.records.setdefault(key, Record())
            record.incidents += 1
            record.missed += not each.is_hit
            record.false += each.false_alarms
    n = max((record.incidents for record in thresholds.records.values()), default=0)
    if n < settings.least_incidents or 2 * n < 3 * thresholds.n_moved:
        return
    costs = {float(key): record.cost(settings.false_alerts_per_miss) for key, record in thresholds.records.items()}
    best = min(sorted(costs), key=lambda rate: costs[rate])
    present = costs.get(stated(thresholds, settings))
    thresholds.n_moved = n
    if present is None or costs[best] < present * (1.0 - settings.threshold_margin):
        thresholds.rate = best


def stated(thresholds: Thresholds, settings: LearnerSettings) -> float:
    """Return the rate that is to be kept now."""
    return thresholds.rate if thresholds.rate is not None else settings.alarm_rate
