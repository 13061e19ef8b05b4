"""docker-compose.yml is the code: its commands, ports and variables name what there is."""

import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest
import typer
import yaml
from pydantic_settings import BaseSettings

from homeostat.audit.roles import NOTARY, OPERATOR, OPERATOR_ROLES
from homeostat.runtime import registry
from homeostat.runtime.environment import variables_of
from homeostat.runtime.settings import HostSettings
from homeostat_tools.cli.app import app
from homeostat_tools.local_stack.jars import read_lock
from homeostat_tools.local_stack.local import DEFAULT_PARTITIONS
from homeostat_tools.local_stack.properties import server_properties
from homeostat_tools.local_stack.services import packs

ROOT: Final = Path(__file__).parents[2]


SETTINGS: Final[tuple[type[BaseSettings], ...]] = (HostSettings, *(load() for _, load in registry.settings_classes()))


SERVICES: Final = tuple(registry.services())


SERVICE_ROLES: Final = registry.signer_roles()


CONTAINERS: Final[dict[str, dict[str, Any]]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))[
    "services"
]


OURS: Final = {name: spec for name, spec in CONTAINERS.items() if spec["image"].startswith("homeostat:")}


HOSTS: Final = {service: CONTAINERS[service.replace("_", "-")] for service in SERVICES}


def check_command(line: list[str]) -> None:
    """Parse a `homeostat …` command line as the command itself does, and stop there; raises if it would not run."""
    command: Any = typer.main.get_command(app)
    rest = line[1:]
    while rest and hasattr(command, "get_command"):
        context = command.make_context("homeostat", [], resilient_parsing=True)
        found = command.get_command(context, rest[0])
        assert found is not None, f"no command {rest[0]!r} in {line}"
        command, rest = found, rest[1:]
    command.make_context(line[0], list(rest))


def known_variables() -> set[str]:
    """Names of the variables that the settings classes read."""
    return {name for settings in SETTINGS for name in variables_of(settings)}


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_is_a_container_of_the_one_image(service: str) -> None:
    """Its command runs its package; it restarts, waits for topics and keys, and is asked whether it is ready."""
    spec = HOSTS[service]

    assert spec["command"] == ["python", "-m", f"homeostat.services.{service}"]
    assert find_spec(f"homeostat.services.{service}.__main__") is not None
    assert spec["restart"] == "unless-stopped"
    assert set(spec["depends_on"]) == {"kafka", "keys", "topics"}
    assert spec["environment"]["HOMEOSTAT_METRICS_PORT"] == "9100"
    assert "127.0.0.1:9100/readyz" in spec["healthcheck"]["test"][-1]


def test_every_door_is_guarded_by_one_container_and_that_of_people_by_itself() -> None:
    """The instances of intake are those of the stack; the operator waits for the one that lets keys in."""
    doors = {pack.name: ",".join(pack.doors) for pack in packs(is_packed=False) if pack.doors}
    guards = {
        name: spec for name, spec in OURS.items() if spec["command"] == ["python", "-m", "homeostat.services.intake"]
    }

    assert {name: spec["environment"]["HOMEOSTAT_INTAKE_DOORS"] for name, spec in guards.items()} == doors
    assert set(CONTAINERS["operator"]["depends_on"]) == {"intake-requests", "governor"}


def test_the_auditor_keeps_its_checkpoint_where_nothing_else_writes() -> None:
    """In a volume of its own."""
    mounts = {name: [v.split(":")[0] for v in spec.get("volumes", [])] for name, spec in CONTAINERS.items()}
    kept = CONTAINERS["auditor"]["environment"]["HOMEOSTAT_AUDITOR_CHECKPOINT"]

    assert [name for name, volumes in mounts.items() if "checkpoint" in volumes] == ["auditor"]
    assert kept.startswith("/checkpoint/")
    assert "/checkpoint" in (ROOT / "deploy" / "Dockerfile").read_text("utf-8")


