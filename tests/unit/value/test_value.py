"""`homeostat report value` from a folder, through the whole loop in memory, to the page."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.value.histories import STEP_SECONDS, history, write
from typer.testing import CliRunner

from homeostat_tools.cli.app import app


def run(folder: Path, *args: str, code: int = 0) -> str:
    """Run the command; return its stdout."""
    out = folder / "value.html"
    result = CliRunner().invoke(
        app, ["report", "value", "--import", str(folder), "--out", str(out), "--recipe", "linear", *args]
    )
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result.stdout if not code else result.stderr


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """Report and page of a model that drifted once, with a schedule that trains on wrong labels."""
    folder = tmp_path_factory.mktemp("history")
    wrong = (slice(2620, 2980),)
    write(history(4000, drift_at=1200, wrong=wrong), folder)
    period = f"{int(1000 * STEP_SECONDS)}s"
    text = run(folder, "--json", "--window", "300", "--schedule", period, "--hourly-value", "2")
    return json.loads(text), (folder / "value.html").read_text("utf-8")


def policies(report: dict[str, Any]) -> dict[str, Any]:
    """Policies of the one model, by name."""
    (model,) = report["models"]
    return {policy["policy"]: policy for policy in model["policies"]}


def test_homeostat_is_played_beside_the_others(drifted: tuple[dict[str, Any], str]) -> None:
    """Its own folds decided, its canary promoted, and it made fewer errors than never retraining."""
    found = policies(drifted[0])

    assert list(found) == ["never", "stand_in", "scheduled", "on_alarm", "homeostat"]
    assert found["homeostat"]["judgement"] == "gain"
    assert found["homeostat"]["actions"] >= 1
    assert found["homeostat"]["worth"] > 0


def test_every_action_says_what_it_gained_and_cost(drifted: tuple[dict[str, Any], str]) -> None:
    """With its interval, the verdict of the rules, and where it is written."""
    (model,) = drifted[0]["models"]
    ours = [action for action in model["actions"] if action["policy"] == "homeostat"]
    served = [action for action in ours if action["served"]]

    assert served
    assert all(action["verdict"] == "approved" and action["basis"] == "estimated" for action in served)
    assert served[0]["gain_low"] > 0.0
    assert all(action["cost"] == pytest.approx(0.6 * action["trainings"]) for action in ours)
    assert all("#" in action["trace"]["action"] and "governance" in action["trace"]["proposed"] for action in ours)


def test_the_retrain_on_wrong_labels_is_a_loss(drifted: tuple[dict[str, Any], str]) -> None:
    """The third of the schedule; the page has it in red."""
    (model,) = drifted[0]["models"]
    scheduled = [action["judgement"] for action in model["actions"] if action["policy"] == "scheduled"]

    assert scheduled[-1] == "loss"
    assert "row-loss" in drifted[1]


def test_rules_that_forbid_are_obeyed(tmp_path: Path) -> None:
    """No money: everything is denied, with the rule, and with what it would have gained."""
    write(history(2400, drift_at=1000), tmp_path)
    (tmp_path / "law.toml").write_text("[budget]\nmoney = 0.0001\n")

    report = json.loads(run(tmp_path, "--json", "--window", "300", "--rules", str(tmp_path / "law.toml")))

    (model,) = report["models"]
    denied = [a for a in model["actions"] if a["policy"] == "homeostat" and a["verdict"] == "denied"]
    assert denied
    assert all("money" in action["rules"] for action in denied)
    assert denied[0]["judgement"] == "gain"
    assert policies(report)["homeostat"]["actions"] == 0


def test_a_history_without_labels_cannot_be_valued(tmp_path: Path) -> None:
    """It says so, and exits 0: that is an answer."""
    rows = history(400)
    rows.label[:] = float("nan")
    write(rows, tmp_path)
    table = (tmp_path / "served.csv").read_text().replace("nan", "")
    (tmp_path / "served.csv").write_text(table)

    (model,) = json.loads(run(tmp_path, "--json"))["models"]

    assert model["policies"] == []
    assert "no row has a label" in model["cannot_tell"][0]["why"]


def test_a_folder_without_rows_is_not_found(tmp_path: Path) -> None:
    """Also where the times leave nothing."""
    write(history(400), tmp_path)

    assert "widen --from and --to" in run(tmp_path, "--from", "2030-01-01", code=3)
