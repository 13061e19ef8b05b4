"""The traces door: what training shows."""

from homeostat.core import Emit, Event
from homeostat.events import Data, FamilyRegistered, TaskRecorded
from homeostat.events.logs import EXPERIENCE, TASKS, TRACES
from intake.contract import check_family
from intake.door import Door
from intake.provenance import with_provenance
from intake.settings import Settings
from intake.state import DoorState
from intake.subjects import check_pair, check_same_scope
from intake.tasks import ARRAYS, check_task


class TracesIntake(Door[DoorState]):
    """Passes traces on to experience; a task goes to tasks with its arrays, and to experience without."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__("intake.traces", TRACES, settings)

    def admit(self, state: DoorState, event: Event) -> tuple[Emit, ...]:
        """Admit a trace.

        A task with arrays is two emits: the 0th, on tasks, has them; the 1st, on experience, has not.

        Raises:
            Reject: `subject_invalid`, `scope_mismatch`, `family_invalid`, `task_invalid`, `array_too_large`.
        """
        data = event.data
        assert isinstance(data, Data)
        check_pair(event.subject, "scope/family")
        check_same_scope(event.subject, getattr(data, "model", None))
        if isinstance(data, FamilyRegistered):
            check_family(data)
        admitted = with_provenance(data, event)
        if isinstance(data, TaskRecorded) and check_task(data, self.settings.inline_array_bytes):
            bare = admitted.model_copy(update=dict.fromkeys(ARRAYS))
            return (Emit(TASKS, admitted), Emit(EXPERIENCE, bare))
        return (Emit(EXPERIENCE, admitted),)

    def state_type(self) -> type[DoorState]:
        """Deduplication only."""
        return DoorState
