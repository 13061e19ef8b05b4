"""What a client needs of the logs, whether they lie on Kafka or in memory."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, Protocol

from homeostat.codec import Output, Record

Place = tuple[str, int]
"""Topic and partition."""

Since = Literal["now", "beginning"]


class Follower(Protocol):
    """Reads on as records come; not for two threads at once."""

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        """Return what has come, in offset order per partition; empty when nothing does in this time.

        Raises:
            BrokerUnreachable: What cannot pass by itself; a broker that is away for a while is waited for.
        """

    def close(self) -> None:
        """Give connections back."""


class Logs(Protocol):
    """Records in, records out, and where they begin and end."""

    def now(self) -> int:
        """The broker's clock as far as it is known here, ms since the epoch."""

    def topics(self) -> Mapping[str, int]:
        """Partitions of every topic of ours there is."""

    def n_partitions(self, topic: str) -> int:
        """Number of partitions.

        Raises:
            TopicMissing: There is no such topic.
        """

    def topic_id(self, topic: str) -> str:
        """Incarnation of a topic."""

    def ranges(self, topics: Sequence[str]) -> Mapping[Place, tuple[int, int]]:
        """First offset there is and the one after the last, of every partition."""

    def committed(self) -> Mapping[str, Mapping[Place, int]]:
        """Offset that each consumer group says it has worked up to; for display and waiting only."""

    def read(
        self,
        topics: Sequence[str],
        *,
        since: int | None = None,
        last: int | None = None,
        partition: int | None = None,
    ) -> Iterator[Record]:
        """Yield what is there at the time of the call, in offset order per partition and no order across.

        Args:
            topics: Which; those that do not exist raise.
            since: Broker time in ms to start at.
            last: At most so many of every partition, from its end.
            partition: Only this one of each topic.

        Raises:
            BrokerUnreachable: Nobody answers.
            TopicMissing: There is no such topic.
        """

    def follow(self, start: Mapping[Place, int]) -> Follower:
        """Read on from these offsets."""

    def send(self, output: Output) -> None:
        """Queue one record; waits while the queue is full.

        Raises:
            DeliveryFailed: An earlier one could not be delivered.
        """

    def flush(self) -> None:
        """Wait until everything is acknowledged.

        Raises:
            DeliveryFailed: Something was not.
        """

    def close(self) -> None:
        """Flush, and give connections back."""
