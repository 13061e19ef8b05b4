"""The doors that take only what is signed: requests of people, reports of hands."""

from homeostat.admission.claims import check_claim
from homeostat.codec import Record
from homeostat.core import Emit, Event
from homeostat.services.intake.claims import check_proof
from homeostat.services.intake.door import Door
from homeostat.services.intake.provenance import proven_provenance
from homeostat.services.intake.state import SignedState


class Signed(Door[SignedState]):
    """Carries signatures along; the governor judges them. What is no signature goes no further.

    A partition has one state, whoever writes about whatever: a stranger who makes scopes up makes no states.
    """

    def unit(self, subject: str) -> str:
        """One state for all subjects; a signature covers its subject."""
        return self.log

    def check_headers(self, record: Record) -> None:
        """See `Glances`.

        Raises:
            Reject: `unsigned`, `signature_invalid`.
        """
        check_claim(record.headers)

    def check_known(self, state: SignedState | None, record: Record, now: int, *, is_flooded: bool) -> None:
        """See `Glances`.

        Raises:
            Reject: `signature_invalid`, `too_many_requests`.
        """
        check_proof(record, None if state is None else state.unproven, now)

    def check(self, event: Event) -> None:
        """See `Door.check`.

        Raises:
            Reject: `signature_invalid`.
        """
        proven_provenance(event)  # in structured mode the headers say too little to see it before

    def step(self, state: SignedState, event: Event) -> tuple[SignedState, tuple[Emit, ...]]:
        """Admit an event once; what brings no key to check it by is counted."""
        state, emits = super().step(state, event)
        if emits and event.public_key is None:
            state.unproven.take(event.time)
        return state, emits

    def state_type(self) -> type[SignedState]:
        """Deduplication, and what went on unproven."""
        return SignedState
