"""`homeostat check` as it is typed: its exit code, its lines, and that looking changes nothing."""

from pathlib import Path

import pytest
from tests.unit.cli.system import System

from homeostat.recipe_file import RECIPES_FILE
from homeostat_tools.cli.model_checks import registry, stream
from homeostat_tools.cli.model_checks.looking import Model
from homeostat_tools.local_stack.ports import pick_port


def test_what_is_missing_has_a_line_with_what_mends_it(governed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1; in JSON one object a line."""
    monkeypatch.setenv("HOMEOSTAT_ROLLOUT_ACTUATOR_URL", f"http://127.0.0.1:{pick_port(())}")

    found = {line["check"]: line for line in governed.json("check", "team/m", code=1)}

    assert found["registered"]["ok"]
    assert not found["family"]["ok"]
    assert "family.registered team/f" in found["family"]["mend"]
    assert "nobody answers" in found["server"]["detail"]
    text = governed("check", "team/m", code=1)
    assert "FAIL family: " in text
    assert "mend: " in text


def test_a_model_that_is_not_there_is_a_finding(system: System) -> None:
    """No traceback, no other exit code."""
    assert "FAIL registered: nobody has registered team/m" in system("check", "team/m", code=1)


def test_what_cannot_be_looked_at_loses_no_other(governed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a finding itself."""

    def broken(_: Model) -> None:
        raise OSError("no")

    monkeypatch.setattr(registry, "FINDERS", (broken, stream.rows))

    found = governed.json("check", "team/m", code=1)

    assert [line["check"] for line in found] == ["broken", "rows"]


def test_recipes_that_anybody_could_have_named_are_not_run(governed: System, tmp_path: Path) -> None:
    """The file may be written by others."""
    governed("publish", "family.registered", "team/f", '{"arms": [{"name": "a"}], "baseline": "a"}')
    (tmp_path / RECIPES_FILE).write_text("{}")
    (tmp_path / RECIPES_FILE).chmod(0o666)

    found = {line["check"]: line for line in governed.json("check", "team/m", code=1)}

    assert "others may write" in found["recipe"]["detail"]
