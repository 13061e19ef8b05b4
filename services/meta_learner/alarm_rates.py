"""Which alarm rate an alert threshold is to keep: learned from what each rate would have said of past incidents.

A rate above the share of incidents alerts in vain, one below it misses some. How much of either is bad is a price: so
many false alerts are as bad as a missed incident. Every incident grades all rates, so the cheapest one so far is taken;
nothing needs exploring.
"""

from dataclasses import dataclass, field
from typing import Final

from homeostat.core import Emit, Event
from homeostat.core.identity import scope_of
from homeostat.events import Arm, Band, ThresholdGraded, ThresholdProposed
from homeostat.events.base import Tier
from homeostat.events.logs import GOVERNANCE
from homeostat.events.series import UNCERTAINTY
from homeostat.services.meta_learner.settings import LearnerSettings

_PRIOR_INCIDENTS: Final = 2.0
"""Incidents that "half are missed" is worth, for every rate alike."""
_MOST_RATES: Final = 16


@dataclass(slots=True)
class RateRecord:
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
class TrackedThreshold:
    """Of one model.

    Args:
        action: Threshold action in flight or applied; empty without one.
        rate: Alarm rate that it states.
    """

    action: str = ""
    rate: float = 0.0


@dataclass(slots=True)
class AlarmRates:
    """What is known of alarm rates in a family.

    Args:
        records: By rate, as text.
        rate: That new proposals state; None for the one of the settings.
        n_moved: Incidents graded when it was chosen.
    """

    records: dict[str, RateRecord] = field(default_factory=dict)
    rate: float | None = None
    n_moved: int = 0

    def stated(self, settings: LearnerSettings) -> float:
        """Return the rate that is to be kept now."""
        return self.rate if self.rate is not None else settings.alarm_rate

    def update(self, data: ThresholdGraded, settings: LearnerSettings) -> float:
        """Learn from an incident, and state another rate if that is better now.

        Another is better if it costs less by a margin, and that is looked at again only when there are half as many
        incidents more: a threshold that flickers costs trust.

        Returns:
            The rate that is to be kept now.
        """
        for each in data.grades:
            key = f"{each.rate:g}"
            if key in self.records or len(self.records) < _MOST_RATES:
                record = self.records.setdefault(key, RateRecord())
                record.incidents += 1
                record.missed += not each.is_hit
                record.false += each.false_alarms
        n = max((record.incidents for record in self.records.values()), default=0)
        if n < settings.least_incidents or 2 * n < 3 * self.n_moved:
            return self.stated(settings)
        costs = {float(key): record.cost(settings.false_alerts_per_miss) for key, record in self.records.items()}
        best = min(sorted(costs), key=lambda rate: costs[rate])
        present = costs.get(self.stated(settings))
        self.n_moved = n
        if present is None or costs[best] < present * (1.0 - settings.threshold_margin):
            self.rate = best
        return self.stated(settings)

    def propose(
        self, model: str, champion: str, tier: Tier, event: Event, ordinal: int, settings: LearnerSettings
    ) -> tuple[TrackedThreshold, Emit]:
        """Propose to track the threshold of a model's uncertainty inside the whole range.

        The alternatives are the rates that incidents have graded, each with what it would gain an incident.

        Args:
            model: `scope/model`.
            champion: Version that serves.
            tier: Risk of the model.
            event: That led to it.
            ordinal: Of the emit.
            settings: Of the learner.
        """
        rate = self.stated(settings)
        costs = {key: record.cost(settings.false_alerts_per_miss) for key, record in self.records.items()}
        own, chosen = costs.get(f"{rate:g}", 0.0), f"rate-{rate:g}"
        others = (Arm(name=f"rate-{key}", predicted_gain=own - costs[key]) for key in costs if f"rate-{key}" != chosen)
        n = max((record.incidents for record in self.records.values()), default=0)
        proposal = ThresholdProposed(
            family=event.subject,
            model=model,
            champion=champion,
            tier=tier,
            chosen=chosen,
            arms=(Arm(name=chosen, propensity=1.0), *others),
            baseline=f"rate-{settings.alarm_rate:g}",
            band=Band(signal=UNCERTAINTY, rate=rate, low=0.0, high=1.0, eta=settings.threshold_eta),
            evidence=(event.identity,) if n else (),
            reason=f"alert on {rate:.1%} of the windows, wherever that is"
            + (f": of {n} incidents, missed ones and false alerts cost least there" if n else ""),
        )
        threshold = TrackedThreshold(event.emit_identity(ordinal), rate)
        return threshold, Emit(GOVERNANCE, proposal, scope_of(event.subject))
