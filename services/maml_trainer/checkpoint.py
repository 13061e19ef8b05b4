"""What a killed run is taken up from: one file per command, replaced as a whole."""

import hashlib
import time
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final

import structlog
import torch

from homeostat.durable_file import replacing

# Of runs that were never taken up again: the newest are kept, the disk stays bounded.
_KEPT: Final = 8
# Nobody writes this long: an older draft is of a process that was killed in its write.
_DRAFT_SECONDS: Final = 3600.0

log = structlog.get_logger(__name__)


class Checkpoint:
    """The state of one run on disk.

    After `write` has returned, a crash of this process leaves that state; a crash in it leaves the
    one before. Runs of one identity in two processes do no harm: both write states of the same run.

    Args:
        folder: Of all checkpoints; made if needed.
        identity: Of the command, and whatever else must be equal for a state to be of this run.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self._folder = folder
        self._path = folder / f"{hashlib.sha256(identity.encode()).hexdigest()}.pt"

    def read(self) -> dict[str, Any] | None:
        """Return the state, if there is one that can be read."""
        if not self._path.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self._path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:  # the disk's fault: start anew
            log.warning("checkpoint_unreadable", path=str(self._path), reason=str(error))
            return None
        return state

    def write(self, state: dict[str, Any]) -> None:
        """Replace the state.

        Raises:
            OSError: It cannot be written; the one before is still there.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            with replacing(self._path) as file:
                torch.save(state, file)
        except (OSError, RuntimeError) as error:  # torch wraps what the disk says
            raise OSError(f"{self._path}: {error}") from error
        self._tidy()

    def _tidy(self) -> None:
        """Keep the newest states, and no draft of a process that is gone."""
        ages: dict[Path, float] = {}
        for path in self._folder.iterdir():
            try:
                ages[path] = time.time() - path.stat().st_mtime
            except FileNotFoundError:  # another process was quicker
                continue
        states = sorted((path for path in ages if path.suffix == ".pt"), key=ages.__getitem__)
        drafts = [path for path, age in ages.items() if path.suffix != ".pt" and age > _DRAFT_SECONDS]
        for old in (*states[_KEPT:], *drafts):
            old.unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget the run: its result is known."""
        self._path.unlink(missing_ok=True)
