"""The end of an incident, seen from its alert thresholds."""

from homeostat.core import Emit, Event
from homeostat.events.logs import EXPERIENCE
from homeostat.services.drift_detector.detection import family_of
from homeostat.services.drift_detector.records import OpenDrift
from homeostat.services.drift_detector.signals import UNCERTAINTY, grade
from homeostat.services.drift_detector.state import State


def graded(state: State, event: Event, drift: OpenDrift | None) -> list[Emit]:
    """Tell the learner how each alarm rate has done in the drift that ends with this event, if one was open."""
    if state.ladder is None or drift is None:
        return []
    told = grade(state.ladder, event.subject, UNCERTAINTY, drift.batch)
    return [Emit(EXPERIENCE, told, subject=family_of(state, event))] if told is not None else []
