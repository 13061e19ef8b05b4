"""The threshold tracker over a timeline of the made-up model."""

from collections.abc import Iterable

from tests.support.fold_driver import run_timeline
from tests.unit.drift_detector.stream import MODEL, event_of

from homeostat.core import Emit, Payload
from homeostat.events import ActionApplied, Band
from homeostat.services.threshold_tracker.fold import ThresholdTracker
from homeostat.services.threshold_tracker.state import State


def approved(band: Band | None) -> ActionApplied:
    """A threshold that took effect; None takes all back."""
    return ActionApplied(action="a", command="c", kind="threshold", model=MODEL, family="acme/cameras", band=band)


def run(
    payloads: Iterable[Payload], *, splits: Iterable[int] = (), fold: ThresholdTracker | None = None
) -> tuple[State, list[tuple[int, Emit]]]:
    """Fold payloads in from offset 0, storing and restoring the state before the offsets in `splits`.

    Returns:
        The state, and each emit with the offset that led to it.
    """
    events = (event_of(data, offset) for offset, data in enumerate(payloads))
    return run_timeline(fold or ThresholdTracker(), MODEL, events, splits)
