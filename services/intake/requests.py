"""The requests door: what people want. Signatures are carried along; the governor judges them."""

from homeostat.core import Emit, Event
from homeostat.events import Data
from homeostat.events.logs import GOVERNANCE, REQUESTS
from intake.door import Door
from intake.provenance import with_provenance
from intake.settings import Settings
from intake.state import DoorState
from intake.subjects import check_same_scope, check_scope


class RequestsIntake(Door[DoorState]):
    """Passes requests on to governance under the scope of their key."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__("intake.requests", REQUESTS, settings)

    def admit(self, state: DoorState, event: Event) -> tuple[Emit, ...]:
        """Admit a request.

        Raises:
            Reject: `subject_invalid`, `scope_mismatch`.
        """
        data = event.data
        assert isinstance(data, Data)
        check_scope(event.subject)
        check_same_scope(event.subject, *(getattr(data, name, None) for name in ("scope", "family", "model")))
        return (Emit(GOVERNANCE, with_provenance(data, event)),)

    def state_type(self) -> type[DoorState]:
        """Deduplication only."""
        return DoorState
