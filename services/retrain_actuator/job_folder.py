"""The folder of one training job: what a recipe is given, what it says, what was kept of it.

`<folder>/results.json` holds a result per finished arm and outlives the job, so that a command that
is given again is answered again and not run again. `<folder>/attempt-<n>/` holds `job.json`,
`data.npz`, `lines.jsonl` (the recipe's standard output), `errors.txt` (its standard error) and
`out/<arm>.safetensors`; each launch has its own, so that one that was orphaned by a crash disturbs
nobody.
"""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from homeostat.artifacts import ArtifactStore
from homeostat.durable_file import replace_file
from homeostat.events import Arm
from homeostat.recipe import Job, JobArm
from homeostat.services.retrain_actuator.history import Rows


class Result(msgspec.Struct, frozen=True):
    """What is kept of a finished arm; exactly one of `artifact` and `error` is empty.

    Args:
        artifact: Digest of its weights.
        seconds: Training time.
        rows: Labelled rows it saw.
        loss_curve: Loss per report.
        error: Why there are no weights.
        reason: Code of an error that ends the action if it is every arm's, for example `timed_out`.
        code: Digest of the recipe that ran; empty where none did.
        environment: Versions and machine that it ran on.
    """

    artifact: str = ""
    seconds: float = 0.0
    rows: int = 0
    loss_curve: tuple[float, ...] = ()
    error: str = ""
    reason: str = ""
    code: str = ""
    environment: Mapping[str, str] = {}


class JobFolder:
    """One command's folder.

    Args:
        workdir: Folder of all jobs.
        identity: Identity of the command.
    """

    def __init__(self, workdir: Path, identity: str) -> None:
        self.path = workdir / hashlib.sha256(identity.encode()).hexdigest()[:32]

    def results(self) -> dict[str, Result]:
        """Return what earlier runs have finished, by arm."""
        try:
            return msgspec.json.decode((self.path / "results.json").read_bytes(), type=dict[str, Result])
        except FileNotFoundError:
            return {}

    def keep(self, results: Mapping[str, Result]) -> None:
        """Replace the results; they are on the disk when this returns."""
        self.path.mkdir(parents=True, exist_ok=True)
        replace_file(self.path / "results.json", msgspec.json.encode(results))

    def prepare(self, arms: Sequence[Arm], rows: Rows, champion: str | None, seed: int, store: ArtifactStore) -> Path:
        """Lay a new attempt out.

        Args:
            arms: To train.
            rows: Inputs (n, width) and labels (n,).
            champion: Digest of the weights in force, None without any.
            seed: Of the training.
            store: Has the weights.

        Returns:
            Its job file.

        Raises:
            ArtifactMissing: The champion or the initial weights of an arm.
            StoreUnavailable: Try again.
        """
        wanted = {digest for digest in (champion, *(arm.initial_weights for arm in arms)) if digest is not None}
        weights = {digest: store.get(digest) for digest in sorted(wanted)}
        attempt = self.path / f"attempt-{sum(1 for _ in self.path.glob('attempt-*')) + 1}"
        (attempt / "out").mkdir(parents=True)
        for digest, content in weights.items():
            (attempt / f"{digest}.safetensors").write_bytes(content)

        def place(digest: str | None) -> str | None:
            return None if digest is None else str(attempt / f"{digest}.safetensors")

        job = Job(
            tuple(JobArm(arm.name, arm.hyperparameters, place(arm.initial_weights)) for arm in arms),
            str(attempt / "data.npz"),
            place(champion),
            str(attempt / "out"),
            seed,
        )
        np.savez(attempt / "data.npz", x=rows[0], y=rows[1])
        (attempt / "job.json").write_bytes(msgspec.json.encode(job))
        return attempt / "job.json"

    def clear(self) -> None:
        """Delete the attempts; the results stay."""
        for attempt in self.path.glob("attempt-*"):
            shutil.rmtree(attempt, ignore_errors=True)  # an orphan may still be writing there
