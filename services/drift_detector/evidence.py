"""What has not reached the guarantee is told too: a family of models may know together what none knows alone."""

from typing import Final

from homeostat.core import Emit, Event
from homeostat.events import EvidenceUpdated
from homeostat.events.logs import EXPERIENCE
from homeostat.services.drift_detector.detection import family_of
from homeostat.services.drift_detector.state import State
from homeostat.services.drift_detector.watching import e_value, n_rows_of
from homeostat.stats.martingales import log2

_LEAST_BITS: Final = 4.0
_LEAST_E: Final = 16.0
_UP_BITS: Final = 1.0
_SLACK_BITS: Final = 0.25


def evidence(state: State, event: Event) -> list[Emit]:
    """Tell the model's e-value if it is news.

    What was told last never exceeds what is: it is a quarter of a bit less when it is told, a rise is told when there
    is a bit more, and a fall below it at once. So whoever takes the last one told for the e-value stays as valid as
    it is, and the number of events is bounded by how far the evidence moves. Below 4 bits nothing is told, except once
    that it has fallen there: a reset too is such a fall, unless a detection or a clearance has said it already.

    Nothing is told while risen errors are open: a model has one question at a time, which moved inputs do not displace.
    """
    if state.drift is not None and state.drift.kind == "concept":
        return []
    watching = state.watching
    e, stream = e_value(watching)
    told = watching.told
    if told == 0.0 and e < _LEAST_E:
        return []
    bits = log2(e) if e > 0.0 else 0.0
    if told <= bits < max(told + _UP_BITS, _LEAST_BITS + _SLACK_BITS):
        return []
    if told == 0.0 and bits < _LEAST_BITS + _SLACK_BITS:
        return []
    watching.told = bits - _SLACK_BITS if bits >= _LEAST_BITS + _SLACK_BITS else 0.0
    data = EvidenceUpdated(
        model=event.subject,
        version=state.version,
        stream=stream,
        log2_e=bits - _SLACK_BITS,
        rows=n_rows_of(watching, stream),
    )
    return [Emit(EXPERIENCE, data, subject=family_of(state, event))]
