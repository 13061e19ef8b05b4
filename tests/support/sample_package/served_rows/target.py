"""A target of rollouts that keeps what is to be served in a file, for whatever serves the models."""

import json
from pathlib import Path

import msgspec

from homeostat.runtime.process import Context
from homeostat.serving import Deployment


class DeploymentNotes:
    """A `RolloutTarget`: of one source a lower sequence than the last never acts, and the same one acts once.

    Args:
        file: By model its deployment; survives a restart.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def apply(self, model: str, deployment: Deployment) -> bool:
        """See `RolloutTarget.apply`."""
        kept = json.loads(self._file.read_text("utf-8")) if self._file.exists() else {}
        last = kept.get(model, {"source": deployment.source, "sequence": ""})
        if last["source"] == deployment.source and deployment.sequence < last["sequence"]:
            return False
        kept[model] = msgspec.to_builtins(deployment)
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(kept, sort_keys=True), "utf-8")
        draft.replace(self._file)
        return True


def deployment_notes(context: Context) -> DeploymentNotes:
    """Make the target in the folder of this machine."""
    return DeploymentNotes(context.workdir("deployment-notes") / "deployments.json")
