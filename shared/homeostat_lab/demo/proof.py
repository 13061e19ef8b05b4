"""Every decision of a run, derived again from the logs."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from homeostat.codec import Output, Record
from homeostat.core import Fold
from homeostat.events.logs import DOORS, LOGS
from homeostat.runtime.replay import ReplayReport, compare, replay
from homeostat_lab.demo.system import System

_OUTPUTS: Final = tuple(log.name for log in LOGS if log.kind == "log" and log.name != "homeostat.audit")


def prove(system: System, folds: Sequence[Fold[Any]], show: Callable[[str], None] = lambda name: None) -> ReplayReport:
    """Fold every input log again with fresh folds, and compare with what the logs hold, byte for byte.

    What comes in while it is read is left out of both sides.

    Args:
        system: Its folds have caught up.
        folds: All of them, of the version that ran.
        show: Told which fold is replayed.
    """
    inputs: dict[str, list[Record]] = {}
    derived: list[Output] = []
    ends: dict[str, int] = {}
    for fold in folds:
        show(fold.name)
        if fold.log not in inputs:
            inputs[fold.log] = system.records(fold.log)
        partitions: dict[tuple[str, int], list[Record]] = {}
        for record in inputs[fold.log]:
            partitions.setdefault((record.topic_id, record.partition), []).append(record)
        for (topic_id, partition), records in sorted(partitions.items()):
            derived += replay(fold, records, system.n_partitions)
            ends[f"/homeostat/{fold.name}/{fold.log}/{topic_id}/{partition}"] = records[-1].offset + 1
        if fold.log in DOORS:
            del inputs[fold.log]  # large, and nobody else reads it
    recorded = (record for topic in _OUTPUTS for record in system.records(topic) if _is_below(record, ends))
    return compare(derived, recorded, list(ends))


def _is_below(record: Record, ends: dict[str, int]) -> bool:
    """Whether a record was emitted on an input that was read."""
    headers = dict(record.headers)
    end = ends.get(headers["ce_source"].decode())
    return end is not None and int(headers["ce_id"].partition(b".")[0]) < end