def test_the_model_server_is_started_with_options_it_has() -> None:
    """And the hand is told where it is."""
    command = CONTAINERS["model-server"]["command"]
    usage = subprocess.run(
        [sys.executable, "-m", command[2], "--help"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "shared")},
    ).stdout

    assert [part for part in command if part.startswith("--") and part not in usage] == []
    url = HOSTS["rollout_actuator"]["environment"]["HOMEOSTAT_ROLLOUT_ACTUATOR_URL"]
    assert url == f"http://model-server:{command[command.index('--port') + 1]}"


def test_the_http_door_asks_for_a_token_and_drains() -> None:
    """It is bound to all interfaces of its container; Kafka's time to acknowledge fits into the time to stop."""
    door = CONTAINERS["http-door"]

    assert door["command"] == ["python", "-m", "homeostat.services.http_door"]
    assert door["environment"]["HOMEOSTAT_HTTP_DOOR_TOKEN_FILE"].startswith("/token/")
    assert door["ports"] == ["127.0.0.1:8090:8090"]
    assert int(door["stop_grace_period"].removesuffix("s")) > 20


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_known_and_its_value_accepted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt variable is silently the default."""
    given = {key: value for key, value in OURS[name].get("environment", {}).items() if key.startswith("HOMEOSTAT_")}

    assert set(given) <= known_variables()
    for key, value in given.items():
        monkeypatch.setenv(key, value)
    for settings in SETTINGS:
        settings()


def test_prometheus_can_reach_the_metrics_of_the_services() -> None:
    """Another container is another machine."""
    assert all(spec["environment"].get("HOMEOSTAT_METRICS_ADDRESS") == "0.0.0.0" for spec in HOSTS.values())


def shell(name: str) -> str:
    """The script of a container, as compose passes it on."""
    script: str = CONTAINERS[name]["command"][-1]
    return script.replace("$$", "$")


def homeostat_lines(script: str) -> list[list[str]]:
    """The `homeostat …` command lines of a script."""
    return [shlex.split(line) for line in re.findall(r"homeostat [^|>;\n]+", script)]


def test_what_runs_once_is_what_the_command_line_has() -> None:
    """Topics with the usual partitions; keys without a network; the operator's key where no service can read it."""
    once = {name: spec for name, spec in OURS.items() if spec["restart"] == "no"}
    for line in (*homeostat_lines(shell("keys")), *homeostat_lines(shell("operator")), once["topics"]["command"]):
        check_command(line)

    assert once["topics"]["command"][-1] == str(DEFAULT_PARTITIONS)
    assert once["keys"]["network_mode"] == "none"
    assert [name for name, spec in OURS.items() if "operator:/operator" in spec.get("volumes", [])] == [
        "keys",
        "operator",
    ]


def test_the_operator_signs_for_the_keys_of_the_services() -> None:
    """As the root of the keyring, with the roles that `homeostat up` gives; it reads public halves only."""
    root, services = homeostat_lines(shell("operator"))

    assert [root[at + 1] for at, part in enumerate(root) if part == "--role"] == list(OPERATOR_ROLES)
    assert (root[:3], root[-1]) == (["homeostat", "keys", "register"], OPERATOR)
    assert services[:3] == ["homeostat", "keys", "services"]
    assert "--no-create" in services
    assert services[services.index("--by") + 1] == OPERATOR


