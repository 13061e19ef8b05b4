"""One fold's outputs derived again from its recorded input, and compared with the logs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from homeostat.cli.folds import group_of
from homeostat.cli.records import attributes
from homeostat.client.logs import Logs
from homeostat.codec import Output, Record
from homeostat.core import Fold
from homeostat.events.logs import DOORS, LOGS
from homeostat.host.replay import Difference, compare, replay

_STEP: Final = 500
"""Records between two reports of progress."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Rederived:
    """Outcome for one fold.

    Args:
        fold: Its name.
        n_inputs: Records folded.
        n_outputs: Outputs derived.
        n_equal: Of them, those that the logs have, byte for byte.
        differences: The others.
        is_whole: Every input partition was there from its first offset.
    """

    fold: str
    n_inputs: int
    n_outputs: int
    n_equal: int
    differences: tuple[Difference, ...]
    is_whole: bool


def rederive(name: str, fold: Fold[Any], logs: Logs, progress: Progress) -> Rederived:
    """Fold every partition of a fold's log again, up to where its service says it is, and compare.

    Args:
        name: Of the fold.
        fold: The fold, of the version that made the outputs.
        logs: Where from.
        progress: Told how many of how many records are folded.
    """
    ranges = logs.ranges([fold.log])
    committed = logs.committed().get(group_of(name), {})
    ends = {place: min(high, committed.get(place, high)) for place, (_, high) in ranges.items()}
    total = sum(max(0, ends[place] - low) for place, (low, _) in ranges.items())
    counter = _Counter(progress, total)
    derived: list[Output] = []
    for place, end in ends.items():
        records = (record for record in logs.read([fold.log], partition=place[1]) if record.offset < end)
        derived += replay(fold, counter.count(records), logs.places)
    progress(total, total)
    emitters = {f"/homeostat/{fold.name}/{t}/{logs.topic_id(t)}/{p}": end for (t, p), end in ends.items()}
    outputs = [log.name for log in LOGS if log.name not in DOORS]
    recorded = (record for record in logs.read(outputs) if _is_below(record, emitters))
    report = compare(derived, recorded, list(emitters))
    is_whole = all(low == 0 for low, _ in ranges.values())
    return Rederived(name, counter.n, report.n_derived, report.n_equal, report.differences, is_whole)


def _is_below(record: Record, ends: dict[str, int]) -> bool:
    """Whether a record was emitted on an input that is folded here: later ones go on being written."""
    found = attributes(record)
    end = ends.get(found.source)
    offset = found.id.partition(".")[0]
    return end is not None and offset.isdecimal() and int(offset) < end


class _Counter:
    def __init__(self, progress: Progress, total: int) -> None:
        self.n, self._progress, self._total = 0, progress, total

    def count(self, records: Iterator[Record]) -> Iterator[Record]:
        for record in records:
            self.n += 1
            if self.n % _STEP == 0:
                self._progress(self.n, self._total)
            yield record
