"""From a marked event to a record at its door, checked as the door will."""

from collections.abc import Callable

from homeostat.client.checking import Checker
from homeostat.client.doors import door_of
from homeostat.client.event_builder import EventBuilder
from homeostat.client.logs import Logs
from homeostat.codec import encode_payload
from homeostat.core import Reject
from homeostat.events.history import HISTORY
from homeostat_tools.history.marking import Marked


class HistoryPublisher:
    """Publishes history; what a door would refuse is not sent.

    Args:
        logs: Where to.
        on_refused: Called for what is not sent, with the reason.
    """

    def __init__(self, logs: Logs, on_refused: Callable[[Marked, Reject], None]) -> None:
        self._logs, self._on_refused = logs, on_refused
        self._builder, self._checker = EventBuilder(HISTORY), Checker(HISTORY)

    def send(self, event: Marked) -> bool:
        """Queue one event.

        Returns:
            Whether it was sent.

        Raises:
            DeliveryFailed: An earlier one could not be delivered.
        """
        door, (value, content_type) = door_of(event.data.TYPE), encode_payload(event.data)
        output = self._builder.build_value(
            door,
            event.subject,
            event.data.TYPE,
            value,
            self._logs.n_partitions(door),
            content_type=content_type,
            id_=event.id,
            source=event.source,
        )
        try:
            self._checker.check(output)
        except Reject as reject:
            self._on_refused(event, reject)
            return False
        self._logs.send(output)
        return True
