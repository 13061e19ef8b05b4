"""A command to learn initial weights from recorded small tasks, carried out."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from tests.unit.maml_trainer.small import SIZES, small_tasks

from homeostat.artifacts import ArtifactStore
from homeostat.core import Event, Position, Report
from homeostat.core.identity import Identity
from homeostat.events import MetaTraining, MetaTrainingStart, TaskRecorded, WeightsPublished, WeightsRejected
from homeostat.events.logs import POLICY_META_TRAINING
from homeostat.runtime.reader import LogReader
from homeostat.services.maml_trainer.checkpoint import Checkpoint
from homeostat.services.maml_trainer.data.tasks import Task
from homeostat.services.maml_trainer.settings import MamlTrainerSettings
from homeostat.services.maml_trainer.training import Training
from homeostat_lab.evaluation.meta_training import FAMILY, TasksLog, log_of, task_recorded

SETTINGS = MamlTrainerSettings(device="cpu", hidden=(128,), checkpoint_seconds=0.0, retry_timeout_seconds=0.5)


def record(task: Task, store: ArtifactStore, *, n_classes: int = SIZES[-1], is_held_out: bool = False) -> TaskRecorded:
    """Make the event of a task."""
    support, query = (task.support_x, task.support_y), (task.query_x, task.query_y)
    return task_recorded(task.task_id, support, query, store, n_classes=n_classes, is_held_out=is_held_out)


def recorded(store: ArtifactStore, n: int = 40, more: Sequence[TaskRecorded] = ()) -> TasksLog:
    """Record small tasks, every third held out, and then others."""
    return log_of([*(record(task, store, is_held_out=at % 3 == 0) for at, task in enumerate(small_tasks(n))), *more])


def spec(log: TasksLog, **fields: Any) -> MetaTraining:
    """Ask for a short run."""
    return MetaTraining(**{"window": log.window, "n_steps": 60, "seed": 1, **fields})


def ordered(asked: MetaTraining, timeout_seconds: float = 600.0) -> Event:
    """Make the command."""
    command = MetaTrainingStart(
        action="action",
        verdict="verdict",
        family=FAMILY,
        expires_at=1,
        meta_training=asked,
        timeout_seconds=timeout_seconds,
    )
    return Event(
        id="0.0",
        source="/test",
        type=command.TYPE,
        subject=FAMILY,
        time=1,
        data=command,
        position=Position(POLICY_META_TRAINING, "test", 0, 0),
        story=Identity("/test#0.0"),
        emitter="",
    )


def training(
    log: LogReader,
    asked: MetaTraining,
    store: ArtifactStore,
    *,
    folder: Path | None = None,
    timeout_seconds: float = 600.0,
    settings: MamlTrainerSettings = SETTINGS,
    say: Callable[[Report], None] = lambda _: None,
) -> Training:
    """Make a meta-training, to be run in this thread; checkpoints go to a folder."""
    event = ordered(asked, timeout_seconds)
    checkpoints = None if folder is None else lambda identity: Checkpoint(folder, identity)
    command = cast(MetaTrainingStart, event.data)
    return Training(event, command, log, store, settings, checkpoints, say, lambda: False)


class Faltering:
    """A log that is not all there at first.

    Args:
        log: All of it.
        failures: Raised, or if a number read no further than that, one for each of the first reads.
    """

    def __init__(self, log: TasksLog, failures: Sequence[Exception | int]) -> None:
        self._log, self._failures = log, list(failures)
        self.n_reads = 0

    def read(self, log: str, subject: str, from_time: int) -> Iterator[Event]:
        """See `LogReader.read`."""
        self.n_reads += 1
        events = self._log.read(log, subject, from_time)
        if not self._failures:
            return events
        failure = self._failures.pop(0)
        if isinstance(failure, Exception):
            raise failure
        return iter(list(events)[:failure])


def published(report: Report) -> WeightsPublished:
    """Take the weights that were published."""
    assert isinstance(report.data, WeightsPublished), report.data
    return report.data


def rejected(report: Report) -> WeightsRejected:
    """Take the rejection."""
    assert isinstance(report.data, WeightsRejected), report.data
    return report.data
