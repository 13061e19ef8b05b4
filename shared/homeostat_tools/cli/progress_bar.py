"""A progress bar on stderr, one line for each thing that is done."""

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from homeostat_tools.cli.output import hints

_STEPS = 200
"""Updates of a line, at most: drawing may cost more than what is done."""


class ProgressBar:
    """Shown while it is entered; leaves nothing behind."""

    def __enter__(self) -> Self:
        """Begin to draw."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=hints(), transient=True)
        self._tasks: dict[str, tuple[TaskID, int]] = {}
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Take it away."""
        self._progress.stop()

    def show(self, what: str, done: int, total: int) -> None:
        """Say how far something is.

        Args:
            what: Is done: a line of its own.
            done: So much of it.
            total: All of it.
        """
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total), -1
        task, last = self._tasks[what]
        if done - last >= max(1, total // _STEPS) or done >= total:
            self._tasks[what] = task, done
            self._progress.update(task, completed=done)
