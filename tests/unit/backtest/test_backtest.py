"""`homeostat backtest|whatif` over the recorded run of the replay tests."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.backtest.recorded import RecordedLogs
from typer.testing import CliRunner

from homeostat.core import Event
from homeostat.events import RetrainProposed
from homeostat_tools.backtest.refolding import Refolding, durations_of, recorded_verdicts
from homeostat_tools.cli.app import app
from homeostat_tools.cli.folds import fold_of


def run(*args: str, code: int = 0) -> Any:
    """Run a command; return what it prints, or its error."""
    result = CliRunner().invoke(app, list(args), obj=RecordedLogs())
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return json.loads(result.stdout) if not code else result.stderr


def under(folder: Path, law: str) -> Any:
    """Compare the record with other rules."""
    (folder / "law.toml").write_text(law)
    return run("backtest", "--rules", str(folder / "law.toml"), "--json")


def retrains() -> list[tuple[str, Event]]:
    """Proposals of retrains, with their ids."""
    folded = Refolding(fold_of("governor"), recorded_verdicts(RecordedLogs())).run(
        RecordedLogs().read(["homeostat.governance"])
    )
    return [(action, event) for action, event in folded.proposals.items() if isinstance(event.data, RetrainProposed)]


def test_without_another_law_nothing_changes() -> None:
    """The installed governor says of the whole record what it said: approvals, freezes, reverts and all."""
    found = run("backtest", "--json")

    assert (found["n"], found["changes"]) == (17, [])


def test_a_longer_cooldown_denies(tmp_path: Path) -> None:
    """With the rule as the reason, what was measured of what would not have been done, and money saved."""
    found = under(tmp_path, '[rules]\ncooldown_ms = 600000\napproval_tiers = ["medium", "high"]\nmax_actions = 1000\n')
    denied = [change for change in found["changes"] if "cooldown" in change["why"]]

    assert len(denied) >= 3
    assert {(change["before"], change["after"]) for change in denied} == {("approved", "denied")}
    assert any(change["payoff"] for change in denied)
    assert found["money"] < 0


def test_more_money_approves_and_cannot_tell_what_it_is_worth(tmp_path: Path) -> None:
    """What was denied for lack of money was never done."""
    found = under(tmp_path, "[budget]\nmoney = 1000\n")
    approved = [change for change in found["changes"] if (change["before"], change["after"]) == ("denied", "approved")]

    assert approved
    assert all("money" in change["why"] and change["payoff"] is None for change in approved)
    assert found["value"]["unsupported"] > 0.05
    assert "never possible" in found["value"]["unknown"]


def test_the_law_holds_from_its_time_on(tmp_path: Path) -> None:
    """Before it, what was recorded stands."""
    (tmp_path / "law.toml").write_text("[rules]\nmax_in_flight = 0\n")

    late = run("backtest", "--rules", str(tmp_path / "law.toml"), "--from", "2023-11-14T22:13:30", "--json")

    times = [change["time"] for change in late["changes"]]
    assert times
    assert min(times) >= 1_700_000_010_000


def test_the_learner_with_its_own_settings_proposes_the_same() -> None:
    """Another exploration draws otherwise, and the propensities say how much of the record speaks for it."""
    same, other = (run("backtest", "--set", f"meta_learner.exploration={value}", "--json") for value in (0.3, 2.0))

    assert (same["n"] > 0, same["changes"], same["value"]["effective"]) == (True, [], same["value"]["n"])
    assert other["value"]["effective"] < other["value"]["n"]
    assert other["value"]["unknown"]


def test_whatif_shows_every_rule_of_both_sides() -> None:
    """The money rule fails no more; the others say the same."""
    recorded = recorded_verdicts(RecordedLogs())
    action = next(action for action, _ in retrains() if "money" in recorded[action].failing)

    found = run("whatif", action, "--set", "budget.money=1000", "--json")

    rules = {rule["rule"]: (rule["recorded"], rule["what_if"]) for rule in found["rules"]}
    assert (found["recorded"], found["what_if"]) == ("denied", "approved")
    assert rules["money"] == ("failed", "passed")
    assert rules["freeze"] == ("passed", "passed")


def test_whatif_of_another_rule_denies() -> None:
    """The limit is the one that was asked about."""
    action = next(
        action for action, event in retrains() if recorded_verdicts(RecordedLogs())[action].word == "approved"
    )

    found = run("whatif", action, "--set", "rules.max_in_flight=0", "--json")

    (concurrency,) = [rule for rule in found["rules"] if rule["rule"] == "concurrency"]
    assert (found["what_if"], concurrency["what_if"], concurrency["limit_then"]) == ("denied", "failed", 0)


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("whatif", "nothing", "--set", "rules.max_in_flight=0"), 3, "no action ends in"),
        (("whatif", "0", "--set", "rules.max_in_flight=0"), 2, "write more of it"),
        (("whatif", "0", "--set", "max_in_flight=0"), 2, "write one of rules.NAME=VALUE"),
        (("backtest", "--set", "meta_learner.nothing=1"), 2, "no such setting"),
        (("backtest", "--set", "rules.cooldown_ms=1"), 2, "write one of meta_learner.NAME=VALUE"),
    ],
)
def test_what_is_wrong_is_one_line(args: tuple[str, ...], code: int, says: str) -> None:
    """It says what to do."""
    assert says in run(*args, code=code)


def test_durations_are_those_of_the_record() -> None:
    """An imagined action lasts as long as others of its kind did."""
    logs = RecordedLogs()

    found = durations_of(logs, recorded_verdicts(logs))

    assert set(found) >= {"retrain", "threshold"}
    assert 0 < found["retrain"] < 60_000
