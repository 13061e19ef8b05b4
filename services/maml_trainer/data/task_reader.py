"""From a range of the tasks log to tasks."""

import hashlib
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homeostat.artifacts import ArtifactCorrupted, ArtifactStore
from homeostat.core import Event, Reject, Retry
from homeostat.core.identity import sequence_of
from homeostat.events import Array, MetaTraining, TaskRecorded
from homeostat.services.maml_trainer.data.tasks import Task
from homeostat.services.maml_trainer.errors import CurrentUnfit, TaskMalformed
from homeostat.services.maml_trainer.meta.meta_parameters import MetaParameters

_OTHER_SHAPE: Final = "other_shape"
"""Why a task was left out whose rows or labels are not those of the rest."""

_UNSIGNED: Final = "unsigned_beyond_share"
"""Why a task was left out that nobody has signed: all of these together are as many as those of one who signs."""


class Shape(NamedTuple):
    """What tasks must have in common to train one network.

    Args:
        width: Numbers of a row.
        is_classification: Labels instead of numbers.
        n_classes: Outputs; 0 for numbers, and where the classes of an episode are drawn.
    """

    width: int
    is_classification: bool
    n_classes: int

    def __str__(self) -> str:
        kind = "drawn classes" if not self.n_classes else f"{self.n_classes} classes"
        return f"rows of {self.width}, {kind if self.is_classification else 'numbers'}"


@dataclass(frozen=True, slots=True)
class Collected:
    """Tasks of a range, all of one shape.

    Args:
        train: To learn from.
        held_out: To judge on.
        sources: Of all of them, sorted, and of what the training goes on from.
        n_classes: Of each; 0 for numbers, and where classes are drawn.
        left_out: Tasks of the range that are in neither, by reason: a reason code of reading them, or `other_shape`.
    """

    train: tuple[Task, ...]
    held_out: tuple[Task, ...]
    sources: tuple[str, ...]
    n_classes: int
    left_out: Mapping[str, int] = field(default_factory=dict)

    def split(self, share: float) -> "Collected":
        """Hold tasks out by a hash of their id, if none is marked: a task is always on the same side."""
        if self.held_out:
            return self
        limit = int(share * 2**32)
        sides: tuple[list[Task], list[Task]] = ([], [])
        for task in self.train:
            sides[int.from_bytes(hashlib.sha256(task.task_id.encode()).digest()[:4], "big") < limit].append(task)
        return replace(self, train=tuple(sides[0]), held_out=tuple(sides[1]))


class _Recorded(NamedTuple):
    """The last record of a task: arrays that make a task, or why there is none; who signed it, or nobody."""

    source: str
    seat: str
    is_held_out: bool
    n_classes: int
    task: Task | None
    reason: str


def tasks_in(
    events: Iterator[Event], spec: MetaTraining, store: ArtifactStore, current: MetaParameters | None
) -> Collected:
    """Collect the tasks of a closed range that can be trained on together.

    Of a task that was recorded more than once the last record counts, so that none is on both sides; what somebody has
    signed is not replaced by what nobody has. All that is unsigned counts for no more tasks than the one who has signed
    most, and has no say in what shape is learned.
    One that cannot be read, or is not of the shape of the rest, is left out: it must not keep the
    others from being learned from, nor change what is learned.

    Args:
        events: Of the family on the tasks log, from the range's time on, in order.
        spec: Range and excluded sources.
        store: For arrays by reference.
        current: Weights in force: their shape is the tasks'. None: the shape that most tasks have.

    Raises:
        Retry: The end of the range cannot be seen yet, or the store does not answer.
        CurrentUnfit: No task fits the weights in force.
    """
    recorded = _last_records(events, spec, store)
    left_out = Counter(record.reason for record in recorded if record.task is None)
    n_recorded, recorded = len(recorded), _shared_out(recorded, spec.seed)
    if n_recorded > len(recorded):
        left_out[_UNSIGNED] = n_recorded - len(recorded)
    shaped = [(record, record.task, _shape(record, record.task, spec)) for record in recorded if record.task]
    if not shaped:
        return Collected((), (), (), 0, left_out)
    signed = [shape for record, _, shape in shaped if record.seat]
    counts = Counter(signed or [shape for *_, shape in shaped])
    most_common = min(counts, key=lambda shape: (-counts[shape], shape))
    wanted = most_common if current is None else _shape_of(current, spec)
    kept = [(record, task) for record, task, shape in shaped if shape == wanted]
    if not kept:
        raise CurrentUnfit(str(wanted), str(most_common), counts[most_common])
    left_out[_OTHER_SHAPE] += len(shaped) - len(kept)
    return Collected(
        tuple(task for record, task in kept if not record.is_held_out),
        tuple(task for record, task in kept if record.is_held_out),
        tuple(sorted({record.source for record, _ in kept})),
        wanted.n_classes,
        dict(sorted((+left_out).items())),
    )


