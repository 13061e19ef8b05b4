"""The reports door: what hands have done becomes history of its target, and reaches the law."""

from homeostat.core import Emit, Event, Reject
from homeostat.events import ActionProgressed, BrakeConfirmed, WeightsPublished, WeightsRejected
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, REPORTS, TIMELINE
from homeostat.events.reports import Report
from intake.door import Door
from intake.provenance import scope_of, with_provenance
from intake.settings import Settings
from intake.state import DoorState
from intake.subjects import check_pair, check_same_scope, check_scope


class ReportsIntake(Door[DoorState]):
    """Passes reports on: effects to the timeline of their model and to governance, weights and progress to families."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__("intake.reports", REPORTS, settings)

    def admit(self, state: DoorState, event: Event) -> tuple[Emit, ...]:
        """Admit a report.

        Raises:
            Reject: `subject_invalid`, `subject_mismatch`, `scope_mismatch`.
        """
        data = event.data
        if isinstance(data, BrakeConfirmed):
            scope = scope_of(event.subject)
            check_scope(scope)
            return (Emit(GOVERNANCE, with_provenance(data, event), subject=scope),)
        check_pair(event.subject, "the target's scope/model, or scope/family")
        if isinstance(data, WeightsPublished | WeightsRejected):
            _check_target(event, data.family)
            return (Emit(EXPERIENCE, with_provenance(data, event)),)
        assert isinstance(data, Report)
        _check_target(event, data.model or data.family)
        check_same_scope(event.subject, data.family)
        admitted = with_provenance(data, event)
        if isinstance(data, ActionProgressed):  # a family has no timeline: its history is experience
            return (Emit(TIMELINE if data.model else EXPERIENCE, admitted),)
        to_law = Emit(GOVERNANCE, admitted, subject=scope_of(event.subject))
        return (Emit(TIMELINE, admitted), to_law) if data.model else (to_law,)

    def state_type(self) -> type[DoorState]:
        """Deduplication only."""
        return DoorState


def _check_target(event: Event, target: str) -> None:
    if event.subject != target:
        raise Reject("subject_mismatch", f"the report speaks of {target!r}: that is its key, not {event.subject!r}")
