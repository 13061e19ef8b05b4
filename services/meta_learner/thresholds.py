"""The alert threshold of a model, proposed at the alarm rate that costs least so far."""

from homeostat.core import Emit, Event
from homeostat.core.identity import scope_of
from homeostat.events import ActionProposed, Arm, Band
from homeostat.events.logs import GOVERNANCE
from homeostat.services.meta_learner.rates import Thresholds, learn, stated
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.state import Model

__all__ = ["learn", "propose", "stated"]


def propose(
    thresholds: Thresholds, model: Model, subject: str, event: Event, ordinal: int, settings: LearnerSettings
) -> Emit:
    """Propose to track the threshold of a model's uncertainty inside the whole range; the model remembers it.

    The alternatives are the rates that incidents have graded, each with what it would gain an incident.

    Args:
        thresholds: What is known of rates.
        model: Changed.
        subject: Its name.
        event: That led to it.
        ordinal: Of the emit.
        settings: Of the learner.
    """
    rate, records = stated(thresholds, settings), thresholds.records
    model.band, model.band_rate = event.emit_identity(ordinal), rate
    costs = {key: record.cost(settings.false_alerts_per_miss) for key, record in records.items()}
    own, chosen = costs.get(f"{rate:g}", 0.0), f"rate-{rate:g}"
    others = (Arm(name=f"rate-{key}", predicted_gain=own - costs[key]) for key in costs if f"rate-{key}" != chosen)
    n = max((record.incidents for record in records.values()), default=0)
    proposal = ActionProposed(
        kind="threshold",
        family=event.subject,
        model=subject,
        champion=model.champion,
        tier=model.tier,
        chosen=chosen,
        arms=(Arm(name=chosen, propensity=1.0), *others),
        baseline=f"rate-{settings.alarm_rate:g}",
        band=Band(signal="uncertainty", rate=rate, low=0.0, high=1.0, eta=settings.threshold_eta),
        evidence=(event.identity,) if n else (),
        reason=f"alert on {rate:.1%} of the windows, wherever that is"
        + (f": of {n} incidents, missed ones and false alerts cost least there" if n else ""),
    )
    return Emit(GOVERNANCE, proposal, scope_of(event.subject))
