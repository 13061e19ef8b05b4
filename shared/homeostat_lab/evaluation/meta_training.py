"""Meta-training through the hand: recorded tasks and a command in, published weights out."""

import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from homeostat.artifacts import ArtifactStore
from homeostat.core import Event, Halt, Position
from homeostat.core.hand import Report
from homeostat.core.identity import emit_id, identity
from homeostat.events import (
    ActionProgressed,
    Array,
    MetaTraining,
    MetaTrainingStart,
    TaskRecorded,
    WeightsPublished,
)
from homeostat.events.base import Range
from homeostat.events.logs import POLICY_META_TRAINING, TASKS
from homeostat.services.maml_trainer.hand import MamlTrainer
from homeostat.services.maml_trainer.meta.meta_parameters import MetaParameters
from homeostat.services.maml_trainer.publish.weights import load
from homeostat.services.maml_trainer.settings import MamlTrainerSettings
from homeostat_lab.evaluation.rows import Say

FAMILY: Final = "evaluation/tasks"
_SOURCE: Final = "/homeostat/evaluation"
_START_MS: Final = 1_700_000_000_000
_INLINE_BYTES: Final = 65536
_POLL_SECONDS: Final = 0.02


class NotPublished(Halt):
    """The hand kept its weights to itself; the message is its reason."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What the hand published.

    Args:
        learned: The weights, read back from the artifact store.
        published: Its report.
        cpu_seconds: Of this process from the command to the report.
    """

    learned: MetaParameters
    published: WeightsPublished
    cpu_seconds: float


class TasksLog:
    """The tasks log of one family, in memory: a `LogReader`."""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def append(self, task: TaskRecorded) -> None:
        """Record a task."""
        self._events.append(_event(TASKS, len(self._events), task))

    def read(self, log: str, subject: str, from_time: int) -> Iterator[Event]:
        """See `LogReader.read`."""
        return iter(self._events)

    @property
    def window(self) -> Range:
        """All of it."""
        n = len(self._events)
        return Range(
            log=TASKS, subject=FAMILY, source=_SOURCE, first="0.0", last=f"{n - 1}.0", from_time=_START_MS, rows=n
        )


def task_recorded(
    name: str,
    support: tuple[NDArray[Any], NDArray[Any]],
    query: tuple[NDArray[Any], NDArray[Any]],
    store: ArtifactStore,
    *,
    n_classes: int,
    is_held_out: bool,
) -> TaskRecorded:
    """Make the event of a task; large arrays go to the store.

    Args:
        name: Of the task.
        support: Rows (n, d) and labels or numbers (n,).
        query: The same, (m, d) and (m,).
        store: For arrays over 64 KiB.
        n_classes: 0 for numbers.
        is_held_out: Reserved for the gate.
    """
    return TaskRecorded(
        task=name,
        n_classes=n_classes,
        support_x=_array(support[0], store),
        support_y=_array(support[1], store),
        query_x=_array(query[0], store),
        query_y=_array(query[1], store),
        held_out=is_held_out,
    )


def train(
    log: TasksLog,
    spec: MetaTraining,
    store: ArtifactStore,
    say: Say,
    *,
    workdir: Path,
    settings: MamlTrainerSettings | None = None,
    timeout_seconds: float = 7200.0,
) -> Trained:
    """Give the hand one command and wait for its answer.

    Args:
        log: Its tasks.
        spec: What to train.
        store: Takes the weights.
        say: Told its reports of progress.
        workdir: Its checkpoints and its record of runs.
        settings: Of the hand.
        timeout_seconds: Of the run.

    Raises:
        NotPublished: It rejected the weights, or failed.
    """
    hand = MamlTrainer(log, store, settings or MamlTrainerSettings(device="cpu"), workdir)
    began = time.process_time()
    command = MetaTrainingStart(
        action=f"{_SOURCE}#{spec.algorithm}",
        verdict=f"{_SOURCE}#verdict",
        family=FAMILY,
        expires_at=_START_MS + 86_400_000,
        meta_training=spec,
        timeout_seconds=timeout_seconds,
    )
    task = hand.start(_event(POLICY_META_TRAINING, 0, command))
    assert task is not None
    last: Report | None = None
    while not task.is_done:
        for report in task.poll():
            if isinstance(report.data, ActionProgressed):
                say(f"{spec.algorithm}: {report.data.detail.partition(';')[0]}")
            else:
                last = report
        time.sleep(_POLL_SECONDS)
    if last is None or not isinstance(last.data, WeightsPublished):
        why = "no report" if last is None else f"{getattr(last.data, 'reason', '')} {getattr(last.data, 'detail', '')}"
        raise NotPublished(why.strip())
    learned, _ = load(store.get(last.data.artifact))
    return Trained(learned, last.data, time.process_time() - began)


def _event(log: str, offset: int, data: TaskRecorded | MetaTrainingStart) -> Event:
    id_ = emit_id(offset)
    return Event(
        id=id_,
        source=_SOURCE,
        type=data.TYPE,
        subject=FAMILY,
        time=_START_MS + offset,
        data=data,
        position=Position(log, "evaluation", 0, offset),
        story=identity(_SOURCE, id_),
        emitter="",
    )


def _array(values: NDArray[Any], store: ArtifactStore) -> Array:
    kind: Literal["float32", "float64", "int64"] = "float64" if values.dtype == np.float64 else "float32"
    if np.issubdtype(values.dtype, np.integer):
        kind = "int64"
    raw = np.ascontiguousarray(values, np.dtype(kind).newbyteorder("<")).tobytes()
    is_large = len(raw) > _INLINE_BYTES
    return Array(
        dtype=kind,
        shape=values.shape,
        data=None if is_large else b64encode(raw).decode(),
        artifact=store.put(raw) if is_large else None,
    )


def log_of(tasks: Sequence[TaskRecorded]) -> TasksLog:
    """Record tasks, in their order."""
    log = TasksLog()
    for task in tasks:
        log.append(task)
    return log
