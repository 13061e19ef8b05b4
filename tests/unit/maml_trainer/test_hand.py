"""The hand: one command in, one report out, whatever happens on the way."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
import torch
from tests.unit.maml_trainer.orders import SETTINGS, record, recorded, spec
from tests.unit.maml_trainer.small import clustered_tasks

from homeostat.artifacts import open_store
from homeostat.events import Episodes
from homeostat.services.maml_trainer.checkpoint import Checkpoint
from homeostat.services.maml_trainer.errors import DivergedError
from homeostat.services.maml_trainer.meta.outer_loop import OuterLoop, Progress
from homeostat.services.maml_trainer.publish.mlflow_server import MlflowServer
from homeostat.services.maml_trainer.publish.tracking import Run
from homeostat.services.maml_trainer.publish.weights import load
from homeostat_lab.evaluation.meta_training import NotPublished, train


def go(folder: Path, **fields: Any) -> str:
    """Train in a folder; return the digest of what was published."""
    store = open_store(folder / "artifacts")
    log = recorded(store)
    return train(
        log, spec(log, **fields), store, lambda _: None, workdir=folder / "work", settings=SETTINGS
    ).published.artifact


@pytest.mark.parametrize("algorithm", ["auto", "reptile"])
def test_weights_that_beat_a_fresh_start_are_published(tmp_path: Path, algorithm: str) -> None:
    """The artifact holds the rule's weights, and states where they come from."""
    digest = go(tmp_path, algorithm=algorithm)

    learned, metadata = load(open_store(tmp_path / "artifacts").get(digest))

    assert learned.rule.algorithm == {"auto": "maml"}.get(algorithm, algorithm)
    assert metadata["n_tasks"] == "26"
    assert json.loads(metadata["sources"]) == [""]


def test_drawn_classes_are_learned_in_closed_form(tmp_path: Path) -> None:
    """`auto` with ways: episodes of pooled classes, one column for all of them."""
    store = open_store(tmp_path / "artifacts")
    tasks = enumerate(clustered_tasks(40))
    log = recorded(store, n=0, more=[record(task, store, is_held_out=at % 3 == 0) for at, task in tasks])
    asked = spec(log, episodes=Episodes(ways=4, shots=(1,), queries=3))

    trained = train(log, asked, store, lambda _: None, workdir=tmp_path / "work", settings=SETTINGS)

    assert trained.published.algorithm == "bayesian_last_layer"
    assert trained.learned.network.n_outputs == 1


def test_weights_in_force_are_continued_and_must_be_beaten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that learns nothing ends where it began, at the published weights: they stay."""
    digest = go(tmp_path)
    monkeypatch.setattr("homeostat.services.maml_trainer.meta.outer_loop.WEIGHT_RATE", 0.0)
    monkeypatch.setattr("homeostat.services.maml_trainer.meta.outer_loop.LOG_RATE", 0.0)

    with pytest.raises(NotPublished, match=r"not_better_than_current: [+-]0\.0000"):
        go(tmp_path, current=digest, seed=2)


def test_too_few_tasks_are_rejected(tmp_path: Path) -> None:
    """With the numbers."""
    store = open_store(tmp_path / "artifacts")
    log = recorded(store, n=1)

    with pytest.raises(NotPublished, match="0 tasks to train on"):
        train(log, spec(log), store, lambda _: None, workdir=tmp_path / "work", settings=SETTINGS)


def test_a_run_out_of_time_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says where it was."""
    store = open_store(tmp_path / "artifacts")
    log = recorded(store)
    advance, seconds = OuterLoop.advance, [0.0]

    def slow(loop: OuterLoop) -> Progress:
        seconds[0] += 100
        return advance(loop)

    monkeypatch.setattr(OuterLoop, "advance", slow)
    monkeypatch.setattr("homeostat.services.maml_trainer.deadline.monotonic", lambda: seconds[0])

    with pytest.raises(NotPublished, match=r"timed_out 250 s are over at step 3 of 60"):
        train(log, spec(log), store, print, workdir=tmp_path / "work", settings=SETTINGS, timeout_seconds=250)


def test_a_run_that_leaves_the_finite_numbers_is_rejected(tmp_path: Path) -> None:
    """The last good weights stay."""
    with pytest.raises(NotPublished, match=DivergedError(0, "query_loss").reason):
        go(tmp_path, inner_rate=1e6, inner_steps=50)


