"""The law file of the documentation is one: it names every rule there is, and says the defaults."""

import re
import tomllib
from pathlib import Path

from homeostat.events import FamilyRules, RulesSet, ScopeConfigured
from homeostat_tools.cli.policy_file import read_law

DOCUMENT = (Path(__file__).parents[3] / "docs" / "rules.md").read_text("utf-8")
LAW = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)[0]
OF_MONEY = {"price_per_training_second", "prices", "currency", "reward_weights"}
OF_EVERY_REQUEST = {"provenance", "scope", "valid_until"}


def test_the_law_file_of_the_documentation_is_read(tmp_path: Path) -> None:
    """With what a family has otherwise, and the setting of a scope."""
    path = tmp_path / "homeostat.toml"
    path.write_text(LAW)

    rules, scope = read_law(path)

    assert isinstance(rules, RulesSet)
    assert rules.model_copy(update={"families": {}}) == RulesSet()
    assert rules.of_family("shop/vision").arm_timeout_seconds == 28_800
    assert isinstance(scope, ScopeConfigured)
    assert scope.settings == {"signed_deployments": True, "signed_costs": True}


def test_every_rule_is_documented() -> None:
    """Those of money are in docs/costs.md."""
    named = set(tomllib.loads(LAW)["rules"]) | set(re.findall(r"^# (\w+) =", LAW, re.MULTILINE))

    assert named == set(RulesSet.model_fields) - OF_EVERY_REQUEST - OF_MONEY
    assert set(FamilyRules.model_fields) <= named
