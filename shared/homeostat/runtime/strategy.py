"""What is done with what a consumer loop reads.

Model: arroyo, `processing/strategies/abstract.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from homeostat.codec import Record
from homeostat.core import HomeostatError

logger = structlog.get_logger(__name__)
Partition = tuple[str, int]
"""Topic and number."""

IDLE_SECONDS: Final = 0.25
"""Longest wait of a loop that has nothing to do by a certain time."""


class Strategy(ABC):
    """What is done with the records of one loop; two methods are to be written, the others have a default.

    Every call comes from the thread that runs the loop, and may assume:

    1. `assigned` comes before any record of a partition, `revoked` or `lost` after the last one.
    2. Records of a partition come in offset order, from the position that `assigned` returned, without one left out
       but for what `skipped` and `truncated` were told of.
    3. `turned` follows everything that was read in one turn, and comes at least every `timeout` seconds.
    4. `stopped` is the last call, with all partitions that are still assigned; after a crash it never comes.

    What a method raises ends the loop: nothing is committed by the loop itself.
    """

    is_lease: bool = False
    """The partitions say who may work: they are paused, and nothing is read through them."""

    @abstractmethod
    def assigned(self, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        """Take partitions over; return the offset of the first record that is wanted of each."""

    @abstractmethod
    def process(self, partition: Partition, records: Sequence[Record]) -> None:
        """Take some records of a partition in; at least one."""

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """Give partitions up that another member is assigned to as soon as this returns."""
        self.lost(partitions)

    def lost(self, partitions: Sequence[Partition]) -> None:  # noqa: B027  # nothing is the default
        """Forget partitions that another member owns already."""

    def reached(self, partition: Partition, offset: int) -> None:  # noqa: B027  # nothing is the default
        """Take note that nothing is left to read below an offset."""

    def passes_over(self, partition: Partition, offset: int, reason: str) -> bool:
        """Whether to go on behind a batch that no client can read; if so `skipped` follows, else the loop ends.

        Args:
            partition: It lies in.
            offset: Of its first record.
            reason: What the client says of it.
        """
        return False

    def skipped(self, partition: Partition, offset: int, end: int) -> int:
        """Take note that records from `offset` to `end` cannot be read; return where to go on.

        Args:
            partition: Topic and partition.
            offset: First that cannot be read.
            end: First behind it.
        """
        logger.error("records_unreadable", topic=partition[0], partition=partition[1], position=end)
        return end

    def truncated(self, partition: Partition, low: int, reason: str) -> int:
        """Take note that the log begins at `low` now, and the next record is gone; return where to go on.

        Args:
            partition: Topic and partition.
            low: First offset that is left.
            reason: Why.
        """
        logger.error("records_lost", topic=partition[0], partition=partition[1], position=low, error=reason)
        return low

    def failed(self, partition: Partition | None, error: HomeostatError) -> None:
        """Raise if what Kafka says of a partition, or beside any, must end the loop.

        Args:
            partition: One that is assigned; None for what concerns none, of which `Readiness` is told.
            error: Not fatal, and not over in a moment.
        """
        if partition is not None:
            raise error

    def timeout(self) -> float:
        """Longest time to wait for a record, s."""
        return IDLE_SECONDS

    def turned(self) -> None:  # noqa: B027  # nothing is the default
        """Do what is due between batches."""

    def stopped(self) -> None:  # noqa: B027  # nothing is the default
        """Finish what is begun: the loop ends."""
