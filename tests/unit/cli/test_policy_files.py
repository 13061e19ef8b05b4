"""`homeostat apply`: what a file says is in force afterwards, once."""

from pathlib import Path

import pytest
from tests.unit.cli.system import System

from homeostat.events import BudgetSet, RulesSet
from homeostat.events.logs import REQUESTS
from homeostat_tools.cli.in_force import in_force
from homeostat_tools.cli.policy_file import read_law

LAW = """
[rules]
max_actions = 7
currency = "CHF"
[rules.prices.gpu]
per_second = 0.5
spot_per_second = 0.1
[rules.reward_weights]
latency = 2.0
[budget]
money = 50
period = "7d"
[scopes.team]
owner = "ana"
[scopes.team.budget]
money = 5
[roles]
ana = ["approver@team"]
"""


def test_a_law_file_is_applied_once(governed: System, tmp_path: Path) -> None:
    """A dry run changes nothing; applying sends what differs; applying again sends nothing."""
    file = tmp_path / "homeostat.toml"
    file.write_text(LAW)

    planned = governed.json("apply", str(file), "--dry-run")
    assert len(planned) == 5
    assert len(governed.json("apply", str(file))) == 5

    assert governed.json("apply", str(file)) == []
    file.write_text(LAW.replace("max_actions = 7", "max_actions = 8"))
    (change,) = governed.json("apply", str(file), "--dry-run")
    assert change["changed"] == ["- max_actions = 7", "+ max_actions = 8"]
    rules = in_force(governed.logs).rules["*"]
    assert (rules.currency, rules.prices["gpu"].spot_per_second, rules.reward_weights.latency) == ("CHF", 0.1, 2.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[rulez]", "rulez is not known here"),
        ("[rules]\nmax_action = 1", "max_action"),
        ("[scopes.team]\nmoney = 1", "scopes.team.money"),
        ("[budget]\nmoney = -1", "money"),
        ("[rules.prices.gpu]\nper_hour = 1", "per_second"),
        ("[rules.reward_weights]\nbeauty = 1", "beauty"),
        ("[rules]\ncurrency = 'francs'", "currency"),
        ("[budget]\nmoney = 1\nperiod = 'long'", "no length of time"),
        ("[roles]\nana = ['king']", "role"),
        ("x", "not TOML"),
    ],
)
def test_a_law_file_with_a_mistake_is_refused(system: System, tmp_path: Path, text: str, says: str) -> None:
    """Nothing is sent, and the message names the key."""
    file = tmp_path / "homeostat.toml"
    file.write_text(text)

    system("apply", str(file), code=2)

    assert says in system.stderr
    assert not list(system.log.all(REQUESTS))


def test_what_a_file_does_not_name_of_a_scope_stays_for_the_governor_and_for_apply(
    governed: System, tmp_path: Path
) -> None:
    """Owner and settings may come from two files: neither differs from what is in force afterwards."""
    texts = (
        '[scopes.team]\nowner = "ann"\nsettings = {learning = "scheduler"}',
        '[scopes.team]\nsettings = {note = "x"}',
    )
    files = [tmp_path / "one.toml", tmp_path / "two.toml"]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
        assert len(governed.json("apply", str(file))) == 1

    assert [governed.json("apply", str(file), "--dry-run") for file in files] == [[], []]
    scope = in_force(governed.logs).scopes["team"]
    assert (scope.owner, scope.settings) == ("ann", {"learning": "scheduler", "note": "x"})


def test_the_law_file_of_the_documents_is_one(tmp_path: Path) -> None:
    """Prices, weights and budget as they stand there."""
    text = (Path(__file__).parents[3] / "docs" / "costs.md").read_text("utf-8")
    file = tmp_path / "homeostat.toml"
    file.write_text(text.partition("```toml\n")[2].partition("```")[0])

    rules, budget = read_law(file)

    assert isinstance(rules, RulesSet)
    assert rules.prices["gpu-large"].spot_per_second == 0.0003
    assert isinstance(budget, BudgetSet)
