"""Numbers for people and dashboards, once every so many served rows."""

from drift_detector.settings import Settings
from drift_detector.state import State, Tally
from homeostat.core import Emit, Event
from homeostat.events import IndicatorComputed
from homeostat.events.logs import INDICATORS


def indicators(state: State, event: Event, settings: Settings) -> list[Emit]:
    """Return one set of indicators and begin the next, if enough rows were served; else nothing."""
    tally = state.tally
    if tally.rows < settings.indicator_rows:
        return []
    state.tally = Tally()
    values = [("n_rows", float(tally.rows), tally.rows)]
    if tally.n_scored:
        values.append(("mean_score", tally.score / tally.n_scored, tally.n_scored))
    if tally.labels:
        values.append(("error_rate", tally.errors / tally.labels, tally.labels))
    return [
        Emit(INDICATORS, IndicatorComputed(model=event.subject, name=name, value=value, n=n))
        for name, value, n in values
    ]
