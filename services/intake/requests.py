"""The requests door: what people want. Signatures are carried along; the governor judges them."""

from homeostat.admission.checks import check_request
from homeostat.admission.salt import NO_SALT, Salt
from homeostat.core import Emit, Event
from homeostat.events import Data
from homeostat.events.logs import REQUESTS
from homeostat.services.intake.provenance import with_provenance
from homeostat.services.intake.settings import Settings
from homeostat.services.intake.signed import Signed
from homeostat.services.intake.state import SignedState


class RequestsIntake(Signed):
    """Passes signed requests on to governance under the scope of their key."""

    def __init__(self, settings: Settings | None = None, salt: Salt = NO_SALT) -> None:
        super().__init__("intake.requests", REQUESTS, settings, salt)

    def admit(self, state: SignedState, event: Event) -> tuple[Emit, ...]:
        """Admit a request.

        Raises:
            Reject: `subject_invalid`, `scope_mismatch`.
        """
        data = event.data
        assert isinstance(data, Data)
        check_request(event.subject, data)
        return self.pass_on(event, with_provenance(data, event))
