"""Trains the arms of a retrain command and puts their weights into the artifact store."""

from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

from homeostat.artifacts import ArtifactStore
from homeostat.core import CommandExecution, Event
from homeostat.events import RetrainStart
from homeostat.events.logs import POLICY_RETRAIN
from homeostat.services.retrain_actuator.history import History
from homeostat.services.retrain_actuator.targets.base import Launcher
from homeostat.services.retrain_actuator.training import Training, TrainingContext


class RetrainActuator:
    """A `Hand`: reads `retrain.start`, reports `candidate.trained` per arm, `action.failed` if none is.

    A command that was begun before, here or by a process that died, goes on with the arms that have no
    result yet, as long as the folder of jobs is there; the results it has are reported again.

    Args:
        history: Reads the data.
        store: Takes the weights.
        launcher: Runs the recipe.
        workdir: Folder of all jobs.
        retry_timeout_seconds: How long data or store that is not there is waited for.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        history: History,
        store: ArtifactStore,
        launcher: Launcher,
        workdir: Path,
        *,
        retry_timeout_seconds: float = 30.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._context = TrainingContext(history, store, launcher, workdir.absolute(), retry_timeout_seconds, clock)

    @property
    def name(self) -> str:
        """See `Hand.name`."""
        return "retrain_actuator"

    @property
    def logs(self) -> Sequence[str]:
        """See `Hand.logs`."""
        return (POLICY_RETRAIN,)

    def start(self, command: Event) -> CommandExecution | None:
        """See `Hand.start`."""
        if not isinstance(command.data, RetrainStart):
            return None
        return Training(self._context, command.data, command.identity)
