"""What is in force is what the governor's own state says, from its first record or from a snapshot."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.system import System

from homeostat.events import RulesSet
from homeostat.events.logs import GOVERNANCE
from homeostat.events.policy_state import PolicyState
from homeostat.runtime.replay import replay_states
from homeostat_tools.cli import in_force as module
from homeostat_tools.cli.in_force import in_force


def said(system: System, tmp_path: Path) -> PolicyState:
    """Rules, a budget, a freeze, a role; and rules that nobody signed."""
    file = tmp_path / "homeostat.toml"
    file.write_text('[rules]\nmax_actions = 7\n[scopes.team.budget]\nmoney = 5.0\n[roles]\nana = ["approver@team"]')
    system("apply", str(file))
    system("freeze", "team/m")
    system.log.publish(GOVERNANCE, "*", RulesSet(scope="*", max_actions=1_000), id_="1", source="/stranger")
    system.logs.flush()
    return in_force(system.logs)


def test_what_nobody_signed_is_not_in_force(governed: System, tmp_path: Path) -> None:
    """As for the governor, who refused it."""
    state = said(governed, tmp_path)

    assert state.rules["*"].max_actions == 7
    assert {scope: budget.money for scope, budget in state.budgets.items()} == {"team": 5.0}
    assert (list(state.freezes), state.freeze_of("team/m"), state.freeze_of("team/n")) == (["team/m"], "team/m", None)
    assert state.roles["ana"] == {"approver@team"}
    assert (state.models["team/m"].tier, "operator" in state.keys.values()) == ("low", True)


def test_it_is_begun_from_a_snapshot_of_the_same_version(
    governed: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state is that of a replay from the first record; of another version no snapshot is read."""
    whole = said(governed, tmp_path)
    (assignment,) = next(host for host in governed.logs.loop.hosts if host.fold.name == "governor").assignments
    assignment.snapshot()
    governed("unfreeze", "team/m")
    begun: list[bool] = []

    def replay(*given: Any) -> dict[str, Any]:
        begun.append(given[3] is not None)
        return replay_states(*given)

    monkeypatch.setattr(module, "replay_states", replay)

    after = in_force(governed.logs)
    monkeypatch.setattr(module, "version_of", lambda fold: "another")

    assert in_force(governed.logs) == after
    assert (after.rules, after.roles, after.freezes) == (whole.rules, whole.roles, {})
    assert begun == [True, False]
