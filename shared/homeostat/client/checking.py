"""What a door would refuse is refused here, by the door's own checks, before it is sent."""

from homeostat.admission import check_identity, check_payload
from homeostat.admission.answers import check_label_answers
from homeostat.admission.claims import check_claim
from homeostat.admission.contract import Checks, check_finite, check_succession
from homeostat.admission.doors import check_type
from homeostat.admission.screening import FREEZES, check_ids, screened_rows
from homeostat.admission.sizes import check_size
from homeostat.client.event_builder import utf8
from homeostat.codec import Output, Record
from homeostat.core import Event, Reject
from homeostat.events import Labels, ModelRegistered, Samples
from homeostat.events.logs import REPORTS, REQUESTS
from homeostat.runtime.ingress import decode_input


def check_record(output: Output) -> Event:
    """Check a record by itself as its door will, and decode it.

    Raises:
        Reject: With the reason code of the door.
    """
    record = Record(output.topic, "", 0, 0, 0, output.key, output.value, output.headers)
    if output.topic in (REQUESTS, REPORTS):
        check_claim(record.headers)
    event = decode_input(record, time=0, emitter="")
    check_type(event, output.topic)
    check_identity(event.source, event.id, event.story)
    if not isinstance(event.data, FREEZES):
        check_ids(event.source, event.id, event.story)
    check_payload(event.subject, event.data)
    header_bytes = output.size - len(output.value or b"")
    check_size(len(output.value or b""), header_bytes, is_signed=event.signature is not None)
    return event


class Checker:
    """Reads each record as its door will, and remembers the models that were registered through it.

    A door knows more: what others have registered, which requests were served, what it has seen before.

    Args:
        source: CloudEvents `source` of the records.

    Raises:
        Reject: `header_missing`, `header_invalid`: no door would take anything from it.
    """

    def __init__(self, source: str) -> None:
        if not source:
            raise Reject("header_missing", "source says who publishes, for example /team/service; it is empty")
        check_identity(source, "", "")
        utf8("source", source)
        self._contracts: dict[str, ModelRegistered] = {}
        self._checks = Checks()

    def check(self, output: Output) -> None:
        """Check a record that is on its way to a door.

        Raises:
            Reject: With the reason code of the door.
        """
        event = check_record(output)
        if isinstance(event.data, ModelRegistered):
            self._contracts[event.subject] = check_succession(event.data, self._contracts.get(event.subject))
        elif isinstance(event.data, Samples | Labels):
            self._check_columns(event, event.data)

    def _check_columns(self, event: Event, columns: Samples | Labels) -> None:
        contract = self._contracts.get(event.subject)
        if contract is None:
            if isinstance(columns, Samples):
                check_finite(columns)
            return
        try:
            screened_rows(columns, contract.on_personal, lambda request: request)
            if isinstance(columns, Labels):
                check_label_answers(columns, contract)
                return
            self._checks.of(event.subject, contract, columns.features).admit(columns)
        except Reject as reject:
            raise Reject(reject.reason, f"{reject.detail} (as this client registered {event.subject})") from None
