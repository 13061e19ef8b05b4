"""A misspelt variable stops the process, and the message says what was meant."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from homeostat.host.environment import SERVICES, VariableUnknown, check_environment

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "name",
    [
        "HOMEOSTAT_BOOTSTRAP_SERVERS",
        "homeostat_data_dir",
        "HOMEOSTAT_HOST_ADOPT_VERSION",
        "HOMEOSTAT_LOG_LEVEL",
        "HOMEOSTAT_ROLLOUT_ACTUATOR_URL",
        "HOMEOSTAT_THRESHOLD_ACTUATOR_STATE",
        "PATH",
        "HOMEOSTATIC",
    ],
)
def test_what_sets_something_passes(name: str) -> None:
    """Of the host, the logs, a service; and what is not ours."""
    check_environment({name: "x"})


@pytest.mark.parametrize(
    ("name", "closest"),
    [
        ("HOMEOSTAT_BOOTSTRAP_SERVER", "HOMEOSTAT_BOOTSTRAP_SERVERS"),
        ("HOMEOSTAT_METRIC_PORT", "HOMEOSTAT_METRICS_PORT"),
        ("homeostat_log_levels", "HOMEOSTAT_LOG_LEVEL"),
        ("HOMEOSTAT_ROLLOUT_ACTUATOR_URI", "HOMEOSTAT_ROLLOUT_ACTUATOR_URL"),
        ("HOMEOSTAT_RETRAIN_ACTUATR_RECIPES", "HOMEOSTAT_RETRAIN_ACTUATOR_…"),
        ("HOMEOSTAT_", ""),
    ],
)
def test_what_sets_nothing_is_refused(name: str, closest: str) -> None:
    """With the closest name there is."""
    with pytest.raises(VariableUnknown) as unknown:
        check_environment({"HOMEOSTAT_DATA_DIR": "x", name: "x"})

    assert unknown.value.name == name
    assert unknown.value.closest.startswith(closest or "HOMEOSTAT_")


def test_the_services_with_settings_are_those_of_the_code() -> None:
    """By the class that their settings have."""
    found = [
        path.parent.name for path in (ROOT / "services").glob("*/settings.py") if "BaseSettings" in path.read_text()
    ]

    assert sorted(found) == list(SERVICES)


@pytest.mark.parametrize(
    ("argv", "code"), [(["homeostat.host.process", "intake"], 70), (["homeostat.cli", "topics"], 1)]
)
def test_a_process_does_not_start(argv: list[str], code: int) -> None:
    """Hosts halt, commands fail, before anything is connected."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "HOMEOSTAT_BOOTSTRAP": "127.0.0.1:1"}
    run = [sys.executable, "-c", "from homeostat.cli import main; main()", *argv[1:]]
    if argv[0] == "homeostat.host.process":
        run = [sys.executable, "-m", *argv]

    done = subprocess.run(run, capture_output=True, text=True, env=env, timeout=60, check=False)

    assert done.returncode == code
    assert "correct it to HOMEOSTAT_BOOTSTRAP_SERVERS" in done.stdout + done.stderr
