"""The command line over a system in memory."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer.main
from tests.unit.cli.system import System


@pytest.fixture(scope="session", autouse=True)
def _one_tree_of_commands() -> Iterator[None]:
    """Typer's runner makes all commands anew for each one that it runs, which is most of what these tests cost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", cache(typer.main.get_command))
        yield


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    """Intake and governor in memory, an empty data folder."""
    monkeypatch.setenv("HOMEOSTAT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("homeostat_tools.cli.responses._SETTLE_SECONDS", 0.0)  # in memory nothing is ever on its way
    return System(tmp_path)


@pytest.fixture
def governed(system: System) -> System:
    """The same with a registered model and an admin's key."""
    system("keys", "create", "operator")
    system.register()
    return system
