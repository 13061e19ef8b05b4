"""The seam between the hand and what runs a recipe."""

from pathlib import Path
from typing import Final, Protocol

from homeostat.core import Reject

LINES: Final = "lines.jsonl"
ERRORS: Final = "errors.txt"


class Run(Protocol):
    """A recipe under way."""

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs; never blocks."""

    def kill(self) -> None:
        """End it and everything it has started; no-op if it has ended."""


class Launcher(Protocol):
    """Runs recipes by name."""

    def code(self, recipe: str) -> str:
        """Digest of a recipe as it is now, sha256 in hex.

        Raises:
            RecipeUnknown: No such name.
        """

    def launch(self, recipe: str, job: Path, cpu_seconds: float) -> Run:
        """Start a recipe on a job file.

        Its standard output goes to `lines.jsonl` beside the job file, its standard error to `errors.txt`.

        Args:
            recipe: Name.
            job: Path of the job file; its folder is the working directory.
            cpu_seconds: Processor time after which it is ended, where the launcher can.

        Raises:
            RecipeUnknown: No such name.
        """


class RecipeUnknown(Reject):
    """No recipe of this name is configured."""

    def __init__(self, recipe: str, known: str) -> None:
        super().__init__("recipe_unknown", f"no recipe {recipe!r} in the settings of this actuator; it has {known}")
        self.recipe = recipe