def test_keys_are_made_once(tmp_path: Path) -> None:
    """A folder for each who signs, with all public halves; the same again, on the next `up`, changes nothing."""
    script = re.sub(r"(?<= )/(?!dev)", f"{tmp_path}/", shell("keys"))
    for mount in CONTAINERS["keys"]["volumes"]:  # as the image has them
        (tmp_path / mount.partition(":/")[2]).mkdir(parents=True)
    env = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "shared"),
        "HOMEOSTAT_BOOTSTRAP_SERVERS": "127.0.0.1:1",  # a container without a network reaches nobody
    }

    def keys() -> dict[str, str]:
        subprocess.run(["sh", "-ec", script], check=True, capture_output=True, cwd=tmp_path, env=env)
        return {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*.*")}

    first, second = keys(), keys()

    private = [*(f"private/{name}/keys/{name}.pem" for name in SERVICE_ROLES), "operator/keys/operator.pem"]
    public = {f"{name}.pub" for name in SERVICE_ROLES}
    assert {name for name in first if name.endswith(".pem")} == set(private)
    for folder in ("public-keys", "operator/keys", *(f"private/{name}/keys" for name in SERVICE_ROLES)):
        assert {Path(name).name for name in first if Path(name).parent == Path(folder)} >= public
    assert "snapshots-key/snapshots.key" in first
    assert first == second


def mounts(target: str) -> dict[str, list[str]]:
    """What each container of ours has at a path: volumes, with `:ro` where it cannot write."""
    found = {name: [volume.split(":") for volume in spec.get("volumes", [])] for name, spec in OURS.items()}
    return {name: [":".join((v[0], *v[2:])) for v in some if v[1] == target] for name, some in found.items()}


def test_each_who_signs_has_its_own_private_key_and_no_other() -> None:
    """The notary's: governor and auditor. A hand: its own. All others: public halves. Only `keys` changes any."""
    keys = mounts("/data/keys")
    signers = dict.fromkeys(("governor", "auditor"), "notary")
    signers |= {hand: f"{hand.replace('_', '-')}-key" for hand in SERVICE_ROLES if hand != NOTARY}

    assert set(signers) <= set(SERVICES)
    assert {service: keys[service.replace("_", "-")] for service in SERVICES} == {
        service: [f"{signers.get(service, 'public-keys')}:ro"] for service in SERVICES
    }
    makes = {volume.split(":")[1]: volume.split(":")[0] for volume in CONTAINERS["keys"]["volumes"]}
    for name in SERVICE_ROLES:
        volume = makes[f"/private/{name}/keys"]
        users = [other for other, spec in OURS.items() if f"{volume}:" in " ".join(spec.get("volumes", []))]
        own = ["governor", "auditor"] if name == NOTARY else [name.replace("_", "-")]
        assert users == ["keys", *own]


def test_who_folds_and_nobody_else_has_the_key_of_the_snapshots() -> None:
    """And is told where it is: without it states are stored unsealed, and anybody's are believed."""
    held = {name for name, some in mounts("/snapshots-key").items() if some == ["snapshots-key:ro"]}
    told = {name for name, spec in OURS.items() if "HOMEOSTAT_SNAPSHOTS_KEY" in spec.get("environment", {})}
    folds = {fold.partition(".")[0].replace("_", "-") for fold in registry.folds()} | {"intake-requests"}

    assert held == told == folds


def test_the_image_has_a_folder_for_every_volume_of_ours() -> None:
    """A new volume takes its owner from there; else it is root's, and nobody special cannot write."""
    line = next(line for line in (ROOT / "deploy" / "Dockerfile").read_text("utf-8").split("RUN ") if "mkdir" in line)
    made = set(re.findall(r"/[\w/-]+", line.partition("mkdir -p")[2].partition("&&")[0]))
    made |= {str(parent) for path in made for parent in Path(path).parents}

    assert {volume.split(":")[1] for spec in OURS.values() for volume in spec.get("volumes", [])} <= made


def test_the_broker_is_the_embedded_one() -> None:
    """The same version; every setting the same but addresses and folders."""
    own = {"log.dirs", "listeners", "advertised.listeners", "controller.quorum.bootstrap.servers"}
    given = CONTAINERS["kafka"]["environment"]
    lines = server_properties("/var/lib/kafka/data", 9092, 9093).splitlines()
    wanted = dict(line.split("=", 1) for line in lines)

    differing = {
        name
        for name, value in wanted.items()
        if name not in own and given.get("KAFKA_" + name.upper().replace(".", "_")) != value
    }

    assert differing == {"listener.security.protocol.map"}  # one listener more, for this machine
    assert CONTAINERS["kafka"]["image"].split(":")[1] == next(j.version for j in read_lock() if "kafka_" in j.artifact)


def test_nothing_is_published_beyond_this_machine_and_all_state_is_in_volumes() -> None:
    """None of it asks for a password."""
    ports = [port for spec in CONTAINERS.values() for port in spec.get("ports", [])]

    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
    assert all(spec.get("healthcheck") for spec in CONTAINERS.values())
    assert all(CONTAINERS[name]["volumes"] for name in ("kafka", "redis", "prometheus", "grafana", "model-server"))
