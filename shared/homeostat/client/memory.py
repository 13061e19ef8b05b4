"""The same logs in memory: the client in tests, in simulations, and where there is no broker."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from homeostat.client.logs import Place
from homeostat.codec import Output, Record
from homeostat.events.logs import LOGS
from homeostat.runtime.kafka_errors import TopicMissing
from homeostat.runtime.memory import MemoryLog

_IDLE_SECONDS: Final = 0.005


class MemoryLogs:
    """`Logs` over a `MemoryLog`.

    Args:
        log: The log.
        groups: Committed offsets to show, by consumer group.
    """

    def __init__(self, log: MemoryLog, groups: Mapping[str, Mapping[Place, int]] | None = None) -> None:
        self.log = log
        self.groups = groups or {}

    def now(self) -> int:
        """The log's own clock."""
        return self.log.now

    def topics(self) -> Mapping[str, int]:
        """Partitions of every topic there is."""
        return {log.name: self.log.n_partitions(log.name) for log in LOGS if self.log.has(log.name)}

    def n_partitions(self, topic: str) -> int:
        """Number of partitions."""
        if not self.log.has(topic):
            raise TopicMissing(topic)
        return self.log.n_partitions(topic)

    def topic_id(self, topic: str) -> str:
        """Incarnation of a topic."""
        return self.log.topic_id(topic)

    def ranges(self, topics: Sequence[str]) -> Mapping[Place, tuple[int, int]]:
        """First offset there is and the one after the last, of every partition."""
        return {(t, p): (self.log.low(t, p), self.log.end(t, p)) for t in topics for p in range(self.n_partitions(t))}

    def committed(self) -> Mapping[str, Mapping[Place, int]]:
        """What the constructor was given."""
        return self.groups

    def read(
        self,
        topics: Sequence[str],
        *,
        since: int | None = None,
        last: int | None = None,
        partition: int | None = None,
    ) -> Iterator[Record]:
        """See `Logs.read`."""
        for (topic, place), (low, high) in self.ranges(topics).items():
            if partition not in (None, place):
                continue
            start = low if last is None else max(low, high - last)
            for record in self.log.records(topic, place, start):
                if since is None or record.timestamp >= since:
                    yield record

    def follow(self, start: Mapping[Place, int]) -> "MemoryFollower":
        """Read on from these offsets."""
        return MemoryFollower(self.log, start)

    def send(self, output: Output) -> None:
        """Append at once."""
        if not self.log.has(output.topic):
            raise TopicMissing(output.topic)
        self.log.append(output)

    def flush(self) -> None:
        """Nothing is ever in flight."""

    def close(self) -> None:
        """Nothing is open."""


class MemoryFollower:
    """`Follower` over a `MemoryLog`; looks once, and waits a moment when there is nothing."""

    def __init__(self, log: MemoryLog, start: Mapping[Place, int]) -> None:
        self._log, self._positions = log, dict(start)

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        """Return what has come."""
        records: list[Record] = []
        for place, position in self._positions.items():
            new = self._log.records(*place, position)
            self._positions[place] = max(position, self._log.end(*place))
            records += new
        if not records:
            time.sleep(min(timeout_seconds, _IDLE_SECONDS))
        return records

    def close(self) -> None:
        """Nothing is open."""
