"""What the four doors do alike: one type check, one deduplication, then their own admission."""

from typing import Generic, TypeVar

from homeostat.admission.checks import check_identity, check_signature_form
from homeostat.admission.doors import check_type
from homeostat.admission.duplicates import check_said_once
from homeostat.admission.salt import NO_SALT, Salt
from homeostat.admission.screening import FREEZES, check_ids
from homeostat.codec import Record
from homeostat.core import Emit, Event
from homeostat.core.identity import scope_of
from homeostat.events import ClockTicked, Data
from homeostat.events.logs import EXPERIENCE, GOVERNANCE
from homeostat.events.routes import emits_of
from homeostat.services.intake.deduplication import key_of
from homeostat.services.intake.settings import Settings
from homeostat.services.intake.state import DoorState

S = TypeVar("S", bound=DoorState)


class Door(Generic[S]):
    """Fold over a dirty log; subclasses say what they admit, and into which logs.

    Args:
        name: Of the fold.
        log: The door.
        settings: Windows and limits.
        salt: Of the digests that stand for personal data; its fingerprint is part of the version.
    """

    is_door = True

    def __init__(self, name: str, log: str, settings: Settings | None = None, salt: Salt = NO_SALT) -> None:
        self.name, self.log, self.settings, self.salt = name, log, settings or Settings(), salt
        self.counts: dict[str, int] = {}
        self._topics = emits_of(name)

    def unit(self, subject: str) -> str:
        """One state per subject."""
        return subject

    def initial(self, subject: str) -> S:
        """Nothing seen."""
        return self.state_type()()

    def step(self, state: S, event: Event) -> tuple[S, tuple[Emit, ...]]:
        """Admit an event once.

        Raises:
            Reject: See `admit`; `type_not_for_log`, `header_invalid`, `payload_invalid`.
        """
        if isinstance(event.data, ClockTicked):
            return state, ()
        check_type(event, self.log)
        check_identity(event.source, event.id, event.story, self.settings.identity_length)
        check_signature_form(event)
        check_said_once(event)
        self.check(event)
        if not isinstance(event.data, FREEZES):
            check_ids(event.source, event.id, event.story)
        key, size = key_of(event), self.settings.deduplication_events
        if state.seen.has(key, size):
            self.count("duplicate")
            return state, ()
        emits = self.admit(state, event)
        state.seen.add(key, size)
        return state, emits

    def check_headers(self, record: Record) -> None:
        """See `Glances`: nothing, unless a door says so.

        Raises:
            Reject: See the door.
        """

    def check_known(self, state: S | None, record: Record, now: int, *, is_flooded: bool) -> None:
        """See `Glances`: nothing, unless a door says so.

        Raises:
            Reject: See the door.
        """

    def check(self, event: Event) -> None:
        """Check what concerns neither subject nor payload; nothing, unless a door says so.

        Raises:
            Reject: See the door.
        """

    def personal_names(self, state: S) -> tuple[str, ...]:
        """Names that the contract in a state calls personal; only the door of telemetry has contracts."""
        return ()

    def count(self, outcome: str, n: int = 1) -> None:
        """Count something for eyes only, since the start of the process: no output and no state depends on it."""
        if n:
            self.counts[outcome] = self.counts.get(outcome, 0) + n

    def admit(self, state: S, event: Event) -> tuple[Emit, ...]:
        """Check an event of an admitted type that was not seen before, then pass it on.

        Raises:
            Reject: The state is unchanged.
        """
        raise NotImplementedError

    def pass_on(self, event: Event, data: Data, family: str | None = None) -> tuple[Emit, ...]:
        """Emit what was admitted to every topic that the catalogue names for it, under the key of that topic.

        Args:
            event: As it came in.
            data: What it has become.
            family: `scope/family`, if the subject is another; None where it is the subject.
        """
        scope = scope_of(event.subject)
        keys = {GOVERNANCE: scope if scope != event.subject else None, EXPERIENCE: family}
        return tuple(Emit(topic, data, subject=keys.get(topic)) for topic in self._topics[data.TYPE])

    def wake_at(self, state: S) -> None:
        """Never: a door says nothing unasked."""

    def state_type(self) -> type[S]:
        """Class of the state, for the snapshot codec."""
        raise NotImplementedError
