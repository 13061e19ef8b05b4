"""`homeostat report value` on the logs of a system: gains as measured, else estimated, else unknown."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.backtest.recorded import RecordedLogs
from tests.unit.value.histories import history
from typer.testing import CliRunner

from homeostat.client.logs import Logs
from homeostat.events import ScopeConfigured
from homeostat_tools.cli.app import app
from homeostat_tools.value.playing import Training
from homeostat_tools.value.simulating import simulate


def report(logs: Logs, folder: Path, *args: str) -> dict[str, dict[str, Any]]:
    """Run the command; return the models by name."""
    out = ["--out", str(folder / "value.html"), "--recipe", "linear", "--window", "300", "--json"]
    result = CliRunner().invoke(app, ["report", "value", *out, *args], obj=logs)
    assert result.exit_code == 0, (result.stdout, result.stderr, result.exception)
    return {model["model"]: model for model in json.loads(result.stdout)["models"]}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A system that has promoted something after a drift."""
    logs = simulate(history(4000, drift_at=1200), Training("linear", window=300), (), 60.0).logs
    return report(logs, tmp_path_factory.mktemp("live"))["shop/m"]


def test_what_ran_stands_beside_stand_ins(ran: dict[str, Any]) -> None:
    """Nobody knows what the first model would have gone on to answer, and it says so."""
    policies = {policy["policy"]: policy for policy in ran["policies"]}

    assert set(policies) == {"never", "scheduled", "on_alarm", "homeostat", "recorded"}
    assert policies["recorded"]["judgement"] == "gain"
    assert any("first model" in unknown["what"] for unknown in ran["cannot_tell"])


def test_a_promotion_is_worth_what_was_measured(ran: dict[str, Any]) -> None:
    """With where to look: commands, topic and offset."""
    served = [action for action in ran["actions"] if action["basis"] == "measured" and action["served"]]

    assert served
    assert served[0]["gain_low"] > 0.0
    assert served[0]["commands"] == [f"homeostat story {served[0]['trace']['action']}", "homeostat why shop/m"]
    assert served[0]["trace"]["proposed"].startswith("homeostat.governance[0] ")


def test_a_scope_that_observes_hears_what_its_denials_have_cost(tmp_path: Path) -> None:
    """Value before permission: what `observe` denied, what it would have gained, and Homeostat as if it acted."""
    law = (ScopeConfigured(scope="shop", settings={"mode": "observe"}),)
    logs = simulate(history(3000, drift_at=1200), Training("linear", window=300), law, 60.0).logs

    model = report(logs, tmp_path)["shop/m"]

    denied = [action for action in model["actions"] if action["policy"] == "recorded" and action["verdict"] == "denied"]
    policies = {policy["policy"]: policy for policy in model["policies"]}
    assert denied
    assert all("observes" in action["rules"] and not action["served"] for action in denied)
    assert "gain" in {action["judgement"] for action in denied}
    assert policies["homeostat"]["judgement"] == "gain"


def test_every_decision_of_a_short_run_is_there(tmp_path: Path) -> None:
    """Of the recorded run of the replay tests: three models, a few hundred rows; what is not known says why."""
    models = report(RecordedLogs(), tmp_path)

    actions = [action for model in models.values() for action in model["actions"]]
    assert "measured" in {action["basis"] for action in actions}
    assert {"denied", "approved"} <= {action["verdict"] for action in actions}
    assert all(action["cannot_tell"] for action in actions if action["basis"] == "none")


def test_one_model_may_be_asked_for(tmp_path: Path) -> None:
    """Others are not read."""
    assert list(report(RecordedLogs(), tmp_path, "--model", "plant/camera-01")) == ["plant/camera-01"]
