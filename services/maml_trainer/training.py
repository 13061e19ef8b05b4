"""One command carried out: collect, train, judge, publish or not. Whatever happens, one report says it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import structlog
from numpy.typing import NDArray

from homeostat.artifacts import ArtifactStore
from homeostat.core import Event
from homeostat.core.hand import Report
from homeostat.events import ActionProgressed, MetaTrainingStart, WeightsPublished, WeightsRejected
from homeostat.events.bounds import LARGEST
from homeostat.host.reader import LogReader
from maml_trainer.bodies import Module
from maml_trainer.checkpoint import Checkpoint
from maml_trainer.evaluate import few_shot
from maml_trainer.gate import MIN_TASKS, GateVerdict, judge
from maml_trainer.held_out import HeldOut, held_out
from maml_trainer.history import Collected, tasks_in
from maml_trainer.meta import Learned, MetaConfig, OuterLoop, Progress, scratch
from maml_trainer.provenance import environment, provenance
from maml_trainer.recipe import config_of, training_pool
from maml_trainer.runs import inner_runs, outer_run, sparse
from maml_trainer.selfcheck import check_own
from maml_trainer.settings import MamlTrainerSettings
from maml_trainer.tracking import Run, Status
from maml_trainer.watch import Watch
from maml_trainer.weights import load, save

_PROGRESS_SECONDS: Final = 5.0
_CURVE_POINTS: Final = 200

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Training:
    """A meta-training; its time begins when it is made.

    Args:
        event: The command.
        command: Its payload.
        reader: Of the tasks log.
        store: Where weights go.
        settings: How to train.
        checkpoints: Makes the checkpoint of a run from what identifies it; None: a kill costs the whole run.
        say: Takes reports of progress.
        is_cancelled: Asked after every phase and every step.
    """

    event: Event
    command: MetaTrainingStart
    reader: LogReader
    store: ArtifactStore
    settings: MamlTrainerSettings
    checkpoints: Callable[[str], Checkpoint] | None
    say: Callable[[Report], None]
    is_cancelled: Callable[[], bool]
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    inner: list[Run] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    tasks_per_second: float = 0.0
    _watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        self._watch = Watch(self.command.timeout_seconds, self.settings.patience_seconds, self.is_cancelled)

    def run(self) -> Report:
        """Carry it out.

        The same command on the same log gives the same weights, bit for bit on one engine, however
        often it was killed on the way.

        Returns:
            `weights.published` or `weights.rejected`.

        Raises:
            Reject: The tasks, the network or the run are unusable: a reason to reject.
            StopRun: Cancelled, out of time, or what it needs was not there for too long.
        """
        spec = self.command.meta_training
        current = self._watch.patiently(self._current)
        tasks = self._watch.patiently(lambda: self._tasks(current)).split(self.settings.held_out_share)
        self._watch.check("after reading the tasks")
        if not tasks.train or not tasks.held_out:
            return self.rejected(f"{len(tasks.train)} tasks to train on and {len(tasks.held_out)} held out are too few")
        config = config_of(spec, tasks, self.settings, current)
        gate = held_out(spec, tasks, config.network, self.settings.gate_episodes)
        if gate.n_units < MIN_TASKS:  # the gate would say so after the training
            return self.rejected(f"too_few_tasks: {gate.n_units} {gate.what}, of {MIN_TASKS} that a judgement needs")
        if isinstance(config.network.body, Module):
            check_own(config.network.body)
        start = current if current is not None and current.rule == config.rule else None
        loop = OuterLoop(
            training_pool(spec, tasks, config.network, self.settings.device),
            config,
            start=start,
            device=self.settings.device,
            use_compile=self.settings.use_compile,
            is_mixed_precision=self.settings.mixed_precision,
        )
        where = environment(self.settings, loop)
        self.facts = where | provenance(spec, tasks, config, self.settings, is_continued=start is not None)
        checkpoint = self._checkpoint(loop, where)
        self._watch.check("before the first step")
        self._advance(loop, checkpoint)
        report = self._judged(loop.learned, current, config, tasks, gate)
        self._keep(checkpoint, loop, is_judged=True)
        return report

    def _current(self) -> Learned | None:
        digest = self.command.meta_training.current
        return load(self.store.get(digest))[0] if digest else None

    def _tasks(self, current: Learned | None) -> Collected:
        spec = self.command.meta_training
        events = self.reader.read(spec.window.log, spec.window.subject, spec.window.from_time)
        tasks = tasks_in(events, spec, self.store, current)
        self.left_out = dict(tasks.left_out)
        if self.left_out:
            log.warning("tasks_left_out", command=self.event.identity, n=sum(self.left_out.values()), **self.left_out)
        return tasks

    def _checkpoint(self, loop: OuterLoop, where: dict[str, str]) -> Checkpoint | None:
        """Open the checkpoint, and go on from what a process that died has left in it."""
        if self.checkpoints is None:
            return None
        what = self.command.meta_training.model_dump_json()
        checkpoint = self.checkpoints(f"{self.event.identity} {what} {sorted(where.items())}")
        state = checkpoint.read()
        if state is not None:
            loop.restore(state["loop"])
            self.curves = {name: [(int(at), float(y)) for at, y in curve] for name, curve in state["curves"].items()}
            self._watch.carry(state["seconds"], is_judged=state["is_judged"])
            log.info("run_resumed", command=self.event.identity, step=loop.step, n_steps=loop.config.n_steps)
        return checkpoint

    def _keep(self, checkpoint: Checkpoint | None, loop: OuterLoop, *, is_judged: bool = False) -> None:
        if checkpoint is None:
            return
        state: dict[str, Any] = {"loop": loop.state(), "curves": self.curves}
        try:
            checkpoint.write(state | {"seconds": self._watch.seconds, "is_judged": is_judged})
        except OSError as error:  # a full disk costs what a kill would cost, not the run
            log.warning("checkpoint_unwritten", command=self.event.identity, reason=str(error))

    def _advance(self, loop: OuterLoop, checkpoint: Checkpoint | None) -> None:
        n_steps = loop.config.n_steps
        every = max(1, n_steps // _CURVE_POINTS)
        told = saved = time.monotonic()
        while loop.step < n_steps:
            done = loop.advance()
            self.tasks_per_second = done.tasks_per_second
            if done.step % every == 0:
                numbers = {"loss": done.loss, "gradient_norm": done.gradient_norm, **loop.inner_means}
                for name, value in numbers.items():
                    self.curves.setdefault(name, []).append((done.step, value))
            self._watch.check(f"at step {done.step} of {n_steps}")
            now = time.monotonic()
            if now - told > _PROGRESS_SECONDS:
                told = now
                self.say(self._progressed(done))
            if now - saved > self.settings.checkpoint_seconds:
                saved = now
                self._keep(checkpoint, loop)

    def _judged(
        self, learned: Learned, current: Learned | None, config: MetaConfig, tasks: Collected, gate: HeldOut
    ) -> Report:
        def losses(start: Learned) -> NDArray[np.float64]:
            return gate.by_unit(few_shot(start, gate.episodes).losses)

        new = losses(learned)
        verdict = judge(
            new,
            losses(current) if current is not None else None,
            scratch_losses=losses(scratch(config.network, config.seed, rule=config.rule, rate=config.rate)),
        )
        self.inner = inner_runs(learned, gate.episodes, self.event.identity)
        self._watch.check("at the gate")
        self.facts |= {
            "gate": verdict.reason,
            "gate_units": f"{verdict.n} {gate.what}",
            "held_out_loss": f"{np.mean(new):.6g}",
        }
        if not verdict.publish:
            return self.rejected(f"{verdict.reason}: {verdict.mean_difference:+.4f} on {verdict.n} {gate.what}")
        return self._published(learned, verdict, float(new.mean()), tasks)

    def _published(self, learned: Learned, verdict: GateVerdict, loss: float, tasks: Collected) -> Report:
        data = save(learned, self.facts).data
        artifact = self._watch.patiently(lambda: self.store.put(data))
        published = WeightsPublished(
            action=self.command.action,
            family=self.event.subject,
            artifact=artifact,
            algorithm=learned.rule.algorithm,
            loss=loss,
            gain=-verdict.mean_difference,
            gain_low=-verdict.high,
            n_tasks=len(tasks.train),
            sources=tasks.sources,
            seconds=round(self._watch.seconds, 3),
            left_out=self.left_out,
        )
        self.facts |= {"artifact": artifact}
        return Report("weights", published)

    def rejected(self, reason: str) -> Report:
        """Say that the last good weights stay, and why."""
        rejected = WeightsRejected(
            action=self.command.action,
            family=self.event.subject,
            reason=reason[:2000],
            seconds=round(self._watch.seconds, 3),
            left_out=self.left_out,
        )
        return Report("weights", rejected)

    def _progressed(self, done: Progress) -> Report:
        progressed = ActionProgressed(
            action=self.command.action,
            command=self.event.identity,
            kind="meta_training",
            family=self.event.subject,
            done=done.step / done.n_steps,
            detail=(
                f"step {done.step} of {done.n_steps}, loss {done.loss:.4f}, {done.tasks_per_second:.0f} tasks/s; "
                f"loss by step: {sparse(self.curves.get('loss', []))}"
            ),
            tasks_per_second=done.tasks_per_second,
            loss=done.loss if abs(done.loss) <= LARGEST else None,
        )
        return Report(f"progressed.{done.step}", progressed)

    def record(self, started_ms: int, ended_ms: int, status: Status, outcome: str) -> Run:
        """Make the outer run for the record; its inner runs are in `inner`."""
        return outer_run(
            self.event,
            self.command.meta_training,
            started_ms=started_ms,
            ended_ms=ended_ms,
            status=status,
            curves=self.curves,
            totals={"tasks_per_second": self.tasks_per_second, "seconds": self._watch.seconds},
            tags={"action": self.command.action, "command": self.event.identity, "outcome": outcome, **self.facts},
        )
