"""Runs on an MLflow tracking server, by its REST API; no MLflow is needed here."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx2

from homeostat.services.maml_trainer.publish.tracking import Run

_KEY: Final = "homeostat.key"
_TIMEOUT_SECONDS: Final = 10.0
# Limits of `runs/log-batch`.
_METRICS_AT_A_TIME: Final = 1000
_PARAMS_AT_A_TIME: Final = 100
_PROXIED: Final = "mlflow-artifacts:/"
"""Artifacts that the server keeps itself, and takes by its own API."""

_ARTIFACTS: Final = "/api/2.0/mlflow-artifacts/artifacts/"


class MlflowServer:
    """A tracking server. A run that is made again replaces the one with its key.

    Args:
        uri: Of the server.
        token: Bearer token, or nothing.
        transport: Another way there than the network.
    """

    def __init__(self, uri: str, token: str = "", transport: httpx2.BaseTransport | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._uri = uri.rstrip("/")
        base = f"{self._uri}/api/2.0/mlflow/"
        self._client = httpx2.Client(base_url=base, headers=headers, timeout=_TIMEOUT_SECONDS, transport=transport)

    def record(self, experiment: str, outer: Run, inner: Sequence[Run]) -> None:
        """See `Tracker.record`."""
        try:
            id_ = self._experiment(experiment)
            parent = self._write(id_, outer, {})
            for run in inner:
                self._write(id_, run, {"mlflow.parentRunId": parent})
        except (httpx2.HTTPError, KeyError, TypeError, ValueError) as error:  # away, or it answers something else
            raise OSError(f"{self._client.base_url}: {error}") from error

    def _experiment(self, name: str) -> str:
        found = self._client.get("experiments/get-by-name", params={"experiment_name": name})
        if found.status_code == httpx2.codes.NOT_FOUND:
            return str(self._post("experiments/create", {"name": name})["experiment_id"])
        found.raise_for_status()
        return str(found.json()["experiment"]["experiment_id"])

    def _write(self, experiment: str, run: Run, tags: Mapping[str, str]) -> str:
        same = {"experiment_ids": [experiment], "filter": f"tags.`{_KEY}` = '{run.run_id}'", "max_results": 10}
        for old in self._post("runs/search", same).get("runs", []):
            self._post("runs/delete", {"run_id": old["info"]["run_id"]})
        stated = {**run.tags, **tags, _KEY: run.run_id}
        created = self._post(
            "runs/create",
            {
                "experiment_id": experiment,
                "run_name": run.name,
                "start_time": run.started_ms,
                "tags": [{"key": key, "value": value} for key, value in stated.items()],
            },
        )
        id_ = str(created["run"]["info"]["run_id"])
        params = [{"key": key, "value": value} for key, value in run.params.items()]
        for first in range(0, len(params), _PARAMS_AT_A_TIME):
            self._post("runs/log-batch", {"run_id": id_, "params": params[first : first + _PARAMS_AT_A_TIME]})
        metrics = [
            {"key": key, "value": _number(value), "step": step, "timestamp": run.ended_ms}
            for key, curve in run.metrics.items()
            for step, value in curve
        ]
        for first in range(0, len(metrics), _METRICS_AT_A_TIME):
            self._post("runs/log-batch", {"run_id": id_, "metrics": metrics[first : first + _METRICS_AT_A_TIME]})
        place = str(created["run"]["info"].get("artifact_uri", ""))
        if place.startswith(_PROXIED):  # elsewhere, only whoever owns the place may write
            for name, content in run.artifacts.items():
                url = f"{self._uri}{_ARTIFACTS}{place.removeprefix(_PROXIED)}/{name}"
                self._client.put(url, content=content).raise_for_status()
        self._post("runs/update", {"run_id": id_, "status": run.status, "end_time": run.ended_ms})
        return id_

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._client.post(path, json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def _number(value: float) -> float | str:
    """JSON has no NaN and no infinity; the server reads their names, as ProtoJSON has them."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
