"""From a range of the tasks log to tasks."""

from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.artifacts import ArtifactStore
from homeostat.core import Event
from homeostat.core.hand import sequence_of
from homeostat.events import Array, MetaTraining, TaskRecorded
from maml_trainer.tasks import Task


def tasks_in(
    events: Iterator[Event], spec: MetaTraining, store: ArtifactStore
) -> tuple[list[Task], list[Task], list[str]]:
    """Collect the tasks of a closed range.

    Args:
        events: Of the family on the tasks log, from the range's time on, in order.
        spec: Range and excluded sources.
        store: For arrays by reference.

    Returns:
        Tasks to train on, tasks held out, and the sources of the former, sorted.
    """
    first, last = _sequence(spec.window.first), _sequence(spec.window.last)
    train: dict[str, Task] = {}
    held_out: dict[str, Task] = {}
    sources: set[str] = set()
    for event in events:
        data = event.data
        if not isinstance(data, TaskRecorded) or event.source != spec.window.source:
            continue
        if not first <= sequence_of(event) <= last:
            continue
        source = data.provenance.source if data.provenance else ""
        if source in spec.excluded_sources:
            continue
        arrays = [_array(array, store) for array in (data.support_x, data.support_y, data.query_x, data.query_y)]
        (held_out if data.held_out else train)[data.task] = Task(data.task, *arrays)
        sources.add(source)
    return list(train.values()), list(held_out.values()), sorted(sources)


def _sequence(id_: str) -> str:
    offset, ordinal = id_.split(".")
    return f"{int(offset):016d}.{int(ordinal):04d}"


def _array(array: Array | None, store: ArtifactStore) -> NDArray[Any]:
    assert array is not None  # intake lets no other onto the log
    raw = b64decode(array.data) if array.data is not None else store.get(array.artifact or "")
    return np.frombuffer(raw, np.dtype(array.dtype).newbyteorder("<")).reshape(array.shape).copy()
