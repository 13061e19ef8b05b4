"""One fold's outputs derived again from its recorded input, and compared with the logs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from homeostat.client.logs import Logs, Place
from homeostat.codec import Output, Record
from homeostat.core import Fold
from homeostat.events.logs import DOORS, LOGS, SNAPSHOTS
from homeostat.runtime.errors import SnapshotDamaged, SnapshotOutdated
from homeostat.runtime.kafka_errors import TopicMissing
from homeostat.runtime.keyframes import Keyframe, keyframe, markers
from homeostat.runtime.replay import Difference, compare, replay
from homeostat.runtime.sealing import Seals
from homeostat.runtime.version import version_of
from homeostat_tools.cli.folds import entry_of
from homeostat_tools.cli.rendering import attributes

_STEP: Final = 500
"""Records between two reports of progress."""

Progress = Callable[[int, int], None]

Outcome = Literal["equal", "differs", "expired", "other version"]
"""equal: all that can be derived is what the logs have. differs: something is not, and this version made it, or nobody
knows which did. expired: nothing can be derived; the input is gone and no snapshot stands in for it. other version:
what differs, or the snapshot that the replay needs, was made by another version of the fold."""


@dataclass(frozen=True, slots=True)
class Rederived:
    """Outcome for one fold.

    Args:
        fold: Its name.
        outcome: In a word.
        n_inputs: Records folded.
        n_outputs: Outputs derived.
        n_equal: Of them, those that the logs have, byte for byte.
        n_expired: Outputs that the logs have, on input that is gone.
        differences: What is not equal.
        started_at: Offset of the snapshot that a partition was begun from, where its head is gone.
    """

    fold: str
    outcome: Outcome
    n_inputs: int
    n_outputs: int
    n_equal: int
    n_expired: int
    differences: tuple[Difference, ...]
    started_at: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Part:
    """One partition: what is folded of it.

    Args:
        start: First offset; the end where nothing can be.
        end: The one after the last.
        keyframe: State to begin with, where the head is gone.
        versions: Position and version of every marker that is left.
        is_foreign: The state was stored by another version, and this one cannot read it.
    """

    start: int
    end: int
    keyframe: Keyframe | None
    versions: tuple[tuple[int, str], ...]
    is_foreign: bool = False


def rederive(name: str, fold: Fold[Any], logs: Logs, seals: Seals, progress: Progress) -> Rederived:
    """Fold every partition of a fold's log again, up to where its service says it is, and compare.

    A partition whose oldest input has expired is begun from the earliest snapshot that is whole.

    Args:
        name: Of the fold.
        fold: The fold, of the version that is installed.
        logs: Where from.
        seals: What the seals of snapshots are looked at with.
        progress: Told how many of how many records are folded.
    """
    parts = _parts(name, fold, logs, seals)
    total = sum(max(0, part.end - part.start) for part in parts.values())
    counter, derived = _Counter(progress, total), list[Output]()
    for place, part in parts.items():
        records = (r for r in logs.read([fold.log], partition=place[1]) if part.start <= r.offset < part.end)
        try:
            derived += replay(fold, counter.count(records), logs.n_partitions, part.keyframe)
        except (SnapshotOutdated, SnapshotDamaged):
            parts[place] = _Part(part.end, part.end, None, part.versions, is_foreign=True)
    progress(total, total)
    emitters = {f"/homeostat/{fold.name}/{t}/{logs.topic_id(t)}/{p}": part for (t, p), part in parts.items()}
    kept, n_expired = list[Record](), 0
    for record in logs.read([log.name for log in LOGS if log.name not in DOORS]):
        at = _input_of(record, emitters)
        if at is not None and at[1] < at[0].end:
            n_expired += at[1] < at[0].start
            if at[1] >= at[0].start:
                kept.append(record)
    report = compare(derived, kept, list(emitters))
    own = version_of(fold)
    is_other = any(part.is_foreign for part in parts.values())
    is_own = any(not _is_of_another(difference, emitters, own) for difference in report.differences)
    return Rederived(
        name,
        _outcome(report.differences, report.n_derived, n_expired, is_own=is_own, is_other=is_other),
        counter.n,
        report.n_derived,
        report.n_equal,
        n_expired,
        report.differences,
        {f"{t}[{p}]": part.start for (t, p), part in parts.items() if part.keyframe is not None},
    )


def _outcome(
    differences: Sequence[Difference], n_derived: int, n_expired: int, *, is_own: bool, is_other: bool
) -> Outcome:
    if differences:
        return "differs" if is_own else "other version"
    if is_other:
        return "other version"
    return "expired" if n_expired and not n_derived else "equal"


def _parts(name: str, fold: Fold[Any], logs: Logs, seals: Seals) -> dict[Place, _Part]:
    committed, parts = logs.committed().get(entry_of(name).group, {}), {}
    for place, (low, high) in logs.ranges([fold.log]).items():
        end = min(high, committed.get(place, high))
        snapshots = _snapshots(logs, SNAPSHOTS + fold.name, place[1])
        versions = tuple((marker.position, marker.version) for _, marker in markers(snapshots))
        if low == 0:
            parts[place] = _Part(0, end, None, versions)
        elif (found := keyframe(snapshots, logs.topic_id(fold.log), low, seals)) is not None:
            parts[place] = _Part(min(found.marker.position, end), end, found, versions)
        else:
            parts[place] = _Part(end, end, None, versions)
    return parts


def _snapshots(logs: Logs, topic: str, partition: int) -> list[Record]:
    try:
        return list(logs.read([topic], partition=partition))
    except TopicMissing:
        return []


def _input_of(record: Record, emitters: dict[str, _Part]) -> tuple[_Part, int] | None:
    """The partition and the offset that a record was emitted on, if a replay of these folds it."""
    found = attributes(record)
    part, offset = emitters.get(found.source), found.id.partition(".")[0]
    return None if part is None or not offset.isdecimal() else (part, int(offset))


def _is_of_another(difference: Difference, emitters: dict[str, _Part], own: str) -> bool:
    """Whether the input of a difference was folded by another version, as far as markers say: that of the next one."""
    source, _, id_ = difference.place.partition(" ")[2].partition("#")
    part, offset = emitters.get(source), id_.partition(".")[0]
    if part is None or not offset.isdecimal():
        return False
    after = [(position, version) for position, version in part.versions if position > int(offset)]
    return bool(after) and min(after)[1] not in ("", own)


class _Counter:
    def __init__(self, progress: Progress, total: int) -> None:
        self.n, self._progress, self._total = 0, progress, total

    def count(self, records: Iterator[Record]) -> Iterator[Record]:
        for record in records:
            self.n += 1
            if self.n % _STEP == 0:
                self._progress(self.n, self._total)
            yield record
