"""A target over a file of its own."""

from pathlib import Path

import pytest

from homeostat.services.threshold_actuator.targets.prometheus import PrometheusThresholds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "thresholds.json"


@pytest.fixture
def target(path: Path) -> PrometheusThresholds:
    return PrometheusThresholds(path)
