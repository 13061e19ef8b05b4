"""The traces door: what training shows."""

from functools import partial

from homeostat.admission.checks import check_trace
from homeostat.admission.salt import NO_SALT, Salt
from homeostat.admission.screening import screened
from homeostat.admission.tasks import ARRAYS
from homeostat.core import Emit, Event
from homeostat.core.identity import scope_of
from homeostat.events import Data, FamilyObserved, TaskRecorded
from homeostat.events.logs import EXPERIENCE, TASKS, TRACES
from homeostat.services.intake.door import Door
from homeostat.services.intake.provenance import with_proven_provenance
from homeostat.services.intake.settings import Settings
from homeostat.services.intake.state import TracesState


class TracesIntake(Door[TracesState]):
    """Passes traces on to experience; a task goes to tasks with its arrays, and to experience without.

    The first trace of a family is announced to governance, so that the family hears what was set before it came; and to
    the family, so that it waits for that.
    """

    def __init__(self, settings: Settings | None = None, salt: Salt = NO_SALT) -> None:
        super().__init__("intake.traces", TRACES, settings, salt)

    def admit(self, state: TracesState, event: Event) -> tuple[Emit, ...]:
        """Admit a trace.

        A task with arrays is two emits: the 0th, on tasks, has them; the 1st, on experience, has not.

        Raises:
            Reject: `subject_invalid`, `scope_mismatch`, `family_invalid`, `task_invalid`, `array_too_large`,
                `personal_data`, `signature_invalid`.
        """
        data = event.data
        assert isinstance(data, Data)
        check_trace(event.subject, data, self.settings.inline_array_bytes)
        data, redacted = screened(data, partial(self.salt.digest, scope_of(event.subject)))
        admitted = with_proven_provenance(data, event, redacted)
        if not isinstance(data, TaskRecorded):
            emits = [*self.pass_on(event, admitted)]
        elif data.support_x is None:
            emits = [Emit(EXPERIENCE, admitted)]
        else:  # then it has all of them
            emits = [Emit(TASKS, admitted), Emit(EXPERIENCE, admitted.model_copy(update=dict.fromkeys(ARRAYS)))]
        if not state.is_announced:
            state.is_announced = True
            observed = FamilyObserved(family=event.subject, provenance=admitted.provenance)
            emits += self.pass_on(event, observed)
        return tuple(emits)

    def state_type(self) -> type[TracesState]:
        """Deduplication, and whether the family is known."""
        return TracesState
