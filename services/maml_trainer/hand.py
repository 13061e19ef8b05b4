"""Learns initial weights from a range of tasks, and publishes them only if they pass the gate."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue

import structlog
import torch

from homeostat.artifacts import ArtifactStore
from homeostat.core import CommandExecution, Event, Reject, Report
from homeostat.events import ActionFailed, MetaTrainingStart, WeightsPublished
from homeostat.events.logs import POLICY_META_TRAINING
from homeostat.runtime.reader import LogReader
from homeostat.services.maml_trainer.checkpoint import Checkpoint
from homeostat.services.maml_trainer.deadline import StopRun
from homeostat.services.maml_trainer.publish.mlflow_folder import MlflowFolder
from homeostat.services.maml_trainer.publish.mlflow_server import MlflowServer
from homeostat.services.maml_trainer.publish.tracking import Tracker
from homeostat.services.maml_trainer.settings import MamlTrainerSettings
from homeostat.services.maml_trainer.training import Training

log = structlog.get_logger(__name__)


class MamlTrainer:
    """Reads `meta-training.start`. One run at a time, in a thread; the same command gives the same weights.

    Args:
        reader: Of the tasks log.
        store: Where weights go.
        settings: How to train.
        workdir: Checkpoints and the record of runs; without it a killed run starts again, and nothing is recorded.
    """

    name = "maml_trainer"

    def __init__(
        self,
        reader: LogReader,
        store: ArtifactStore,
        settings: MamlTrainerSettings | None = None,
        workdir: Path | None = None,
    ) -> None:
        self.reader, self.store, self.settings = reader, store, settings or MamlTrainerSettings()
        self.workdir = workdir
        self.tracker = _tracker(self.settings, workdir)

    @property
    def logs(self) -> Sequence[str]:
        """Its policy log."""
        return (POLICY_META_TRAINING,)

    def start(self, command: Event) -> CommandExecution | None:
        """Begin a run, or go on with one that a dead process has begun."""
        return _Run(self, command, command.data) if isinstance(command.data, MetaTrainingStart) else None

    @property
    def checkpoints(self) -> Callable[[str], Checkpoint] | None:
        """Makes the checkpoint of a run."""
        if self.workdir is None:
            return None
        folder = self.workdir / "checkpoints"
        return lambda identity: Checkpoint(folder, identity)


class _Run:
    """One meta-training in a thread."""

    def __init__(self, hand: MamlTrainer, event: Event, command: MetaTrainingStart) -> None:
        self._hand, self._event, self._command = hand, event, command
        self._reports: SimpleQueue[Report] = SimpleQueue()
        self._cancelled = threading.Event()
        self._training = Training(
            event,
            command,
            hand.reader,
            hand.store,
            hand.settings,
            hand.checkpoints,
            self._reports.put,
            self._cancelled.is_set,
        )
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def poll(self) -> Iterator[Report]:
        """Yield what the thread has said."""
        while True:
            try:
                yield self._reports.get_nowait()
            except Empty:
                return

    @property
    def is_done(self) -> bool:
        """Whether the thread has ended and everything it said was yielded."""
        return not self._thread.is_alive() and self._reports.empty()

    def cancel(self) -> None:
        """Stop at the next step."""
        self._cancelled.set()

    def _run(self) -> None:
        # Small matrices gain nothing from two threads, and a busy neighbour would stall both.
        torch.set_num_threads(1)
        started = int(time.time() * 1000)
        try:
            report = self._training.run()
        except StopRun as stop:
            if self._cancelled.is_set():
                return
            report = self._failed(stop.reason, stop.detail[:2000])
        except Reject as reject:
            report = self._training.rejected(f"{reject.reason}: {reject.detail}")
        except Exception as bug:  # a thread's exception would be lost: it is the report
            report = self._failed("target_failed", f"{type(bug).__name__}: {bug}"[:500])
        self._reports.put(report)
        self._record(started, report)

    def _record(self, started_ms: int, report: Report) -> None:
        if self._hand.tracker is None:
            return
        reason = getattr(report.data, "reason", "")
        try:
            outer = self._training.record(
                started_ms,
                int(time.time() * 1000),
                "FINISHED" if isinstance(report.data, WeightsPublished) else "FAILED",
                report.data.TYPE.split(".")[2] + (f": {reason}" if reason else ""),
            )
            self._hand.tracker.record(self._event.subject, outer, self._training.inner)
        except Exception as error:  # the record is for people: nothing in it may cost the report
            log.warning("run_unrecorded", command=self._event.identity, reason=f"{type(error).__name__}: {error}"[:500])

    def _failed(self, reason: str, detail: str) -> Report:
        failed = ActionFailed(
            action=self._command.action,
            command=self._event.identity,
            kind="meta_training",
            family=self._event.subject,
            reason=reason,
            detail=detail,
        )
        return Report("failed", failed)


def _tracker(settings: MamlTrainerSettings, workdir: Path | None) -> Tracker | None:
    uri = settings.tracking_uri
    if uri.startswith(("http://", "https://")):
        return MlflowServer(uri, settings.tracking_token.get_secret_value())
    if uri:
        return MlflowFolder(Path(uri.removeprefix("file://")))
    return MlflowFolder(workdir / "runs") if workdir is not None else None
