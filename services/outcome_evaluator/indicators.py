"""Numbers of a model for whoever watches."""

from homeostat.core import Emit, Event, Identity
from homeostat.events import IndicatorComputed
from homeostat.events.logs import INDICATORS


def indicator(event: Event, name: str, value: float, n: int = 1, story: Identity | None = None) -> Emit:
    """Emit a number of the event's model.

    Args:
        event: What it follows from.
        name: Of the indicator.
        value: Its value.
        n: What it counts, >= 0.
        story: It belongs to; None is the event's.
    """
    return Emit(INDICATORS, IndicatorComputed(model=event.subject, name=name, value=value, n=n), event.subject, story)
