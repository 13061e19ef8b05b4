"""The training recipe: one report per arm, weights on disk, and failures that stay alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from homeostat_lab.demo.arms import ARMS, SKIP
from homeostat_lab.demo.network import draw_weights
from homeostat_lab.demo.recipe import main, train_arm, train_arms
from homeostat_lab.demo.world import World

RATES = {f"lr.{name}": np.array(0.05, np.float32) for name in ("w1", "b1", "w2", "b2")}


@pytest.fixture
def job(tmp_path: Path) -> dict[str, Any]:
    """Every arm of the catalogue on 100 rows."""
    history = World(0, stations=1, events=1).history(0)
    np.savez(tmp_path / "data.npz", x=history.x[:100], y=history.y[:100])
    save_file(draw_weights(1), tmp_path / "champion.safetensors")
    save_file({**draw_weights(2), **RATES}, tmp_path / "meta.safetensors")
    return {
        "arms": [
            {
                "arm": name,
                "hyperparameters": dict(hyperparameters),
                "initial_weights": str(tmp_path / "meta.safetensors") if name == "maml" else None,
            }
            for name, hyperparameters in ARMS.items()
            if name != SKIP
        ],
        "data": str(tmp_path / "data.npz"),
        "champion": str(tmp_path / "champion.safetensors"),
        "out": str(tmp_path / "out"),
        "seed": 4,
    }


def test_every_arm_is_trained(job: dict[str, Any]) -> None:
    """Each arm reports its rows and losses, one per step, and leaves the four tensors without step sizes."""
    reports = {report["arm"]: report for report in train_arms(job)}

    assert list(reports) == [name for name in ARMS if name != SKIP]
    for name, report in reports.items():
        assert report["rows"] == ARMS[name]["rows"]
        assert len(report["loss_curve"]) == ARMS[name]["steps"]
        assert sorted(load_file(report["path"])) == ["b1", "b2", "w1", "w2"]


def test_same_job_gives_same_files(job: dict[str, Any], tmp_path: Path) -> None:
    """Artifacts are named by content, so a job that is run again must give the same bytes."""
    first = [Path(report["path"]).read_bytes() for report in train_arms(job)]

    again = [Path(report["path"]).read_bytes() for report in train_arms({**job, "out": str(tmp_path / "again")})]

    assert first == again


def test_failed_arm_does_not_hold_up_the_others(
    job: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Missing weights, missing hyperparameters and a missing file become errors of their arm only; exit code 0."""
    good = job["arms"][0]
    bad = [
        {**good, "arm": "no_weights", "hyperparameters": {**good["hyperparameters"], "start": "initial_weights"}},
        {"arm": SKIP, "hyperparameters": {}, "initial_weights": None},
        {**good, "arm": "no_file", "initial_weights": str(tmp_path / "absent.safetensors")},
    ]
    (tmp_path / "job.json").write_text(json.dumps({**job, "arms": [*bad, good]}))

    code = main([str(tmp_path / "job.json")])

    reports = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 0
    assert [report["arm"] for report in reports if "error" in report] == ["no_weights", SKIP, "no_file"]
    assert reports[-1]["path"].endswith("warm_low.safetensors")


def test_learned_rates_come_from_the_file() -> None:
    """Step sizes of 0 beside the initial weights leave them as they are."""
    history = World(0, stations=1, events=1).history(0)
    frozen = {name: np.zeros((), np.float32) for name in RATES}
    start = draw_weights(2)

    trained = train_arm(
        ARMS["maml"], history.x[:40], history.y[:40], champion=None, initial_weights={**start, **frozen}, seed=0
    )

    assert all(np.array_equal(trained[name], start[name]) for name in start)
