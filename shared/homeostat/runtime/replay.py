"""Deriving every decision again: the same fold over recorded input, compared byte by byte."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from homeostat.codec import Headers, Output, Record
from homeostat.core import Fold
from homeostat.events.logs import DOORS, SNAPSHOTS
from homeostat.runtime.assignment import Assignment
from homeostat.runtime.keyframes import Keyframe
from homeostat.runtime.outbox import Outbox

S = TypeVar("S")


class _Collector:
    """Outbox that keeps outputs and forgets snapshots, and what a door passes on to another partition of itself."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []

    def send(self, output: Output) -> None:
        if not output.topic.startswith(SNAPSHOTS) and output.topic not in DOORS:
            self.outputs.append(output)

    def flush(self) -> None:
        """Nothing is in flight."""


class _Sink:
    """Outbox that keeps nothing."""

    def send(self, output: Output) -> None:
        """Drop it."""

    def flush(self) -> None:
        """Nothing is in flight."""


def replay(
    fold: Fold[Any], records: Iterable[Record], n_partitions: Callable[[str], int], start: Keyframe | None = None
) -> list[Output]:
    """Fold one partition's records, from its first or from a snapshot on, and return what comes out.

    Args:
        fold: A fold of the version that made the recorded outputs.
        records: In offset order.
        n_partitions: Number of partitions of a log, as when it was recorded.
        start: State to begin with; records below its position are passed over.

    Raises:
        SnapshotOutdated, SnapshotDamaged: The state cannot be read, by this version.
    """
    collector = _Collector()
    _folded(fold, records, n_partitions, start, collector)
    return collector.outputs


def replay_states(
    fold: Fold[S], records: Iterable[Record], n_partitions: Callable[[str], int], start: Keyframe | None = None
) -> dict[str, S]:
    """Fold one partition's records as `replay` does, and return the states by unit; what comes out is dropped.

    Args:
        fold: See `replay`.
        records: In offset order.
        n_partitions: Of a topic.
        start: State to begin with.
    """
    assignment = _folded(fold, records, n_partitions, start, _Sink())
    return {} if assignment is None else assignment.states


def _folded(
    fold: Fold[S],
    records: Iterable[Record],
    n_partitions: Callable[[str], int],
    start: Keyframe | None,
    outbox: Outbox,
) -> Assignment[S] | None:
    assignment = None
    for record in records:
        if assignment is None:
            assignment = Assignment(
                fold,
                version="replay" if start is None else start.marker.version,
                topic_id=record.topic_id,
                partition=record.partition,
                n_partitions=n_partitions,
                outbox=outbox,
                writer="replay",
                seals=None if start is None else start.seals,
            )
            assignment.restore(() if start is None else start.records, low=record.offset)
        assignment.process(record)
    return assignment


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a replay says something else than the log.

    Args:
        place: `topic[partition] source#id`.
        recorded: What the log has, or None.
        derived: What the replay says, or None.
    """

    place: str
    recorded: bytes | None
    derived: bytes | None


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """Outcome of a comparison.

    Args:
        n_derived: Outputs the replay made.
        n_equal: Those found in the log with equal value and `ce_` headers.
        differences: The others, and recorded ones that were not derived.
    """

    n_derived: int
    n_equal: int
    differences: tuple[Difference, ...]

    @property
    def is_equal(self) -> bool:
        """Whether every output was derived again, byte for byte."""
        return not self.differences


def compare(derived: Sequence[Output], recorded: Iterable[Record], emitters: Sequence[str]) -> ReplayReport:
    """Compare derived outputs with the first occurrence of each identity in the logs.

    Args:
        derived: Outputs of `replay`, of any number of partitions.
        recorded: Records of all output logs.
        emitters: Sources (`Assignment.emitter`) whose records are compared; the others are not ours.
    """
    ours = set(emitters)
    found: dict[str, bytes] = {}
    for record in recorded:
        place = _place(record.topic, record.partition, record.headers)
        if _header(record.headers, "ce_source").decode() in ours:
            found.setdefault(place, _bytes(record.key, record.value, record.headers))
    differences, n_equal = [], 0
    for output in derived:
        place = _place(output.topic, output.partition, output.headers)
        own = _bytes(output.key, output.value, output.headers)
        other = found.pop(place, None)
        if other == own:
            n_equal += 1
        else:
            differences.append(Difference(place, other, own))
    differences += [Difference(place, other, None) for place, other in found.items()]
    return ReplayReport(len(derived), n_equal, tuple(differences))


def _header(headers: Headers, name: str) -> bytes:
    return next((value for key, value in headers if key == name), b"")


def _place(topic: str, partition: int, headers: Headers) -> str:
    return f"{topic}[{partition}] {_header(headers, 'ce_source').decode()}#{_header(headers, 'ce_id').decode()}"


def _bytes(key: bytes | None, value: bytes | None, headers: Headers) -> bytes:
    lines = sorted(name.encode() + b"=" + text for name, text in headers if name.startswith("ce_"))
    return b"\0".join([key or b"", value or b"", *lines])
