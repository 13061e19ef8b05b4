"""A misspelt variable stops the process, and the message says what was meant."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from homeostat.client import Client
from homeostat.client.memory import MemoryLogs
from homeostat.runtime.environment import (
    VariableInvalid,
    VariableUnknown,
    check_environment,
    settings_of_environment,
)
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.registry import settings_classes
from homeostat.runtime.settings import HostSettings
from homeostat.services.rollout_actuator.settings import RolloutActuatorSettings

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

    prefixes = [prefix for prefix, _ in settings_classes()]
    assert sorted(f"HOMEOSTAT_{name.upper()}_" for name in found) == prefixes
    assert prefixes == [load().model_config["env_prefix"] for _, load in settings_classes()]


@pytest.mark.parametrize(
    ("argv", "code"), [(["homeostat.runtime.process", "intake"], 70), (["homeostat_tools.cli", "topics"], 1)]
)
def test_a_process_does_not_start(argv: list[str], code: int) -> None:
    """Hosts halt, commands fail, before anything is connected."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "HOMEOSTAT_BOOTSTRAP": "127.0.0.1:1"}
    run = [sys.executable, "-c", "from homeostat_tools.cli import main; main()", *argv[1:]]
    if argv[0] == "homeostat.runtime.process":
        run = [sys.executable, "-m", *argv]

    done = subprocess.run(run, capture_output=True, text=True, env=env, timeout=240, check=False)

    assert done.returncode == code
    assert "correct it to HOMEOSTAT_BOOTSTRAP_SERVERS" in done.stdout + done.stderr


def service(name: str, address: str = "10.0.0.11", port: int = 9092, protocol: str = "tcp") -> dict[str, str]:
    """The variables of a Service with one named port, as the kubelet sets them."""
    own, host = name.upper().replace("-", "_"), f"[{address}]" if ":" in address else address
    one = f"{own}_PORT_{port}_{protocol.upper()}"
    return {
        f"{own}_SERVICE_HOST": address,
        f"{own}_SERVICE_PORT": str(port),
        f"{own}_SERVICE_PORT_KAFKA": str(port),
        f"{own}_PORT": f"{protocol}://{host}:{port}",
        one: f"{protocol}://{host}:{port}",
        f"{one}_PROTO": protocol,
        f"{one}_PORT": str(port),
        f"{one}_ADDR": address,
    }


@pytest.mark.parametrize(
    "variables",
    [
        service("homeostat"),
        service("homeostat-metrics", port=9100),
        service("homeostat-redis", "fd00::7", 6379),
        service("homeostat-rollout-actuator", port=8100),
        service("homeostat-syslog", port=514, protocol="udp"),
        {"HOMEOSTAT_PORT": "tcp://10.0.0.11:9092"},
    ],
)
def test_what_kubernetes_sets_for_services_is_no_setting(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    """It is named, for one line of the log, and changes nothing: not for a host, a command, or a client."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert check_environment(os.environ) == tuple(sorted(variables))
    assert settings_of_environment(HostSettings) == HostSettings()
    assert Client(logs=MemoryLogs(MemoryLog())).settings.metrics_port == 0


def test_a_port_of_ones_own_counts_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set in the pod stands before what the kubelet sets for a Service."""
    for name, value in (service("homeostat-metrics") | {"HOMEOSTAT_METRICS_PORT": "9100"}).items():
        monkeypatch.setenv(name, value)

    assert "HOMEOSTAT_METRICS_PORT" not in check_environment(os.environ)
    assert settings_of_environment(HostSettings).metrics_port == 9100


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOMEOSTAT_PORT", "9101"),
        ("HOMEOSTAT_PORT", "tcp://somewhere:9101"),
        ("HOMEOSTAT_METRIC_PORT", "9101"),
        ("HOMEOSTAT_SERVICE_HOST", "kafka"),
        ("HOMEOSTAT_SERVICE_PORT", "all"),
        ("HOMEOSTAT_PORTS", "tcp://10.0.0.11:9101"),
        ("homeostat_port", "tcp://10.0.0.11:9101"),
    ],
)
def test_what_kubernetes_would_not_set_is_still_a_mistake(name: str, value: str) -> None:
    """By its name, or by its value."""
    with pytest.raises(VariableUnknown):
        check_environment({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOMEOSTAT_METRICS_PORT", "http"),
        ("HOMEOSTAT_METRICS_PORT", "99999"),
        ("HOMEOSTAT_HOST_ADOPT_VERSION", "perhaps"),
        ("HOMEOSTAT_SNAPSHOT_INTERVAL_SECONDS", "0"),
    ],
)
def test_a_value_that_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """With the variable, and no traceback of a library."""
    monkeypatch.setenv(name, value)

    with pytest.raises(VariableInvalid, match=f"^{name}: .*; correct it, or unset it$"):
        settings_of_environment(HostSettings)


def test_a_value_of_a_service_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same words."""
    monkeypatch.setenv("HOMEOSTAT_ROLLOUT_ACTUATOR_TIMEOUT_SECONDS", "soon")

    with pytest.raises(VariableInvalid, match=r"^HOMEOSTAT_ROLLOUT_ACTUATOR_TIMEOUT_SECONDS: "):
        settings_of_environment(RolloutActuatorSettings)


def test_a_command_goes_on_in_a_pod() -> None:
    """What it ignores is one line on stderr; stdout has the data alone."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)} | service("homeostat") | service("homeostat-metrics")
    run = [sys.executable, "-c", "from homeostat_tools.cli import main; main()", "topics", "--types", "--json"]

    done = subprocess.run(run, capture_output=True, text=True, env=env, timeout=240, check=False)

    assert done.returncode == 0, done.stderr
    assert "HOMEOSTAT_METRICS_PORT" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout.startswith("{")