def _last_records(events: Iterator[Event], spec: MetaTraining, store: ArtifactStore) -> list[_Recorded]:
    first, last = sequence_of(spec.window.first), sequence_of(spec.window.last)
    found: dict[str, _Recorded] = {}
    is_complete = False
    for event in events:
        data = event.data
        if not isinstance(data, TaskRecorded) or event.source != spec.window.source:
            continue
        at = sequence_of(event.id)
        is_complete |= at >= last
        source = data.provenance.source if data.provenance else ""
        if not first <= at <= last or source in spec.excluded_sources:
            continue
        seat = spec.seats.get(data.provenance.signer or "", "") if data.provenance else ""
        known = found.get(data.task)
        if known is None or seat or not known.seat:
            found[data.task] = _read(data, source, seat, store)
    if not is_complete:
        raise Retry(f"{spec.window.last} of {spec.window.subject} cannot be seen yet")
    return list(found.values())


def _shared_out(recorded: list[_Recorded], seed: int) -> list[_Recorded]:
    """Leave out unsigned tasks beyond those of the one who has signed most; which ones, the run's seed says."""
    n_signed = Counter(record.seat for record in recorded if record.seat and record.task)
    unsigned = [record for record in recorded if not record.seat and record.task]
    n_left = len(unsigned) - max(n_signed.values(), default=len(unsigned))
    if n_left <= 0:
        return recorded

    def drawn(record: _Recorded) -> bytes:
        assert record.task is not None
        return hashlib.sha256(f"{seed} {record.task.task_id}".encode()).digest()

    out = {id(record) for record in sorted(unsigned, key=drawn)[:n_left]}
    return [record for record in recorded if id(record) not in out]


def _read(data: TaskRecorded, source: str, seat: str, store: ArtifactStore) -> _Recorded:
    try:
        task = Task(
            data.task,
            _array(data.support_x, store, is_target=False),
            _array(data.support_y, store, is_target=True),
            _array(data.query_x, store, is_target=False),
            _array(data.query_y, store, is_target=True),
        )
        if task.is_classification != (data.n_classes > 0):
            raise TaskMalformed(data.task, "labels have classes, numbers have none")
        if task.is_classification and max(task.support_y.max(), task.query_y.max()) >= data.n_classes:
            raise TaskMalformed(data.task, f"a label is above the last of its {data.n_classes} classes")
    except Reject as refusal:
        return _Recorded(source, seat, data.held_out, data.n_classes, None, refusal.reason)
    except ArtifactCorrupted:
        return _Recorded(source, seat, data.held_out, data.n_classes, None, "artifact_corrupted")
    except ValueError:  # other bytes than the shape needs
        return _Recorded(source, seat, data.held_out, data.n_classes, None, "task_malformed")
    return _Recorded(source, seat, data.held_out, data.n_classes, task, "")


def _shape(record: _Recorded, task: Task, spec: MetaTraining) -> Shape:
    return Shape(task.support_x.shape[1], task.is_classification, 0 if spec.episodes.ways else record.n_classes)


def _shape_of(current: MetaParameters, spec: MetaTraining) -> Shape:
    n_inputs, n_outputs = current.network.backbone.n_inputs, current.network.n_outputs
    if spec.episodes.ways and n_outputs == 1:
        return Shape(n_inputs, True, 0)
    return Shape(n_inputs, n_outputs > 1, n_outputs if n_outputs > 1 else 0)


def _array(array: Array | None, store: ArtifactStore, *, is_target: bool) -> NDArray[Any]:
    assert array is not None  # intake lets no other onto the log
    raw = b64decode(array.data) if array.data is not None else store.get(array.artifact or "")
    found = np.frombuffer(raw, np.dtype(array.dtype).newbyteorder("<")).reshape(array.shape)
    with np.errstate(over="ignore"):  # what is too large for float32 is infinite, and the task refused
        if is_target and array.dtype == "float64":
            return found  # exact, until its units are known
        return found.astype(np.int64 if array.dtype == "int64" else np.float32)
