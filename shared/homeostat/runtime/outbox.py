"""The way out of an assignment."""

from typing import Protocol

from homeostat.codec import Output


class Outbox(Protocol):
    """Ordered, gapless way to the logs."""

    def send(self, output: Output) -> None:
        """Queue one record; what is queued first is written first."""

    def flush(self) -> None:
        """Return when everything sent is acknowledged; otherwise never return normally."""
