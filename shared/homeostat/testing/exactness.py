"""Whether what was published is the fold of the recorded input: nothing lost, doubled, reordered or changed."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from homeostat.codec import Output, Record
from homeostat.core import Fold
from homeostat.runtime.replay import replay
from homeostat.testing.trial import line_of

_Place = tuple[str, int, str]
"""Topic, partition, source: within it a reader relies on the order."""

_Said = tuple[str, bytes]
"""Id, and digest of all that must be equal."""


@dataclass(slots=True)
class Exactness:
    """What a comparison of logs with in-memory folds found.

    Args:
        n_inputs: Records folded.
        n_outputs: Outputs that one uninterrupted fold of them makes.
        n_repeats: Records that a reader drops because their sequence is not above the last.
        lost: Derived, and not in the log.
        doubled: In the log more than once for a reader that drops repeats, or never derived.
        changed: The same identity with other bytes, repeats included.
        misordered: Places where the order is not the derived one.
    """

    n_inputs: int = 0
    n_outputs: int = 0
    n_repeats: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    misordered: list[str] = field(default_factory=list)

    @property
    def is_exact(self) -> bool:
        """Whether a reader sees what the folds say, in their order."""
        return not (self.lost or self.doubled or self.changed or self.misordered)

    def __str__(self) -> str:
        found = f"{len(self.lost)} lost, {len(self.doubled)} doubled, {len(self.changed)} changed"
        return (
            f"{self.n_inputs:,} inputs, {self.n_outputs:,} outputs, {self.n_repeats:,} repeats dropped, {found}, "
            f"{len(self.misordered)} misordered"
            + "".join(f"\n  {where}" for where in (*self.lost, *self.doubled, *self.changed, *self.misordered)[:20])
        )


def exactness(
    folds: Sequence[Fold[Any]],
    inputs: Callable[[str], Iterable[Record]],
    n_partitions: Callable[[str], int],
    outputs: Callable[[], Iterable[Record]],
) -> Exactness:
    """Fold recorded logs again in memory, and compare with what a reader of the output logs sees.

    Args:
        folds: Fresh, of the version that ran.
        inputs: All records of a log, each partition in offset order.
        n_partitions: Number of partitions of a log.
        outputs: All records of all output logs, likewise; read after the inputs.
    """
    found, derived, ends = Exactness(), dict[_Place, list[_Said]](), dict[str, int]()
    for fold in folds:
        partitions: dict[tuple[str, int], list[Record]] = {}
        for record in inputs(fold.log):
            partitions.setdefault((record.topic_id, record.partition), []).append(record)
        for (topic_id, partition), records in partitions.items():
            found.n_inputs += len(records)
            ends[f"/homeostat/{fold.name}/{fold.log}/{topic_id}/{partition}"] = records[-1].offset + 1
            for output in replay(fold, records, n_partitions):
                found.n_outputs += 1
                place, said, _ = _said(output)
                derived.setdefault(place, []).append(said)
    _compare(found, derived, _seen(found, outputs(), ends))
    return found


def _said(record: Output | Record) -> tuple[_Place, _Said, bytes]:
    headers = dict(record.headers)
    place = (record.topic, record.partition, headers["ce_source"].decode())
    digest = sha256(b"\0".join(line_of(record))).digest()
    return place, (headers["ce_id"].decode(), digest), headers.get("ce_sequence", b"")


def _seen(found: Exactness, outputs: Iterable[Record], ends: dict[str, int]) -> dict[_Place, list[_Said]]:
    """What a reader sees; what was emitted on inputs that came after the reading is left out."""
    seen: dict[_Place, list[_Said]] = {}
    watermarks: dict[_Place, bytes] = {}
    first: dict[tuple[_Place, str], bytes] = {}
    for record in outputs:
        place, said, sequence = _said(record)
        id_, digest = said
        if place[2] not in ends or int(id_.partition(".")[0]) >= ends[place[2]]:
            continue
        if first.setdefault((place, id_), digest) != digest:
            found.changed.append(f"{place} {id_}: repeated with other bytes")
        if sequence <= watermarks.get(place, b""):
            found.n_repeats += 1
            continue
        watermarks[place] = sequence
        seen.setdefault(place, []).append(said)
    return seen


def _compare(found: Exactness, derived: dict[_Place, list[_Said]], seen: dict[_Place, list[_Said]]) -> None:
    for place in sorted(derived.keys() | seen.keys()):
        expected, got = derived.get(place, []), seen.get(place, [])
        if expected == got:
            continue
        wanted, there = Counter(id_ for id_, _ in expected), Counter(id_ for id_, _ in got)
        found.lost += [f"{place} {id_}: not in the log" for id_ in (wanted - there)]
        found.doubled += [f"{place} {id_}: not derived, or more than once" for id_ in (there - wanted)]
        digests = dict(expected)
        found.changed += [f"{place} {id_}: other bytes" for id_, digest in got if digests.get(id_, digest) != digest]
        if wanted == there and [id_ for id_, _ in expected] != [id_ for id_, _ in got]:
            found.misordered.append(f"{place}: same outputs, another order")
