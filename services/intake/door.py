"""What the four doors do alike: one type check, one deduplication, then their own admission."""

from typing import Generic, TypeVar

from homeostat.core import Emit, Event, Reject
from homeostat.events import ClockTicked
from intake.admission import check_type
from intake.deduplication import key_of
from intake.settings import Settings
from intake.state import DoorState

S = TypeVar("S", bound=DoorState)


class Door(Generic[S]):
    """Fold over a dirty log; subclasses say what they admit, and into which logs.

    Args:
        name: Of the fold.
        log: The door.
        settings: Windows and limits.
    """

    is_door = True

    def __init__(self, name: str, log: str, settings: Settings | None = None) -> None:
        self.name, self.log, self.settings = name, log, settings or Settings()

    def unit(self, subject: str) -> str:
        """One state per subject."""
        return subject

    def initial(self, subject: str) -> S:
        """Nothing seen."""
        return self.state_type()()

    def step(self, state: S, event: Event) -> tuple[S, tuple[Emit, ...]]:
        """Admit an event once.

        Raises:
            Reject: See `admit`; `type_not_for_log`, `header_invalid`.
        """
        if isinstance(event.data, ClockTicked):
            return state, ()
        check_type(event, self.log)
        self._check_identity(event)
        key, size = key_of(event.source, event.id), self.settings.deduplication_events
        if state.seen.has(key, size):
            state.n_duplicates += 1
            return state, ()
        emits = self.admit(state, event)
        state.seen.add(key, size)
        return state, emits

    def _check_identity(self, event: Event) -> None:
        limit = self.settings.identity_length
        if max(len(event.source), len(event.id)) > limit or len(event.story) > 2 * limit + 1:
            raise Reject(
                "header_invalid",
                f"ce_source and ce_id have at most {limit} characters, ce_correlationid {2 * limit + 1}",
            )

    def admit(self, state: S, event: Event) -> tuple[Emit, ...]:
        """Check an event of an admitted type that was not seen before, then pass it on.

        Raises:
            Reject: The state is unchanged.
        """
        raise NotImplementedError

    def wake_at(self, state: S) -> None:
        """Never: a door says nothing unasked."""

    def state_type(self) -> type[S]:
        """Class of the state, for the snapshot codec."""
        raise NotImplementedError