def test_killed_in_mid_training_nothing_is_lost_or_doubled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed -9 in its 40th checkpoint and started again, it goes on, to the bits of a run without a kill."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "import torch\n"
        "from tests.unit.maml_trainer import test_hand\n"
        "real, n = torch.save, 0\n"
        "def save(state, file):\n"
        "    global n\n"
        "    n += 1\n"
        "    real(state, file)\n"
        "    if n == 40:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "torch.save = save\n"
        "test_hand.go(Path(sys.argv[1]))\n"
    )
    paths = os.pathsep.join([str(Path(__file__).parents[3]), *sys.path])
    done = subprocess.run([sys.executable, "-c", script, str(killed)], env={**os.environ, "PYTHONPATH": paths})
    (state,) = [torch.load(path, weights_only=True) for path in (killed / "work" / "checkpoints").glob("*.pt")]

    expected = go(whole)
    steps: list[int] = []
    advance = OuterLoop.advance

    def counted(loop: OuterLoop) -> Progress:
        steps.append(loop.step)
        return advance(loop)

    monkeypatch.setattr(OuterLoop, "advance", counted)
    digest = go(killed)

    assert done.returncode == -signal.SIGKILL
    assert state["loop"]["step"] == 39
    assert steps == list(range(39, 60))
    assert digest == expected
    assert len(list((killed / "artifacts").rglob("*"))) == len(list((whole / "artifacts").rglob("*")))


def test_a_checkpoint_that_cannot_be_read_is_no_checkpoint(tmp_path: Path) -> None:
    """A torn file costs the run's start, not the run."""
    checkpoint = Checkpoint(tmp_path, "run")
    checkpoint.write({"step": 1})
    (path,) = tmp_path.glob("*.pt")
    path.write_bytes(path.read_bytes()[:50])

    assert checkpoint.read() is None


def test_old_checkpoints_are_dropped(tmp_path: Path) -> None:
    """The disk stays bounded; the newest is kept."""
    for number in range(12):
        Checkpoint(tmp_path, str(number)).write({"step": number})

    assert len(list(tmp_path.glob("*.pt"))) == 8
    assert Checkpoint(tmp_path, "11").read() == {"step": 11}


def test_runs_are_recorded_with_inner_runs_under_them(tmp_path: Path) -> None:
    """In MLflow's file layout: an outer run with its loss curve, an inner run per held-out task with its parent."""
    go(tmp_path)

    (experiment,) = (tmp_path / "work" / "runs").iterdir()
    runs = [path for path in experiment.iterdir() if path.is_dir()]
    inner = [run for run in runs if (run / "tags" / "mlflow.parentRunId").exists()]
    (outer,) = set(runs) - set(inner)
    assert len(inner) == 8
    assert {(run / "tags" / "mlflow.parentRunId").read_text() for run in inner} == {outer.name}
    assert len((outer / "metrics" / "loss").read_text().splitlines()) == 60
    assert (outer / "tags" / "outcome").read_text() == "published"
    assert json.loads((outer / "artifacts" / "provenance.json").read_text())["outcome"] == "published"
    assert json.loads((outer / "artifacts" / "meta_training.json").read_text())["n_steps"] == 60
    assert len((inner[0] / "metrics" / "query_loss").read_text().splitlines()) == 6


def test_a_server_gets_the_same_run_once() -> None:
    """A run that is made again replaces the one of its key; inner runs name the parent the server made."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/api/2.0/mlflow/")
        calls.append((path, json.loads(request.content or b"{}")))
        return {
            "experiments/get-by-name": httpx2.Response(404, json={}),
            "experiments/create": httpx2.Response(200, json={"experiment_id": "7"}),
            "runs/search": httpx2.Response(200, json={"runs": [{"info": {"run_id": "old"}}]}),
            "runs/create": httpx2.Response(200, json={"run": {"info": {"run_id": "new"}}}),
        }.get(path, httpx2.Response(200, json={}))

    server = MlflowServer("http://mlflow", "secret", httpx2.MockTransport(answer))
    run = Run("key", "name", 1, 2, "FINISHED", params={"seed": "1"}, metrics={"loss": [(1, 0.5)]})

    server.record("family", run, [Run("inner", "task", 1, 2, "FINISHED")])

    assert [backbone["run_id"] for path, backbone in calls if path == "runs/delete"] == ["old", "old"]
    created = [backbone for path, backbone in calls if path == "runs/create"]
    assert {"key": "mlflow.parentRunId", "value": "new"} in created[1]["tags"]
    assert {"key": "loss", "value": 0.5, "step": 1, "timestamp": 2} in [
        metric for path, backbone in calls if path == "runs/log-batch" for metric in backbone.get("metrics", [])
    ]


def test_a_server_that_is_away_is_an_os_error() -> None:
    """Training does not depend on the record: the hand logs it and goes on."""
    server = MlflowServer("http://mlflow", transport=httpx2.MockTransport(lambda _: httpx2.Response(500)))

    with pytest.raises(OSError, match="mlflow"):
        server.record("family", Run("key", "name", 1, 2, "FINISHED"), [])
