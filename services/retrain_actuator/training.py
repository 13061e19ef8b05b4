"""One retrain command under way."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from homeostat.artifacts import ArtifactMissing, ArtifactStore
from homeostat.core import Reject, Report, Retry
from homeostat.core.backoff import Backoff
from homeostat.events import Arm, RetrainStart
from homeostat.recipe import SAFETENSORS, Line
from homeostat.services.retrain_actuator.code import environment
from homeostat.services.retrain_actuator.history import History
from homeostat.services.retrain_actuator.job_folder import JobFolder, Result
from homeostat.services.retrain_actuator.reports import failed, seed_of, trained
from homeostat.services.retrain_actuator.targets.base import ERRORS, LINES, Launcher, Run

_FIRST_PAUSE_SECONDS: Final = 0.2
_MOST_PAUSE_SECONDS: Final = 2.0
"""Between two attempts to get what is not there yet."""

_START_SECONDS: Final = 5.0
"""Processor time for starting a recipe, on top of what its arms may take."""

_ERROR_CHARACTERS: Final = 500
_FACTS: Final = 32
"""Of a recipe's environment."""

_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127}")


@dataclass(frozen=True, slots=True)
class TrainingContext:
    """What every training of a hand needs.

    Args:
        history: Reads the data.
        store: Takes the weights.
        launcher: Runs the recipe.
        workdir: Folder of all jobs, absolute.
        retry_timeout_seconds: How long data or store that is not there is waited for.
        clock: Seconds, monotonic.
    """

    history: History
    store: ArtifactStore
    launcher: Launcher
    workdir: Path
    retry_timeout_seconds: float
    clock: Callable[[], float]


