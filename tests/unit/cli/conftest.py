"""The command line over a system in memory."""

from pathlib import Path

import pytest
from tests.unit.cli.system import System


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    """Intake and governor in memory, an empty data folder."""
    monkeypatch.setenv("HOMEOSTAT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    return System(tmp_path)


@pytest.fixture
def governed(system: System) -> System:
    """The same with a registered model and an admin's key."""
    system("keys", "create", "operator")
    system.register()
    return system
