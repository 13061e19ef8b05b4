"""The recorded run of the replay tests as logs: every input, and what the governor said to it."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from tests.support.histories import HISTORIES, history_of, n_partitions, read

from homeostat.client.logs import Place
from homeostat.client.memory import MemoryLogs
from homeostat.codec import Record
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, TIMELINE, VERDICTS
from homeostat.runtime.kafka_errors import TopicMissing
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.replay import replay
from homeostat.services.governor.fold import Governor


@cache
def _records(topic: str) -> tuple[Record, ...]:
    if topic != VERDICTS:
        return tuple(record for part in read(HISTORIES / f"{topic}.jsonl.gz").values() for record in part)
    governance = history_of(Governor(), HISTORIES)[0]
    at = {str(record.offset): record.timestamp for record in governance}
    said = [out for out in replay(Governor(), governance, n_partitions) if out.topic == VERDICTS]
    return tuple(
        Record(
            VERDICTS,
            "v",
            0,
            n,
            at[dict(out.headers)["ce_id"].decode().partition(".")[0]],
            out.key,
            out.value,
            out.headers,
        )
        for n, out in enumerate(said)
    )


class RecordedLogs(MemoryLogs):
    """Logs of the recorded run; nothing is written."""

    def __init__(self) -> None:
        super().__init__(MemoryLog(2))

    def topics(self) -> Mapping[str, int]:
        """Those that are recorded."""
        return {topic: n_partitions(topic) for topic in (TIMELINE, EXPERIENCE, GOVERNANCE, VERDICTS)}

    def ranges(self, topics: Sequence[str]) -> Mapping[Place, tuple[int, int]]:
        """From the first offset to the end."""
        return {(topic, 0): (0, len(_records(topic))) for topic in topics}

    def read(
        self, topics: Sequence[str], *, since: int | None = None, last: int | None = None, partition: int | None = None
    ) -> Iterator[Record]:
        """Yield what was recorded."""
        for topic in topics:
            if topic not in self.topics():
                raise TopicMissing(topic)
            for record in _records(topic):
                if (since is None or record.timestamp >= since) and partition in (None, record.partition):
                    yield record
