"""One command carried out: collect, train, judge, publish or not. Whatever happens, one report says it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog

from homeostat.artifacts import ArtifactStore
from homeostat.core import Event
from homeostat.core.hand import Report
from homeostat.events import ActionProgressed, MetaTrainingStart, WeightsPublished, WeightsRejected
from homeostat.events.bounds import LARGEST
from homeostat.runtime.reader import LogReader
from homeostat.services.maml_trainer.backbones import Module
from homeostat.services.maml_trainer.checkpoint import Checkpoint
from homeostat.services.maml_trainer.data.held_out import held_out, training_episodes
from homeostat.services.maml_trainer.data.task_reader import Collected, tasks_in
from homeostat.services.maml_trainer.deadline import RunDeadline
from homeostat.services.maml_trainer.meta.meta_parameters import MetaParameters
from homeostat.services.maml_trainer.meta.outer_loop import OuterLoop, Progress
from homeostat.services.maml_trainer.meta.own_network import check_own
from homeostat.services.maml_trainer.meta.rates import first_rate
from homeostat.services.maml_trainer.meta.scaling import TargetScale
from homeostat.services.maml_trainer.publish.beside import Beside
from homeostat.services.maml_trainer.publish.gate import MIN_TASKS, GateVerdict
from homeostat.services.maml_trainer.publish.provenance import environment, provenance
from homeostat.services.maml_trainer.publish.tracking import Run, Status
from homeostat.services.maml_trainer.publish.tracking_runs import outer_run, sparse
from homeostat.services.maml_trainer.publish.weights import load, save
from homeostat.services.maml_trainer.recipe import config_of, training_pool
from homeostat.services.maml_trainer.settings import MamlTrainerSettings

_PROGRESS_SECONDS: Final = 5.0
_CURVE_POINTS: Final = 200
_PLAIN: Final = (1e-3, 1e6)
"""Sizes of differences that are written without an exponent: targets may be metres or millimetres."""

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
    inherited: tuple[str, ...] = ()
    tasks_per_second: float = 0.0
    _deadline: RunDeadline = field(init=False)

    def __post_init__(self) -> None:
        self._deadline = RunDeadline(
            self.command.timeout_seconds, self.settings.retry_timeout_seconds, self.is_cancelled
        )

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
        current = self._deadline.patiently(self._current)
        recorded = self._deadline.patiently(lambda: self._tasks(current)).split(self.settings.held_out_share)
        recorded = replace(recorded, sources=tuple(sorted({*recorded.sources, *self.inherited})))
        self._deadline.check("after reading the tasks")
        if not recorded.train or not recorded.held_out:
            n, n_held_out = len(recorded.train), len(recorded.held_out)
            return self.rejected(f"{n} tasks to train on and {n_held_out} held out are too few")
        units = TargetScale.of(recorded.train)
        tasks, current = units.standard(recorded), None if current is None else units.in_standard_units(current)
        config = config_of(spec, tasks, self.settings, current)
        gate = held_out(spec, tasks, config.network, self.settings.gate_episodes)
        if gate.n_units < MIN_TASKS:  # the gate would say so after the training
            return self.rejected(f"too_few_tasks: {gate.n_units} {gate.what}, of {MIN_TASKS} that a judgement needs")
        if isinstance(config.network.backbone, Module):
            check_own(config.network.backbone, (config.rule.algorithm,))
        start = current if current is not None and current.rule == config.rule else None
        few = training_episodes(spec, tasks, config.network)
        if start is None and spec.inner_rate is None:
            config = replace(config, rate=first_rate(config.network, config.seed, config.rule, few))
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
        self.facts |= units.facts
        checkpoint = self._checkpoint(loop, where)
        self._deadline.check("before the first step")
        self._advance(loop, checkpoint)
        report = self._judged(units.in_users_units(loop.learned), Beside(current, config, units, gate, few), tasks)
        self._keep(checkpoint, loop, is_judged=True)
        return report

    def _current(self) -> MetaParameters | None:
        """Weights in force; whom they rest on, whatever comes of them rests on too."""
        digest = self.command.meta_training.current
        if not digest:
            return None
        learned, facts = load(self.store.get(digest))
        self.inherited = tuple(json.loads(facts.get("sources", "[]")))
        return learned

    def _tasks(self, current: MetaParameters | None) -> Collected:
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
            self._deadline.carry(state["seconds"], is_judged=state["is_judged"])
            log.info("run_resumed", command=self.event.identity, step=loop.step, n_steps=loop.config.n_steps)
        return checkpoint

    def _keep(self, checkpoint: Checkpoint | None, loop: OuterLoop, *, is_judged: bool = False) -> None:
        if checkpoint is None:
            return
        state: dict[str, Any] = {"loop": loop.state(), "curves": self.curves}
        try:
            checkpoint.write(state | {"seconds": self._deadline.seconds, "is_judged": is_judged})
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
            self._deadline.check(f"at step {done.step} of {n_steps}")
            now = time.monotonic()
            if now - told > _PROGRESS_SECONDS:
                told = now
                self.say(self._progressed(done))
            if now - saved > self.settings.checkpoint_seconds:
                saved = now
                self._keep(checkpoint, loop)

    def _judged(self, learned: MetaParameters, beside: Beside, tasks: Collected) -> Report:
        """Judge weights as they would be published, rounding and all."""
        if not _is_storable(learned):
            return self.rejected(
                "beyond_float32: targets are so large, or so spread, that no weights hold them: scale them"
            )
        verdict, losses = beside.judge(learned)
        self.inner = beside.inner_runs(learned, self.event.identity)
        self._deadline.check("at the gate")
        self.facts |= {"gate": verdict.reason, "gate_units": f"{verdict.n} {beside.gate.what}"}
        self.facts |= {f"held_out_loss{name and f'_{name}'}": f"{loss:.6g}" for name, loss in losses.items()}
        self.facts |= {"better_than_trivial_at_shots": json.dumps(verdict.shots)}
        if not verdict.publish:
            on = f"{verdict.n} {beside.gate.what}"
            return self.rejected(f"{verdict.reason}: {_told(verdict.mean_difference)} on {on}")
        if max(abs(losses[""]), abs(verdict.low), abs(verdict.high)) > LARGEST:
            return self.rejected(f"out_of_range: squared errors of these targets are beyond {LARGEST:g}: scale them")
        return self._published(learned, verdict, losses[""], tasks)

    def _published(self, learned: MetaParameters, verdict: GateVerdict, loss: float, tasks: Collected) -> Report:
        data = save(learned, self.facts).data
        artifact = self._deadline.patiently(lambda: self.store.put(data))
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
            seconds=round(self._deadline.seconds, 3),
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
            seconds=round(self._deadline.seconds, 3),
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
        """Make the outer run for the record; its inner runs are in `inner`.

        Args:
            started_ms: Wall clock, ms.
            ended_ms: Wall clock, ms.
            status: How it ended, in MLflow's words.
            outcome: How it ended, in the report's.
        """
        return outer_run(
            self.event,
            self.command.meta_training,
            started_ms=started_ms,
            ended_ms=ended_ms,
            status=status,
            curves=self.curves,
            totals={"tasks_per_second": self.tasks_per_second, "seconds": self._deadline.seconds},
            tags={"action": self.command.action, "command": self.event.identity, "outcome": outcome, **self.facts},
        )


def _told(difference: float) -> str:
    return (
        f"{difference:+.4f}" if difference == 0.0 or _PLAIN[0] <= abs(difference) < _PLAIN[1] else f"{difference:+.4g}"
    )


def _is_storable(learned: MetaParameters) -> bool:
    tensors = (*learned.params.values(), *learned.inner.values())
    return all(bool(value.isfinite().all()) for value in tensors) and all(
        bool((value > 0).all()) for value in learned.inner.values()
    )
