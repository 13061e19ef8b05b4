"""Learns initial weights from a range of tasks, and publishes them only if they pass the gate."""

import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from homeostat.artifacts import ArtifactStore
from homeostat.core import Event, HomeostatError, Reject, Report, Task
from homeostat.events import ActionFailed, ActionProgressed, MetaTrainingStart, WeightsPublished, WeightsRejected
from homeostat.events.logs import POLICY_META_TRAINING
from homeostat.host.reader import LogReader
from maml_trainer.evaluate import few_shot_loss
from maml_trainer.gate import judge
from maml_trainer.history import tasks_in
from maml_trainer.meta import Learned, MetaConfig, meta_train, scratch
from maml_trainer.network import sizes_of
from maml_trainer.settings import MamlTrainerSettings
from maml_trainer.tasks import Task as FewShotTask
from maml_trainer.weights import load, provenance, save

_PROGRESS_SECONDS: Final = 5.0


class _StopRun(HomeostatError):
    """The run is over before its end: cancelled, or out of time."""


class MamlTrainer:
    """Reads `meta-training.start`. One run at a time, in a thread; the same command gives the same weights.

    Args:
        reader: Of the tasks log.
        store: Where weights go.
        settings: How to train.
    """

    name = "maml_trainer"

    def __init__(self, reader: LogReader, store: ArtifactStore, settings: MamlTrainerSettings | None = None) -> None:
        self.reader, self.store, self.settings = reader, store, settings or MamlTrainerSettings()

    @property
    def logs(self) -> Sequence[str]:
        """Its policy log."""
        return (POLICY_META_TRAINING,)

    def start(self, command: Event) -> Task | None:
        """Begin a run."""
        return _Run(self, command, command.data) if isinstance(command.data, MetaTrainingStart) else None


class _Run:
    """One meta-training in a thread."""

    def __init__(self, hand: MamlTrainer, event: Event, command: MetaTrainingStart) -> None:
        self._hand, self._event, self._command = hand, event, command
        self._reports: SimpleQueue[Report] = SimpleQueue()
        self._cancelled = threading.Event()
        self._deadline = time.monotonic() + command.timeout_seconds
        self._told = time.monotonic()
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
        torch.set_num_threads(1)
        try:
            self._reports.put(self._train())
        except _StopRun as stop:
            if not self._cancelled.is_set():
                self._reports.put(self._failed("timed_out", str(stop)))
        except Reject as reject:
            self._reports.put(self._rejected(f"{reject.reason}: {reject.detail}"))
        except Exception as bug:  # a thread's exception would be lost: it is the report
            self._reports.put(self._failed("target_failed", f"{type(bug).__name__}: {bug}"[:500]))

    def _train(self) -> Report:
        spec, settings = self._command.meta_training, self._hand.settings
        events = self._hand.reader.read(spec.window.log, spec.window.subject, spec.window.from_time)
        train, held_out, sources = tasks_in(events, spec, self._hand.store)
        if not held_out:
            train, held_out = _split(train, settings.held_out_share)
        if not train or not held_out:
            return self._rejected(f"{len(train)} tasks to train on and {len(held_out)} held out are too few")
        current = self._current(spec.current)
        sizes = sizes_of(current.params) if current else _sizes(train, settings.hidden)
        config = MetaConfig(sizes=sizes, seed=spec.seed, n_steps=spec.n_steps, first_order=spec.algorithm == "fomaml")
        learned = meta_train(
            train,
            config,
            start=current,
            device=settings.device,
            use_compile=settings.use_compile,
            progress=self._progress,
        )
        return self._gate(learned, current, config, train, held_out, sources)

    def _gate(
        self,
        learned: Learned,
        current: Learned | None,
        config: MetaConfig,
        train: Sequence[FewShotTask],
        held_out: Sequence[FewShotTask],
        sources: Sequence[str],
    ) -> Report:
        def losses(start: Learned) -> NDArray[np.float64]:
            return few_shot_loss(
                start.params, start.lrs, held_out, self._hand.settings.gate_shots, config.inner_steps
            ).losses

        new = losses(learned)
        verdict = judge(
            new,
            losses(current) if current else None,
            scratch_losses=losses(scratch(config.sizes, config.seed)),
        )
        if not verdict.publish:
            return self._rejected(f"{verdict.reason}: {verdict.mean_difference:+.4f} on {verdict.n} held-out tasks")
        facts = provenance(
            config, len(train), device=self._hand.settings.device, use_compile=self._hand.settings.use_compile
        )
        digest = self._hand.store.put(save(learned, facts).data)
        published = WeightsPublished(
            action=self._command.action,
            family=self._event.subject,
            artifact=digest,
            algorithm=config.algorithm,
            loss=float(new.mean()),
            gain=-verdict.mean_difference,
            gain_low=-verdict.high,
            n_tasks=len(train),
            sources=tuple(sources),
        )
        return Report("weights", published)

    def _current(self, digest: str | None) -> Learned | None:
        return load(self._hand.store.get(digest))[0] if digest else None

    def _progress(self, step: int, n_steps: int, loss: float) -> None:
        now = time.monotonic()
        if self._cancelled.is_set():
            raise _StopRun("cancelled")
        if now > self._deadline:
            raise _StopRun(f"{self._command.timeout_seconds:.0f} s are over at step {step} of {n_steps}")
        if now - self._told > _PROGRESS_SECONDS:
            self._told = now
            progressed = ActionProgressed(
                action=self._command.action,
                command=self._event.identity,
                kind="meta_training",
                family=self._event.subject,
                done=step / n_steps,
                detail=f"step {step} of {n_steps}, loss {loss:.4f}",
            )
            self._reports.put(Report(f"progressed.{step}", progressed))

    def _rejected(self, reason: str) -> Report:
        rejected = WeightsRejected(action=self._command.action, family=self._event.subject, reason=reason)
        return Report("weights", rejected)

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


def _split(tasks: list[FewShotTask], share: float) -> tuple[list[FewShotTask], list[FewShotTask]]:
    """Hold tasks out by a hash of their id: a task is always on the same side."""
    limit = int(share * 2**32)
    held = [t for t in tasks if int.from_bytes(hashlib.sha256(t.task_id.encode()).digest()[:4], "big") < limit]
    ids = {task.task_id for task in held}
    return [task for task in tasks if task.task_id not in ids], held


def _sizes(tasks: Sequence[FewShotTask], hidden: tuple[int, ...]) -> tuple[int, ...]:
    n_outputs = 1
    if tasks[0].is_classification:
        n_outputs = 1 + max(int(max(task.support_y.max(), task.query_y.max())) for task in tasks)
    return (tasks[0].support_x.shape[1], *hidden, n_outputs)
