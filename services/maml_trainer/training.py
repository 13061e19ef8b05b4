"""One command carried out: collect, train, judge, publish or not. Whatever happens, one report says it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import structlog
from numpy.typing import NDArray

from homeostat.artifacts import ArtifactStore
from homeostat.core import Event, HomeostatError
from homeostat.core.hand import Report
from homeostat.events import ActionProgressed, MetaTrainingStart, WeightsPublished, WeightsRejected
from homeostat.host.reader import LogReader
from maml_trainer.batch import Batch
from maml_trainer.bodies import Module
from maml_trainer.checkpoint import Checkpoint
from maml_trainer.evaluate import few_shot
from maml_trainer.gate import GateVerdict, judge
from maml_trainer.history import Collected, tasks_in
from maml_trainer.meta import Learned, MetaConfig, OuterLoop, Progress, scratch
from maml_trainer.recipe import config_of, fits, held_out_episodes, training_pool
from maml_trainer.selfcheck import self_check
from maml_trainer.settings import MamlTrainerSettings
from maml_trainer.tracking import Curve, Run, Status
from maml_trainer.weights import environment, load, provenance, save

_PROGRESS_SECONDS: Final = 5.0
_CURVE_POINTS: Final = 200
_INNER_RUNS: Final = 8

log = structlog.get_logger(__name__)


class StopRun(HomeostatError):
    """The run is over before its end: cancelled, or out of time."""


@dataclass(slots=True)
class Training:
    """A meta-training.

    Args:
        event: The command.
        command: Its payload.
        reader: Of the tasks log.
        store: Where weights go.
        settings: How to train.
        checkpoints: Makes the checkpoint of a run from what identifies it; None: a kill costs the whole run.
        say: Takes reports of progress.
        is_cancelled: Asked after every step.
    """

    event: Event
    command: MetaTrainingStart
    reader: LogReader
    store: ArtifactStore
    settings: MamlTrainerSettings
    checkpoints: Callable[[str], Checkpoint] | None
    say: Callable[[Report], None]
    is_cancelled: Callable[[], bool]
    curve: list[tuple[int, float]] = field(default_factory=list)
    inner: list[Run] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    tasks_per_second: float = 0.0
    _spent: float = 0.0

    def run(self) -> Report:
        """Carry it out.

        The same command on the same log gives the same weights, bit for bit on one engine, however
        often it was killed on the way.

        Returns:
            `weights.published` or `weights.rejected`.

        Raises:
            Reject: The tasks, the network or the run are unusable: a reason to reject.
            StopRun: Cancelled, or the time is up.
        """
        spec = self.command.meta_training
        events = self.reader.read(spec.window.log, spec.window.subject, spec.window.from_time)
        tasks = tasks_in(events, spec, self.store).split(self.settings.held_out_share)
        if not tasks.train or not tasks.held_out:
            return self.rejected(f"{len(tasks.train)} tasks to train on and {len(tasks.held_out)} held out are too few")
        current = load(self.store.get(spec.current))[0] if spec.current else None
        config = config_of(spec, tasks, self.settings, current)
        body = config.network.body
        if isinstance(body, Module):
            self_check(bodies={body.path: body})
        is_same = current is not None and current.network.describe() == config.network.describe()
        loop = OuterLoop(
            training_pool(spec, tasks, config.network, self.settings.device),
            config,
            start=current if is_same and current is not None and current.rule == config.rule else None,
            device=self.settings.device,
            use_compile=self.settings.use_compile,
            is_mixed_precision=self.settings.mixed_precision,
        )
        self.facts = provenance(
            config, device=self.settings.device, engine=loop.engine, n_tasks=len(tasks.train), sources=tasks.sources
        )
        checkpoint = self._checkpoint(loop)
        self._advance(loop, checkpoint)
        report = self._judged(loop.learned, current, config, tasks)
        if checkpoint is not None:
            checkpoint.write(self._state(loop))
        return report

    def _checkpoint(self, loop: OuterLoop) -> Checkpoint | None:
        """Open the checkpoint, and go on from what a process that died has left in it."""
        if self.checkpoints is None:
            return None
        where = environment(self.settings.device, loop.engine)
        what = self.command.meta_training.model_dump_json()
        checkpoint = self.checkpoints(f"{self.event.identity} {what} {sorted(where.items())}")
        state = checkpoint.read()
        if state is not None:
            loop.restore(state["loop"])
            self.curve, self._spent = [(int(step), float(loss)) for step, loss in state["curve"]], state["seconds"]
            log.info("run_resumed", command=self.event.identity, step=loop.step, n_steps=loop.config.n_steps)
        return checkpoint

    def _advance(self, loop: OuterLoop, checkpoint: Checkpoint | None) -> None:
        n_steps = loop.config.n_steps
        every = max(1, n_steps // _CURVE_POINTS)
        began = told = saved = time.monotonic()
        before = self._spent
        while loop.step < n_steps:
            done = loop.advance()
            now = time.monotonic()
            self._spent = before + now - began
            self.tasks_per_second = done.tasks_per_second
            if done.step % every == 0:
                self.curve.append((done.step, done.loss))
            if self.is_cancelled():
                raise StopRun("cancelled")
            if self._spent > self.command.timeout_seconds:
                raise StopRun(f"{self.command.timeout_seconds:.0f} s are over at step {done.step} of {n_steps}")
            if now - told > _PROGRESS_SECONDS:
                told = now
                self.say(self._progressed(done))
            if checkpoint is not None and now - saved > self.settings.checkpoint_seconds:
                saved = now
                checkpoint.write(self._state(loop))

    def _state(self, loop: OuterLoop) -> dict[str, Any]:
        return {"loop": loop.state(), "curve": self.curve, "seconds": self._spent}

    def _judged(self, learned: Learned, current: Learned | None, config: MetaConfig, tasks: Collected) -> Report:
        spec = self.command.meta_training
        episodes = held_out_episodes(spec, tasks, config.network, self.settings.gate_episodes)

        def losses(start: Learned) -> NDArray[np.float64]:
            return few_shot(start, episodes).losses

        new = losses(learned)
        verdict = judge(
            new,
            losses(current) if current is not None and fits(current, config.network) else None,
            scratch_losses=losses(scratch(config.network, config.seed, rule=config.rule, rate=config.rate)),
        )
        self.inner = _adaptations(learned, episodes, self.event.identity)
        self.facts |= {"gate": verdict.reason, "held_out_loss": f"{np.mean(new):.6g}"}
        if not verdict.publish:
            return self.rejected(f"{verdict.reason}: {verdict.mean_difference:+.4f} on {verdict.n} held-out tasks")
        return self._published(learned, verdict, float(new.mean()), tasks)

    def _published(self, learned: Learned, verdict: GateVerdict, loss: float, tasks: Collected) -> Report:
        artifact = self.store.put(save(learned, self.facts).data)
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
        )
        self.facts |= {"artifact": artifact}
        return Report("weights", published)

    def rejected(self, reason: str) -> Report:
        """Say that the last good weights stay, and why."""
        rejected = WeightsRejected(action=self.command.action, family=self.event.subject, reason=reason[:2000])
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
                f"loss by step: {_sparse(self.curve)}"
            ),
        )
        return Report(f"progressed.{done.step}", progressed)

    def record(self, started_ms: int, ended_ms: int, status: Status, outcome: str) -> Run:
        """Make the outer run for the record; its inner runs are in `inner`."""
        spec = self.command.meta_training
        return Run(
            key=self.event.identity,
            name=f"meta-training {self.event.id}",
            started_ms=started_ms,
            ended_ms=ended_ms,
            status=status,
            params={
                "algorithm": spec.algorithm,
                "n_steps": str(spec.n_steps),
                "seed": str(spec.seed),
                "inner_steps": str(spec.inner_steps),
                "episodes": spec.episodes.model_dump_json(),
                "window": f"{spec.window.first} to {spec.window.last}",
            },
            metrics={
                "loss": self.curve,
                "tasks_per_second": [(spec.n_steps, self.tasks_per_second)],
                "seconds": [(spec.n_steps, self._spent)],
            },
            tags={"action": self.command.action, "command": self.event.identity, "outcome": outcome, **self.facts},
        )


def _sparse(curve: Curve, n: int = 8) -> str:
    every = max(1, len(curve) // n)
    return ", ".join(f"{step}: {loss:.3g}" for step, loss in curve[every - 1 :: every])


def _adaptations(learned: Learned, episodes: Batch, key: str) -> list[Run]:
    """Follow the first held-out episodes through their inner steps: the inner runs."""
    part = episodes.part(0, _INNER_RUNS)
    steps = (0, 1) if learned.rule.is_closed_form else range(learned.rule.inner_steps + 1)
    by_step = [few_shot(learned, part, steps=step).losses for step in steps]
    now = int(time.time() * 1000)
    return [
        Run(
            key=f"{key} held-out {number}",
            name=f"held-out task {number}",
            started_ms=now,
            ended_ms=now,
            status="FINISHED",
            metrics={"query_loss": [(step, float(found[number])) for step, found in zip(steps, by_step, strict=True)]},
        )
        for number in range(len(part.support_x))
    ]
