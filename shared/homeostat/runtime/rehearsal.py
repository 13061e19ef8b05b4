"""What a hand works on in a system in memory, where nothing that it does is seen by anybody else."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeostat.artifacts import ArtifactStore
from homeostat.runtime.memory import MemoryLog


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Stands in for the `Context` of a process.

    Args:
        log: All topics.
        store: Artifacts.
        workdir: Folder for jobs.
        data_dir: Folder of this machine's data, whose recipes are run.
        target: What rollouts act on, a `RolloutTarget`.
    """

    log: MemoryLog
    store: ArtifactStore
    workdir: Path
    data_dir: Path
    target: Any
