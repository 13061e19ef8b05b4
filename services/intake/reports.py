"""The reports door: what hands say they have done. It becomes a fact when the governor has recognised the hand."""

from homeostat.admission.checks import check_report
from homeostat.admission.salt import NO_SALT, Salt
from homeostat.core import Emit, Event
from homeostat.events import Data
from homeostat.events.logs import REPORTS
from homeostat.services.intake.provenance import with_provenance
from homeostat.services.intake.settings import Settings
from homeostat.services.intake.signed import Signed
from homeostat.services.intake.state import SignedState


class ReportsIntake(Signed):
    """Passes signed reports on to governance; who signed them is the governor's to say."""

    def __init__(self, settings: Settings | None = None, salt: Salt = NO_SALT) -> None:
        super().__init__("intake.reports", REPORTS, settings, salt)

    def admit(self, state: SignedState, event: Event) -> tuple[Emit, ...]:
        """Admit a report.

        Raises:
            Reject: `subject_invalid`, `subject_mismatch`, `scope_mismatch`.
        """
        data = event.data
        assert isinstance(data, Data)
        check_report(event.subject, data)
        return self.pass_on(event, with_provenance(data, event))
