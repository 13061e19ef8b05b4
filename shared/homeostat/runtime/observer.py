"""The seam at which tracing, benchmarks and simulations see what a host does, without a hand in it."""

from collections.abc import Sequence

from homeostat.codec import Output, Record
from homeostat.core import Event


class HostObserver:
    """Is told of the life of each record. Every method does nothing unless a subclass says what.

    All calls come from the thread that folds, in the order in which things happen. What is folded again after a crash
    is told again. An observer changes nothing it is given; what it raises halts the host.
    """

    def decoded(self, record: Record, event: Event) -> None:
        """A record was read as an event, and is folded next; a repeated or refused one is not told.

        Several may be folded before the first of them is told as such.
        """

    def folded(self, event: Event, outputs: Sequence[Output]) -> None:
        """A step is over, and its outputs are on their way to the logs, in order; there may be none."""

    def committed(self, topic: str, partition: int, position: int) -> None:
        """A marker at a position is written: every output of the input below it is acknowledged.

        Args:
            topic: Input.
            partition: Of it.
            position: Offset of the next record.
        """

    def turned(self) -> None:
        """A turn of the host's loop is over: records were folded, or the wait for some has ended."""
