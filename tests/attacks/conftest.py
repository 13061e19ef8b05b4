"""Systems in memory that are attacked."""

from pathlib import Path

import pytest
from tests.support.proving import ProvenSystem


@pytest.fixture
def proven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProvenSystem:
    """Intake, governor, notary and auditor in memory; one model, one approved action, all of it digested and signed."""
    monkeypatch.setenv("HOMEOSTAT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("homeostat_tools.cli.answers._SETTLE_SECONDS", 0.0)
    system = ProvenSystem(tmp_path)
    system.govern()
    system.propose()
    system.prove()
    return system
