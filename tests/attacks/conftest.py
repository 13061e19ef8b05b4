"""Systems in memory that are attacked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.attacks.model_server import Ground
from tests.support.proving import ProvenSystem, proven_system

from homeostat.serving import bounds


@pytest.fixture
def proven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProvenSystem:
    """Intake, governor, notary and auditor in memory; one model, one approved action, all of it digested and signed."""
    return proven_system(tmp_path, monkeypatch)


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    monkeypatch.setattr(bounds, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(bounds, "BODY_SECONDS", 0.3)
    monkeypatch.setattr(bounds, "MAX_CONNECTIONS", 8)
    one = Ground(tmp_path)
    yield one
    one.stop()
