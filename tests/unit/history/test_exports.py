"""Exports of other tools are read part by part; a folder may hold several."""

import json
import shutil
from pathlib import Path

import pytest
from tests.unit.adapters.payloads import FOLDER

from homeostat.adapters import Target, UnreadablePayload
from homeostat.events import EpisodeRecorded, Samples
from homeostat_tools.history import Unreadable, read_folder
from homeostat_tools.history.exports import read_export


def test_a_part_that_cannot_be_read_leaves_the_others(tmp_path: Path) -> None:
    """It is told with its place, its reason and all that it held."""
    lines = (FOLDER / "kserve.jsonl").read_text("utf-8").splitlines()
    bad = json.loads(lines[1])
    bad["id"], bad["data"] = "bad", {"predictions": "one"}
    (tmp_path / "log.jsonl").write_text("\n".join([*lines, json.dumps(bad), "{"]), "utf-8")
    told: list[Unreadable] = []

    events = [*read_export("kserve", tmp_path / "log.jsonl", Target(subject="s/m"), told.append)]

    assert [event.data.n_rows for event in events if isinstance(event.data, Samples)] == [2, 1]
    assert [(one.place, one.field) for one in told] == [("line 7", "payload"), ("line 6", "data.predictions")]
    assert told[1].reason == "should be a list, not 'one'"
    assert '"bad"' in str(told[1].content)


def test_series_runs_and_objects_are_parts(tmp_path: Path) -> None:
    """Each export is split where its list is."""
    body = json.loads((FOLDER / "prometheus.json").read_text("utf-8"))
    body["data"]["result"][0]["values"][0] = ["x"]
    (tmp_path / "p.json").write_text(json.dumps(body), "utf-8")
    told: list[Unreadable] = []

    events = [*read_export("prometheus", tmp_path / "p.json", Target(subject="s/m"), told.append)]

    assert len(events) == 2
    assert [one.place for one in told] == ["data.result[0]"]


def test_the_folder_of_mlflow_says_what_its_api_says(tmp_path: Path) -> None:
    """Runs lie below their experiment."""
    run = tmp_path / "mlruns" / "12" / "d316d74c"
    for name in ("metrics", "params", "tags"):
        (run / name).mkdir(parents=True)
    (tmp_path / "mlruns" / "12" / "meta.yaml").write_text("experiment_id: '12'\nname: trees\n", "utf-8")
    (run / "meta.yaml").write_text(
        "run_id: d316d74c\nrun_name: deep\nexperiment_id: '12'\nstatus: 3\n"
        "start_time: 1767225600000\nend_time: 1767225690500\n",
        "utf-8",
    )
    (run / "metrics" / "loss").write_text("1767225620000 0.41 0\n1767225660000 0.22 1\n", "utf-8")
    (run / "params" / "max_depth").write_text("7", "utf-8")
    (run / "tags" / "mlflow.user").write_text("ci", "utf-8")

    (event,) = read_export("mlflow", tmp_path / "mlruns", Target(subject="s/f"))

    assert isinstance(event.data, EpisodeRecorded)
    assert (event.data.loss_curve, event.data.hyperparameters, event.data.seconds) == (
        (0.41, 0.22),
        {"max_depth": 7},
        90.5,
    )
    with pytest.raises(UnreadablePayload, match="no run of MLflow"):
        next(read_export("mlflow", tmp_path, Target(subject="s/f")))


def test_a_folder_may_hold_tables_and_exports(tmp_path: Path) -> None:
    """As one history, by time."""
    (tmp_path / "history.toml").write_text('subject = "s/m"\nfamily = "f"\n', "utf-8")
    (tmp_path / "rows.csv").write_text("time,prediction\n2026-01-01T00:00:20Z,1\n", "utf-8")
    (tmp_path / "notes.txt").write_text("nothing", "utf-8")
    shutil.copy(FOLDER / "prometheus.json", tmp_path)
    shutil.copy(FOLDER / "mlflow_runs.json", tmp_path)

    events = [*read_folder(tmp_path)]

    assert [event.time for event in events] == sorted(event.time for event in events)
    assert {event.subject for event in events} == {"s/m", "s/f"}
    assert len({event.data.TYPE for event in events}) == 4
