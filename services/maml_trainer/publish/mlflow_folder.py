"""Runs as files, in the layout of MLflow's file store: `mlflow ui --backend-store-uri FOLDER` shows them."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from homeostat.services.maml_trainer.publish.tracking import Run

_STATUS: Final = {"FINISHED": 3, "FAILED": 4}
_LOCAL: Final = 4
"""MLflow's code of a source that is a local program."""


class MlflowFolder:
    """A folder of experiments, runs, and a file per parameter, metric and tag.

    A run appears as a whole: it is written beside its place and moved there.

    Args:
        root: Made if needed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def record(self, experiment: str, outer: Run, inner: Sequence[Run]) -> None:
        """See `Tracker.record`."""
        folder = self._experiment(experiment, outer.started_ms)
        for run in inner:
            self._write(folder, run, {"mlflow.parentRunId": outer.run_id})
        self._write(folder, outer, {})

    def _experiment(self, name: str, now: int) -> Path:
        id_ = str(int(hashlib.sha256(name.encode()).hexdigest()[:15], 16))
        folder = self._root / id_
        if not (folder / "meta.yaml").exists():
            folder.mkdir(parents=True, exist_ok=True)
            _yaml(
                folder / "meta.yaml",
                {
                    "artifact_location": folder.as_uri(),
                    "creation_time": now,
                    "experiment_id": id_,
                    "last_update_time": now,
                    "lifecycle_stage": "active",
                    "name": name,
                },
            )
        return folder

    def _write(self, experiment: Path, run: Run, tags: Mapping[str, str]) -> None:
        place, draft = experiment / run.run_id, experiment / f".{run.run_id}"
        shutil.rmtree(draft, ignore_errors=True)
        for part in ("params", "metrics", "tags", "artifacts"):
            (draft / part).mkdir(parents=True)
        for name, value in run.params.items():
            (draft / "params" / name).write_text(value)
        for name, value in {**run.tags, **tags, "mlflow.runName": run.name}.items():
            (draft / "tags" / name).write_text(value)
        for name, curve in run.metrics.items():
            lines = [f"{run.ended_ms} {value!r} {step}\n" for step, value in curve]
            (draft / "metrics" / name).write_text("".join(lines))
        for name, content in run.artifacts.items():
            (draft / "artifacts" / name).write_bytes(content)
        _yaml(
            draft / "meta.yaml",
            {
                "artifact_uri": (place / "artifacts").as_uri(),
                "end_time": run.ended_ms,
                "entry_point_name": "",
                "experiment_id": experiment.name,
                "lifecycle_stage": "active",
                "run_id": run.run_id,
                "run_name": run.name,
                "run_uuid": run.run_id,
                "source_name": "",
                "source_type": _LOCAL,
                "source_version": "",
                "start_time": run.started_ms,
                "status": _STATUS[run.status],
                "tags": [],
                "user_id": "maml_trainer",
            },
        )
        shutil.rmtree(place, ignore_errors=True)
        draft.replace(place)


def _yaml(path: Path, values: Mapping[str, object]) -> None:
    """Write a flat table; a JSON value is a YAML value."""
    path.write_text("".join(f"{name}: {json.dumps(value)}\n" for name, value in values.items()))
