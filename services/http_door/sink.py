"""Where admitted records go."""

from collections.abc import Sequence
from typing import Protocol

from homeostat.codec import Output


class Sink(Protocol):
    """Takes records, and says when they are safe; `homeostat.client.acknowledging` has the one of Kafka."""

    @property
    def n_unacknowledged(self) -> int:
        """Records that wait."""

    @property
    def trouble(self) -> str:
        """Why nothing can be written, one sentence; empty if something can."""

    def start(self) -> None:
        """Begin to connect."""

    async def deliver(self, outputs: Sequence[Output]) -> list[str]:
        """Write records, in order, and return when each is safe: nothing for each, or why it is not.

        Args:
            outputs: Their partitions are still open.
        """

    async def close(self) -> None:
        """Wait for what waits, and give connections back."""