class Training:
    """A `CommandExecution`: launches the recipe on every arm without a result and reports each as it finishes.

    A recipe works through its arms in order. If it ends, or takes too long, the arm it was at has
    failed, and it is launched again with the rest.

    Args:
        context: What it needs.
        command: What to train.
        identity: Of the command; the same one continues where it was.
    """

    def __init__(self, context: TrainingContext, command: RetrainStart, identity: str) -> None:
        self.is_done = False
        self._context, self._command, self._identity = context, command, identity
        self._folder = JobFolder(context.workdir, identity)
        self._results = self._folder.results()
        self._is_restored = False
        self._run: Run | None = None
        self._attempt = Path()
        self._read_bytes = 0
        self._code, self._environment = "", environment()
        self._deadline = 0.0
        self._backoff = Backoff(context.retry_timeout_seconds, _FIRST_PAUSE_SECONDS, _MOST_PAUSE_SECONDS, context.clock)

    def poll(self) -> Iterator[Report]:
        """See `CommandExecution.poll`."""
        if self.is_done or not self._backoff.is_due:
            return
        try:
            yield from self._advance()
            self._backoff.succeeded()
        except Retry as trouble:
            if not self._backoff.failed():
                yield from self._give_up(str(trouble), "no_data" if self._run is None else "")
                yield from self._finish()

    def cancel(self) -> None:
        """See `CommandExecution.cancel`."""
        self.is_done = True
        self._stop()

    def _advance(self) -> Iterator[Report]:
        if not self._is_restored:
            self._is_restored = True
            yield from [self._trained(arm) for arm in self._results]
        if self._run is None and self._pending:
            yield from self._launch()
        if self._run is not None:
            yield from self._watch(self._run)
        if not self._pending:
            yield from self._finish()

    @property
    def _pending(self) -> list[Arm]:
        return [arm for arm in self._command.arms if arm.name not in self._results]

    def _launch(self) -> Iterator[Report]:
        command, pending = self._command, self._pending
        try:
            rows = self._context.history.labelled(command.window, command.window.subject)
            if not len(rows[1]):
                raise Reject("no_data", f"no labelled row with a captured input from {command.window.first} on")
            job = self._folder.prepare(
                pending, rows, command.champion_artifact, seed_of(command.action), self._context.store
            )
            seconds = command.timeout_seconds * len(pending) + _START_SECONDS
            self._code = self._context.launcher.code(command.plan.recipe)
            self._run = self._context.launcher.launch(command.plan.recipe, job, seconds)
        except ArtifactMissing as missing:
            for arm in pending:
                if missing.digest in (arm.initial_weights, command.champion_artifact):
                    yield self._keep(arm.name, Result(error=str(missing)))
        except Reject as refusal:
            yield from self._give_up(str(refusal), "no_data" if refusal.reason != "recipe_unknown" else "")
        else:
            self._attempt, self._read_bytes = job.parent, 0
            self._deadline = self._context.clock() + command.timeout_seconds

    def _watch(self, run: Run) -> Iterator[Report]:
        code = run.poll()
        yield from self._take_lines()
        pending = self._pending
        if code is not None:
            self._run = None
            if pending:
                yield self._keep(pending[0].name, Result(error=f"the recipe ended with {code}{self._last_words()}"))
        elif pending and self._context.clock() >= self._deadline:
            self._stop()
            error = f"not finished within {self._command.timeout_seconds:g} s"
            yield self._keep(pending[0].name, Result(error=error, reason="timed_out"))

    def _take_lines(self) -> Iterator[Report]:
        with (self._attempt / LINES).open("rb") as file:
            file.seek(self._read_bytes)
            lines = file.read().splitlines(keepends=True)
        for raw in lines:
            if not raw.endswith(b"\n"):
                return
            try:
                line = msgspec.json.decode(raw, type=Line)
            except msgspec.MsgspecError:
                line = None  # a recipe may print other things
            if line is not None and line.arm in {arm.name for arm in self._pending}:
                result = self._result(line)
                self._deadline = self._context.clock() + self._command.timeout_seconds
                self._read_bytes += len(raw)
                yield self._keep(line.arm, result)
            else:
                self._read_bytes += len(raw)

    def _result(self, line: Line) -> Result:
        """Put an arm's weights into the store, unless they cannot be used."""
        if not line.is_possible:
            return Result(error="the recipe told of seconds, rows or losses that cannot be")
        reported = Result(
            seconds=line.seconds,
            rows=line.rows,
            loss_curve=line.loss_curve,
            environment=self._environment | _plain(line.environment),
        )
        error = line.error
        if not error:
            try:
                content = (self._attempt / "out" / line.path).read_bytes()
                error = _fault(content, line.media_type)
                if not error:
                    return msgspec.structs.replace(reported, artifact=self._context.store.put(content))
            except (OSError, SafetensorError, KeyError, TypeError) as unusable:
                error = f"no usable weights at {line.path!r}: {unusable}"
        return msgspec.structs.replace(reported, error=error)

    def _last_words(self) -> str:
        words = (self._attempt / ERRORS).read_text(errors="replace").strip()
        return f": {words[-_ERROR_CHARACTERS:]}" if words else " before this arm had finished"

    def _keep(self, arm: str, result: Result) -> Report:
        where = result.environment or (self._environment if self._code else {})
        self._results[arm] = msgspec.structs.replace(result, code=self._code, environment=where)
        self._folder.keep(self._results)
        return self._trained(arm)

    def _trained(self, arm: str) -> Report:
        return trained(self._command, self._identity, arm, self._results[arm])

    def _give_up(self, error: str, reason: str) -> Iterator[Report]:
        for arm in self._pending:
            yield self._keep(arm.name, Result(error=error, reason=reason))

    def _finish(self) -> Iterator[Report]:
        self.is_done = True
        self._stop()
        self._folder.clear()
        if all(result.error for result in self._results.values()):
            yield failed(self._command, self._identity, self._results)

    def _stop(self) -> None:
        if self._run is not None:
            self._run.kill()
            self._run = None


def _fault(content: bytes, media_type: str) -> str:
    """Say why what an arm has saved cannot be used; empty if it can.

    Raises:
        SafetensorError: It is to be safetensors, and is none.
    """
    if media_type != SAFETENSORS:
        return "" if content else "nothing was saved"
    return "" if all(np.isfinite(tensor).all() for tensor in load(content).values()) else "the weights are not finite"


def _plain(environment: Mapping[str, str]) -> dict[str, str]:
    """What of a recipe's words a report can hold."""
    named = ((name, text[:_ERROR_CHARACTERS]) for name, text in sorted(environment.items()) if _NAME.fullmatch(name))
    return dict(islice(named, _FACTS))
