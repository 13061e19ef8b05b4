"""When a freeze holds: the governor has braked, and every policy partition's hand has confirmed."""

from pathlib import Path

from homeostat.client.brake import write_brake
from homeostat.core import Event
from homeostat.events import BrakeConfirmed, BrakeReleased, BrakeSet, FreezeSet
from homeostat.events.logs import POLICIES, VERDICTS
from homeostat.events.requests import LONGEST_VALIDITY_MS
from homeostat_tools.cli.connection import Session
from homeostat_tools.cli.responses import Admitted, Answered


def is_answered(opened: Session, answer: type[BrakeSet | BrakeReleased]) -> Answered:
    """Whether the governor has answered a freeze or its lift: signed by its notary, so that nobody else can say so."""
    return lambda admitted, event: (
        isinstance(event.data, BrakeSet | BrakeReleased)
        and isinstance(event.data, answer)
        and event.data.freeze == admitted.identity
        and opened.is_notarised(event)
    )


class Confirmed:
    """Whether every partition of every policy log was confirmed by a hand; to be asked of each event in turn.

    A confirmation counts where the governor has accepted it, which is on the log of verdicts, signed by its notary.

    Args:
        opened: For the partitions there are, and the notary's key.
    """

    def __init__(self, opened: Session) -> None:
        logs = opened.logs
        self._is_notarised = opened.is_notarised
        self._open = {(log, partition) for log in POLICIES for partition in range(logs.n_partitions(log))}
        self.n_places = len(self._open)

    def __call__(self, admitted: Admitted, event: Event) -> bool:
        """Take note of a confirmation, and say whether it was the last."""
        data = event.data
        if isinstance(data, BrakeConfirmed) and event.position.topic == VERDICTS and data.freeze == admitted.identity:
            place = (data.log, data.partition)
            if place in self._open and self._is_notarised(event):
                self._open.discard(place)
        return not self._open


def brake_here(opened: Session, data: FreezeSet, key: str) -> Path:
    """Brake the hands of this machine by a file that also holds the signed request.

    Returns:
        The file.

    Raises:
        KeyMissing: Nothing can be signed; nothing was written.
    """
    client = opened.client(key)
    path = opened.settings.brake_file
    write_brake(path, data.scope, client.signed_request(data, data.scope, LONGEST_VALIDITY_MS))
    return path
