"""Recipes in this process, for simulation: no limits, and done when the launch returns."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from homeostat.recipe import Line
from homeostat.services.retrain_actuator.code import digest_of
from homeostat.services.retrain_actuator.targets.base import ERRORS, LINES, RecipeUnknown


class InlineLauncher:
    """Calls recipes.

    Args:
        recipes: Function by name: from the path of a job file to the lines a process would print.
    """

    def __init__(self, recipes: Mapping[str, Callable[[Path], Iterable[Line]]]) -> None:
        self._recipes = recipes

    def code(self, recipe: str) -> str:
        """See `Launcher.code`."""
        return digest_of(("python", "-m", getattr(self._found(recipe), "__module__", recipe)))

    def _found(self, recipe: str) -> Callable[[Path], Iterable[Line]]:
        train = self._recipes.get(recipe)
        if train is None:
            raise RecipeUnknown(recipe, ", ".join(sorted(self._recipes)))
        return train

    def launch(self, recipe: str, job: Path, cpu_seconds: float) -> "FinishedRun":
        """See `Launcher.launch`; returns when every arm has finished."""
        train = self._found(recipe)
        lines = b"".join(msgspec.json.encode(line) + b"\n" for line in train(job))
        (job.parent / LINES).write_bytes(lines)
        (job.parent / ERRORS).touch()
        return FinishedRun()


class FinishedRun:
    """A `Run` that has ended well."""

    def poll(self) -> int | None:
        """See `Run.poll`."""
        return 0

    def kill(self) -> None:
        """See `Run.kill`."""
