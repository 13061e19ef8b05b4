"""The image: what it installs exists, and its steps work."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest
import yaml

from homeostat.runtime import registry

SERVICES: Final = tuple(registry.services())
ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"


def dockerfile() -> list[str]:
    """Its instructions, continued lines joined, without comments."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def install_steps(prefix: Path) -> list[list[str]]:
    """The RUN lines that make the environment, with arguments put in, for another folder."""
    args = dict(re.findall(r'^ARG (\w+)="?([^"\n]*)"?$', "\n".join(dockerfile()), re.MULTILINE))
    lines = [line.removeprefix("RUN ") for line in dockerfile() if line.startswith("RUN") and "/opt/homeostat" in line]
    filled = [re.sub(r"\$\{(\w+)\}", lambda match: args[match[1]], line) for line in lines]
    return [shlex.split(line.replace("/opt/homeostat", str(prefix))) for line in filled]


def copied() -> set[str]:
    """What the build takes from the repository."""
    lines = [line.split() for line in dockerfile() if line.startswith("COPY") and "--from" not in line]
    return {name for line in lines for name in line[1:-1]}


def test_the_image_installs_extras_that_exist_for_every_service() -> None:
    """Under the constraints, from files that are there and not ignored."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()

    _, install, _ = install_steps(Path("/opt/homeostat"))

    named = set(re.findall(r"[\w-]+", install[-1]))
    assert named <= set(extras)
    assert {service.replace("_", "-") for service in SERVICES} <= named
    assert install[install.index("-c") + 1] in copied()
    assert all((ROOT / name).exists() and f"!{name}" in ignored for name in copied())


def test_the_image_runs_as_nobody_special_and_knows_its_health() -> None:
    """As compose does."""
    lines = dockerfile()
    intake = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]["intake"]
    health = next(line for line in lines if line.startswith("HEALTHCHECK"))

    assert "USER homeostat" in lines
    assert json.loads(health.partition("CMD ")[2]) == intake["healthcheck"]["test"][1:]


def test_the_command_line_is_in_the_image_of_what_needs_it_and_in_no_other() -> None:
    """Compose runs `homeostat …` in `homeostat:tools`, built to the stage of that name; services in the last."""
    stages = re.findall(r"^FROM \S+ AS (\S+)$", "\n".join(dockerfile()), re.MULTILINE)
    ours = {
        name: spec
        for name, spec in yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"].items()
        if spec["image"].startswith("homeostat:")
    }
    with_tools = {name for name, spec in ours.items() if "homeostat " in " ".join(spec["command"])}

    assert stages[-1] == "services"
    assert {name for name, spec in ours.items() if spec["image"] == "homeostat:tools"} == with_tools
    assert {name for name, spec in ours.items() if spec["build"].get("target") == "tools"} == with_tools
    assert with_tools == {"keys", "topics", "operator"}


@pytest.mark.soak
def test_the_install_steps_of_the_image_work(tmp_path: Path) -> None:
    """Dependencies resolve under the constraints; the package itself is installed from what is copied, and complete."""
    source, prefix = tmp_path / "src", tmp_path / "venv"
    source.mkdir()
    for name in copied():
        found = ROOT / name
        if found.is_dir():
            shutil.copytree(found, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(found, source / name)
    make, install, with_tools = install_steps(prefix)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    subprocess.run([sys.executable, *make[1:]], check=True, env=env)
    subprocess.run([*install, "--dry-run", "--quiet"], check=True, cwd=source, env=env)
    subprocess.run([*install, "--no-deps", "--quiet"], check=True, cwd=source, env=env)

    def lacks(*names: str) -> list[str]:
        ask = f"import importlib.util as u; print(*[n for n in {names} if u.find_spec(n) is None])"
        run = [str(prefix / "bin" / "python"), "-c", ask]
        answer: str = subprocess.run(run, check=True, capture_output=True, text=True, env=env).stdout
        return answer.split()

    assert lacks(*(f"homeostat.services.{name}" for name in SERVICES)) == []
    assert lacks("homeostat_tools", "homeostat_lab") == ["homeostat_tools", "homeostat_lab"]
    subprocess.run([*with_tools, "--no-deps", "--quiet"], check=True, cwd=source, env=env)
    assert lacks("homeostat_tools", "homeostat_lab") == ["homeostat_lab"]
    assert (prefix / "bin" / "homeostat").exists()
