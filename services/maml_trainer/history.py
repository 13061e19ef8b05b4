"""From a range of the tasks log to tasks."""

import hashlib
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.artifacts import ArtifactStore
from homeostat.core import Event
from homeostat.core.hand import sequence_of
from homeostat.events import Array, MetaTraining, TaskRecorded
from maml_trainer.tasks import Task


@dataclass(frozen=True, slots=True)
class Collected:
    """Tasks of a range.

    Args:
        train: To learn from.
        held_out: To judge on.
        sources: Of all of them, sorted.
        n_classes: Most that a task has; 0 for numbers.
    """

    train: tuple[Task, ...]
    held_out: tuple[Task, ...]
    sources: tuple[str, ...]
    n_classes: int

    def split(self, share: float) -> "Collected":
        """Hold tasks out by a hash of their id, if none is marked: a task is always on the same side."""
        if self.held_out:
            return self
        limit = int(share * 2**32)
        sides: tuple[list[Task], list[Task]] = ([], [])
        for task in self.train:
            sides[int.from_bytes(hashlib.sha256(task.task_id.encode()).digest()[:4], "big") < limit].append(task)
        return Collected(tuple(sides[0]), tuple(sides[1]), self.sources, self.n_classes)


def tasks_in(events: Iterator[Event], spec: MetaTraining, store: ArtifactStore) -> Collected:
    """Collect the tasks of a closed range.

    Args:
        events: Of the family on the tasks log, from the range's time on, in order.
        spec: Range and excluded sources.
        store: For arrays by reference.

    Raises:
        TaskMalformed: A task's arrays do not fit each other.
        ArtifactMissing: An array is not in the store.
    """
    first, last = _sequence(spec.window.first), _sequence(spec.window.last)
    train: dict[str, Task] = {}
    held_out: dict[str, Task] = {}
    sources: set[str] = set()
    n_classes = 0
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
        n_classes = max(n_classes, data.n_classes)
    return Collected(tuple(train.values()), tuple(held_out.values()), tuple(sorted(sources)), n_classes)


def _sequence(id_: str) -> str:
    offset, ordinal = id_.split(".")
    return f"{int(offset):016d}.{int(ordinal):04d}"


def _array(array: Array | None, store: ArtifactStore) -> NDArray[Any]:
    assert array is not None  # intake lets no other onto the log
    raw = b64decode(array.data) if array.data is not None else store.get(array.artifact or "")
    found = np.frombuffer(raw, np.dtype(array.dtype).newbyteorder("<")).reshape(array.shape)
    return found.astype(np.int64 if array.dtype == "int64" else np.float32)
