"""When a freeze holds: the governor has braked, and every policy partition's hand has confirmed."""

from pathlib import Path

from homeostat.cli.answers import Admitted
from homeostat.cli.connection import Session
from homeostat.client.brake import write_brake
from homeostat.client.logs import Logs
from homeostat.core import Event
from homeostat.events import BrakeConfirmed, BrakeReleased, BrakeSet, FreezeSet
from homeostat.events.logs import POLICIES


def is_brake(admitted: Admitted, event: Event) -> bool:
    """Whether the governor has braked for this freeze."""
    return isinstance(event.data, BrakeSet) and event.data.freeze == admitted.identity


def is_release(admitted: Admitted, event: Event) -> bool:
    """Whether the governor has released for this lift."""
    return isinstance(event.data, BrakeReleased) and event.data.freeze == admitted.identity


class Confirmed:
    """Whether every partition of every policy log was confirmed by a hand; to be asked of each event in turn.

    Args:
        logs: For the partitions there are.
    """

    def __init__(self, logs: Logs) -> None:
        self._open = {(log, partition) for log in POLICIES for partition in range(logs.places(log))}
        self.n_places = len(self._open)

    def __call__(self, admitted: Admitted, event: Event) -> bool:
        """Take note of a confirmation, and say whether it was the last."""
        if isinstance(event.data, BrakeConfirmed) and event.data.freeze == admitted.identity:
            self._open.discard((event.data.log, event.data.partition))
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
    write_brake(path, data.scope, client.sealed_request(data, data.scope))
    return path
