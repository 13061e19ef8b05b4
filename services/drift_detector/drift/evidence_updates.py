"""Evidence below the guarantee is published too: a family of models may know together what none knows alone."""

from typing import Final

from homeostat.core import Emit, Event
from homeostat.core.identity import family_subject
from homeostat.events import EvidenceUpdated
from homeostat.events.logs import EXPERIENCE
from homeostat.services.drift_detector.state import State
from homeostat.stats.martingales import log2

_LEAST_BITS: Final = 4.0
_LEAST_E: Final = 16.0
_UP_BITS: Final = 1.0
_SLACK_BITS: Final = 0.25


def evidence(state: State, event: Event) -> list[Emit]:
    """Publish the model's e-value if it is news.

    What was published last never exceeds what is: it is a quarter of a bit less when it is published, a rise is
    published when there is a bit more, and a fall below it at once. So whoever takes the last one for the e-value stays
    as valid as it is, and the number of events is bounded by how far the evidence moves. Below 4 bits nothing is
    published, except once that it has fallen there: a reset too is such a fall, unless a detection or a clearance has
    said it already.

    Nothing is published while risen errors are open: a model has one question at a time, which moved inputs do not
    displace.
    """
    if state.drift is not None and state.drift.kind == "concept":
        return []
    monitors = state.monitors
    e, stream, n_rows = monitors.e_value(state.errors.bets)
    published = monitors.published_bits
    if published == 0.0 and e < _LEAST_E:
        return []
    bits = log2(e) if e > 0.0 else 0.0
    if published <= bits < max(published + _UP_BITS, _LEAST_BITS + _SLACK_BITS):
        return []
    if published == 0.0 and bits < _LEAST_BITS + _SLACK_BITS:
        return []
    monitors.published_bits = bits - _SLACK_BITS if bits >= _LEAST_BITS + _SLACK_BITS else 0.0
    data = EvidenceUpdated(
        model=event.subject,
        version=state.champion.version,
        stream=stream,
        log2_e=bits - _SLACK_BITS,
        rows=n_rows,
    )
    return [Emit(EXPERIENCE, data, subject=family_subject(event.subject, state.family))]
