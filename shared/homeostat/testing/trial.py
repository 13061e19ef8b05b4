"""One fold over one partition, record by record, with crashes where you want them."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from homeostat.codec import Output, Record
from homeostat.core import Fold
from homeostat.events.logs import SNAPSHOTS
from homeostat.runtime.assignment import Assignment

MakeFold = Callable[[], Fold[Any]]
"""Gives a fresh fold, always with the same settings."""

Place = tuple[str, int]
Line = tuple[bytes, bytes, bytes]
"""Key, value and `ce_` headers of an output."""

N_PLACES: Final = 3
"""Partitions of every output log of a trial: enough to see a wrong one."""


def line_of(output: Output | Record) -> Line:
    """What must be equal of two outputs: all but signatures and trace ids."""
    headers = sorted(name.encode() + b"=" + value for name, value in output.headers if name.startswith("ce_"))
    return output.key or b"", output.value or b"", b"\0".join(headers)


class Trial:
    """A fold under a host whose log and snapshots live in memory.

    Args:
        make: A fresh fold for every life.
        first: First record of the input; names the log, its incarnation and the partition.
    """

    def __init__(self, make: MakeFold, first: Record) -> None:
        self._make, self._first = make, first
        self.outputs: list[Output] = []
        self._snapshots: dict[bytes, Record] = {}
        self._n_lives = 0
        self.assignment = self._open()

    def _n_partitions(self, topic: str) -> int:
        """Partitions of a log; of the input so many that its records, of one partition, lie where they belong."""
        return self._first.partition + 1 if topic == self._first.topic else N_PLACES

    def send(self, output: Output) -> None:
        """Keep an output, or the newest snapshot under its key: the trial is its own outbox."""
        if not output.topic.startswith(SNAPSHOTS):
            self.outputs.append(output)
        elif output.value is None:
            self._snapshots.pop(output.key, None)
        else:
            self._snapshots[output.key] = Record(output.topic, "", output.partition, 0, 0, output.key, output.value, [])

    def flush(self) -> None:
        """Nothing is in flight."""

    def _open(self) -> Assignment[Any]:
        self._n_lives += 1
        assignment: Assignment[Any] = Assignment(
            self._make(),
            version="trial",
            topic_id=self._first.topic_id,
            partition=self._first.partition,
            n_partitions=self._n_partitions,
            outbox=self,
            writer=f"{self._n_lives:08x}",
        )
        stored = list(self._snapshots.values())
        assignment.restore(stored, low=0 if stored else self._first.offset)
        return assignment

    def crash(self) -> None:
        """Lose everything that is not in the log or a snapshot, and start again."""
        self.assignment = self._open()

    def run(self, records: Sequence[Record]) -> None:
        """Fold all records that follow the position."""
        for record in records:
            self.assignment.process(record)

    def published(self) -> dict[Place, list[Line]]:
        """What readers see who drop repeats, by place."""
        seen: dict[Place, list[Line]] = {}
        watermarks: dict[Place, bytes] = {}
        for output in self.outputs:
            place, sequence = (output.topic, output.partition), dict(output.headers)["ce_sequence"]
            if sequence > watermarks.get(place, b""):
                watermarks[place] = sequence
                seen.setdefault(place, []).append(line_of(output))
        return seen


def derive(make: MakeFold, records: Sequence[Record]) -> list[Output]:
    """Fold all records in one life; return what came out."""
    if not records:
        return []
    trial = Trial(make, records[0])
    trial.run(records)
    return trial.outputs
