"""The record of runs: nothing in it may cost a report."""

import json
import math
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import httpx2
import numpy as np
import pytest
from structlog.testing import capture_logs
from tests.unit.maml_trainer.orders import SETTINGS, ordered, record, recorded, spec
from tests.unit.maml_trainer.small import small_tasks

from homeostat.artifacts import open_store
from homeostat.core import CommandExecution, Report
from homeostat.services.maml_trainer.hand import MamlTrainer
from homeostat.services.maml_trainer.publish.mlflow_server import MlflowServer
from homeostat.services.maml_trainer.publish.tracking import Run
from homeostat_lab.evaluation.meta_training import NotPublished, train

RUN = Run(
    "key",
    "name",
    1,
    2,
    "FINISHED",
    metrics={"loss": [(1, math.nan), (2, math.inf), (3, -math.inf), (4, 0.5)]},
    artifacts={"provenance.json": b"{}"},
)
FOLDER = "/api/2.0/mlflow-artifacts/artifacts/7/new/artifacts"


class Mlflow:
    """A tracking server.

    Args:
        artifact_uri: Where it says that artifacts of a run go.
    """

    def __init__(self, artifact_uri: str = "mlflow-artifacts:/7/new/artifacts") -> None:
        self._artifact_uri = artifact_uri
        self.calls: list[tuple[str, str, bytes]] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer, and remember what was sent."""
        self.calls.append((request.method, request.url.path, request.content))
        info = {"run_id": "new", "artifact_uri": self._artifact_uri}
        return httpx2.Response(200, json={"experiment": {"experiment_id": "7"}, "run": {"info": info}})

    def client(self, uri: str = "http://mlflow") -> MlflowServer:
        """Make a client of it."""
        return MlflowServer(uri, transport=httpx2.MockTransport(self))


def test_numbers_that_json_has_not_go_by_their_names() -> None:
    """A held-out task that diverged is a point of the curve, and no error of the record."""
    server = Mlflow()

    server.client().record("family", RUN, [])

    bodies = [json.loads(body) for _, path, body in server.calls if path.endswith("log-batch")]
    assert [metric["value"] for body in bodies for metric in body.get("metrics", [])] == [
        "NaN",
        "Infinity",
        "-Infinity",
        0.5,
    ]


@pytest.mark.parametrize("prefix", ["", "/behind/a/proxy"])
def test_files_go_to_a_server_that_keeps_them(prefix: str) -> None:
    """By its own interface for artifacts, beside the one for runs."""
    server = Mlflow()

    server.client(f"http://mlflow{prefix}").record("family", RUN, [])

    assert ("PUT", f"{prefix}{FOLDER}/provenance.json", b"{}") in server.calls


def test_files_do_not_go_where_the_server_does_not_keep_them() -> None:
    """Only whoever owns the bucket may write there."""
    server = Mlflow("s3://bucket/7/new/artifacts")

    server.client().record("family", RUN, [])

    assert "PUT" not in {method for method, *_ in server.calls}


@pytest.mark.parametrize(
    "answer", [httpx2.Response(200, text="<html>sign in</html>"), httpx2.Response(200, json={}), httpx2.Response(401)]
)
def test_a_server_that_answers_something_else_is_an_os_error(answer: httpx2.Response) -> None:
    """A sign-in page is no record; the hand logs it and goes on."""
    server = MlflowServer("http://mlflow", transport=httpx2.MockTransport(lambda _: answer))

    with pytest.raises(OSError, match="mlflow"):
        server.record("family", RUN, [])


class Broken:
    """A tracker that fails in a way that nobody thought of."""

    def record(self, *args: Any) -> None:
        """Fail."""
        raise ZeroDivisionError("in the record")


def test_a_report_outlives_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever fails in the record is a line in the log; the weights are published."""
    store = open_store(tmp_path / "artifacts")
    log = recorded(store)
    monkeypatch.setattr("homeostat.services.maml_trainer.hand._tracker", lambda *_: Broken())

    with capture_logs() as logs:
        trained = train(log, spec(log), store, lambda _: None, workdir=tmp_path / "work", settings=SETTINGS)

    assert trained.published.n_tasks == 26
    assert [line["reason"] for line in logs if line["event"] == "run_unrecorded"] == [
        "ZeroDivisionError: in the record"
    ]


class Listening:
    """A tracker that hears, while it records, what the hand has said already."""

    def __init__(self) -> None:
        self.task: SimpleQueue[CommandExecution] = SimpleQueue()
        self.heard: SimpleQueue[Report] = SimpleQueue()

    def record(self, *args: Any) -> None:
        """Listen."""
        for report in self.task.get(timeout=240).poll():
            self.heard.put(report)


def test_the_report_does_not_wait_for_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes its time, or a process that dies in its hands, holds up nobody."""
    store = open_store(tmp_path)
    log = recorded(store)
    tracker = Listening()
    monkeypatch.setattr("homeostat.services.maml_trainer.hand._tracker", lambda *_: tracker)

    task = MamlTrainer(log, store, SETTINGS).start(ordered(spec(log, n_steps=5)))
    assert task is not None
    tracker.task.put(task)

    assert tracker.heard.get(timeout=240).stage == "weights"


def test_a_held_out_task_that_diverges_is_reported_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hand answers, with the reason; the server gets the run, numbers that are none by their names."""
    store = open_store(tmp_path / "artifacts")
    huge = replace(small_tasks(1)[0], task_id="a-huge-one")
    huge = replace(huge, support_x=huge.support_x * np.float32(1e25))
    log = recorded(store, more=[record(huge, store, is_held_out=True)])
    server = Mlflow()
    monkeypatch.setattr("homeostat.services.maml_trainer.hand._tracker", lambda *_: server.client())

    with pytest.raises(NotPublished, match="new_not_finite"):
        train(log, spec(log, n_steps=5), store, lambda _: None, workdir=tmp_path / "work", settings=SETTINGS)

    assert [json.loads(body)["status"] for _, path, body in server.calls if path.endswith("update")][:1] == ["FAILED"]
    assert any(b'"NaN"' in body for _, path, body in server.calls if path.endswith("log-batch"))
