"""Recipes as processes of their own, with limits."""

import contextlib
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Final

from homeostat.services.retrain_actuator.code import digest_of
from homeostat.services.retrain_actuator.targets.base import ERRORS, LINES, RecipeUnknown

_OWN_PREFIX: Final = "HOMEOSTAT_"
"""Settings of this process, passwords among them, are none of a recipe's business."""

_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Small matrices gain nothing from threads, and sums in one order give the same bits."""


class SubprocessLauncher:
    """Starts a process per job, in a session of its own.

    Args:
        recipes: Command line by name, or a function that returns them, asked at each launch; `{job}` stands for the
            path of the job file.
        memory_bytes: Limit of its address space; 0 for none.
        environment: Variables set on top of this process's, which are handed on without its own settings.
    """

    def __init__(
        self,
        recipes: Mapping[str, Sequence[str]] | Callable[[], Mapping[str, Sequence[str]]],
        *,
        memory_bytes: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._recipes, self._memory_bytes, self._environment = recipes, memory_bytes, environment or {}

    def code(self, recipe: str) -> str:
        """See `Launcher.code`."""
        return digest_of(self._template(recipe))

    def _template(self, recipe: str) -> Sequence[str]:
        recipes = self._recipes() if callable(self._recipes) else self._recipes
        template = recipes.get(recipe)
        if template is None:
            raise RecipeUnknown(recipe, ", ".join(sorted(recipes)))
        return template

    def launch(self, recipe: str, job: Path, cpu_seconds: float) -> "ProcessRun":
        """See `Launcher.launch`."""
        template = self._template(recipe)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OWN_PREFIX)}
        with (job.parent / LINES).open("wb") as lines, (job.parent / ERRORS).open("wb") as errors:
            process = subprocess.Popen(
                [part.replace("{job}", str(job)) for part in template],
                cwd=job.parent,
                env=_ONE_THREAD | inherited | dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=lines,
                stderr=errors,
                start_new_session=True,
            )
        self._limit(process.pid, ceil(cpu_seconds))
        return ProcessRun(process)

    def _limit(self, pid: int, cpu_seconds: int) -> None:
        # From outside: code between fork and exec is unsafe in a process with threads, which a host is.
        with contextlib.suppress(ProcessLookupError):  # it has already ended
            resource.prlimit(pid, resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
            resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
            if self._memory_bytes:
                resource.prlimit(pid, resource.RLIMIT_AS, (self._memory_bytes, self._memory_bytes))


class ProcessRun:
    """A `Run` of a process that leads its own session."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def poll(self) -> int | None:
        """See `Run.poll`."""
        return self._process.poll()

    def kill(self) -> None:
        """See `Run.kill`."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
