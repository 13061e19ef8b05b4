"""`homeostat new model`: what is written runs as it is, is clean, is applied, and overwrites nothing."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.unit.cli.system import System

from homeostat.artifacts import FolderStore
from homeostat.client import Client
from homeostat.client.memory import MemoryLogs
from homeostat.events import FamilyRegistered
from homeostat.events.logs import EXPERIENCE, TELEMETRY
from homeostat.recipe import Job, JobArm, Line
from homeostat.recipe_file import read_recipes
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.settings import HostSettings
from homeostat.serving import Deployment, Served
from homeostat_tools.cli.rendering import attributes, event_of
from homeostat_tools.local_stack.ports import pick_port

LIKES, KINDS = ("sklearn", "xgboost", "torch", "http"), ("classifier", "regressor")
MODULES = ("recipe", "toy", "serve", "elsewhere")
WIDTH = 3


def new(system: System, folder: Path, like: str = "sklearn", kind: str = "classifier") -> Path:
    """Write a model."""
    arguments = ("--like", like, "--kind", kind, "--features", "price,stock,age", "--into", str(folder))
    system("new", "model", "shop/ranker", *arguments)
    return folder


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path, str], ModuleType]]:
    """Import what was written, as a program there would."""

    def found(folder: Path, name: str) -> ModuleType:
        monkeypatch.syspath_prepend(str(folder))
        return importlib.import_module(name)

    yield found
    for name in MODULES:
        sys.modules.pop(name, None)


def trained(folder: Path, x: Any, y: Any) -> list[Line]:
    """What the recipe says to a job of two arms, in a process of its own."""
    (folder / "out").mkdir()
    np.savez(folder / "data.npz", x=x.astype(np.float32), y=y)
    arms = (JobArm("last_200", {"rows": 200}, None), JobArm("all_rows", {"rows": 0}, None))
    job = Job(arms, str(folder / "data.npz"), None, str(folder / "out"), 2**62 + 7)
    (folder / "job.json").write_bytes(msgspec.json.encode(job))
    command = [sys.executable, str(folder / "recipe.py"), str(folder / "job.json")]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}  # as the retrain actuator starts it
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    return [msgspec.json.decode(line, type=Line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("like", LIKES)
def test_what_is_written_runs_as_it_is(
    system: System,
    modules: Callable[[Path, str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    like: str,
    kind: str,
) -> None:
    """The server serves its toy data; its recipe makes a version for the drifted ones, which errs less when served."""
    folder, log = new(system, tmp_path / "model", like, kind), MemoryLog(partitions=1)
    monkeypatch.setenv("MODEL_URL", f"http://127.0.0.1:{pick_port(())}")
    monkeypatch.setenv("HOMEOSTAT_ROLLOUT_ACTUATOR_URL", f"http://127.0.0.1:{pick_port(())}")
    monkeypatch.setattr(sys, "argv", ["serve.py", "--batches", "5", "--seconds", "0"])
    serve, recipe, toy = (modules(folder, name) for name in ("serve", "recipe", "toy"))
    settings = HostSettings(data_dir=tmp_path / "data")
    monkeypatch.setattr(serve, "Client", lambda source: Client(source=source, settings=settings, logs=MemoryLogs(log)))
    if like == "http":
        modules(folder, "elsewhere").start(recipe.URL)

    serve.main()
    x, y = toy.rows(toy.DRIFTS_AT, WIDTH, n=300)
    lines = trained(folder, x, y)

    types = {attributes(record).type for record in log.all(TELEMETRY)}
    assert types == {"homeostat.samples.observed.v1", "homeostat.labels.observed.v1"}
    assert [(line.arm, line.error) for line in lines] == [("last_200", ""), ("all_rows", "")]
    store = FolderStore(tmp_path / "artifacts")
    digest = store.put((folder / "out" / lines[1].path).read_bytes())
    client = Client(source="/shop", logs=MemoryLogs(MemoryLog(partitions=1)))
    first = recipe.load(serve.first_version(WIDTH))
    served = Served("shop/ranker", "v1", first, load=recipe.load, client=client, store=store)
    x, y = toy.rows(toy.DRIFTS_AT + 1, WIDTH, n=200)
    before = np.abs(served(x).prediction - y).mean()
    served.apply(Deployment("/governor", "1.0", "v2", artifacts={"v2": digest}))
    after = np.abs(served(x).prediction - y).mean()
    served.close()
    assert after < before / 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("like", LIKES)
def test_what_is_written_is_clean(system: System, tmp_path: Path, like: str, kind: str) -> None:
    """As ruff has it, formatted, without a mark of the templates; the README has ten lines."""
    folder = new(system, tmp_path / "model", like, kind)
    rules = ("--isolated", "--no-cache", "--line-length", "120")
    for command in (
        ("check", "--select", "E,F,I,B,UP,N,D101,D102,D103,SIM,RET", *rules),
        ("format", "--check", *rules),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "."], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout

    texts = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    assert [name for name, text in texts.items() if "#: " in text or "@shop" in text or "@MODEL" in text] == []
    assert texts["README.md"].count("\n") <= 10
    assert "TOY" in texts["serve.py"]


def test_what_is_written_is_applied_once(governed: System, tmp_path: Path) -> None:
    """Family, model, recipe, owner; a change of one is told, and nothing a second time."""
    file = new(governed, tmp_path / "model") / "homeostat.toml"

    applied = governed.json("apply", str(file))
    assert [change["type"].partition(".")[0] for change in applied] == ["recipes", *["homeostat"] * 3]
    assert governed.json("apply", str(file)) == []
    line = read_recipes(tmp_path)["ranker"]
    assert line == (sys.executable, str(file.parent / "recipe.py"), "{job}")
    families = [event_of(record).data for record in governed.log.all(EXPERIENCE)]
    (family,) = [data for data in families if isinstance(data, FamilyRegistered)]
    assert (family.recipe, [arm.name for arm in family.arms]) == ("ranker", ["last_200", "all_rows"])

    file.write_text(file.read_text("utf-8").replace("wait_labels = 80 ", "wait_labels = 90 "))
    (change,) = governed.json("apply", str(file))
    assert change["changed"] == ["- wait_labels = 80", "+ wait_labels = 90"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[families."t/f"]\nbaseline = "a"', "arms"),
        ('[contracts."t/m"]\nfamily = "f"\nchampion = "v1"\nfeature = []', "feature"),
        ('[recipes]\nr = "python recipe.py"', "list of words"),
        ('[recipes]\nr = ["python", "recipe.py"]', "{job}"),
    ],
)
def test_a_registration_with_a_mistake_is_refused(governed: System, tmp_path: Path, text: str, says: str) -> None:
    """Nothing is published, and nothing kept."""
    file = tmp_path / "homeostat.toml"
    file.write_text(text)

    governed("apply", str(file), code=2)

    assert says in governed.stderr
    assert read_recipes(tmp_path) == {}


def test_nothing_is_overwritten_unasked(system: System, tmp_path: Path) -> None:
    """One file that is there is enough, and nothing beside it is written; force does it."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "recipe.py").write_text("mine")

    system("new", "model", "shop/ranker", "--into", str(folder), code=1)
    assert "recipe.py already" in system.stderr
    assert [path.name for path in folder.iterdir()] == ["recipe.py"]

    system("new", "model", "shop/ranker", "--into", str(folder), "--force")
    assert (folder / "recipe.py").read_text("utf-8") != "mine"


@pytest.mark.parametrize("features", ["", "a,a", "a b", "ä"])
def test_features_are_names(system: System, tmp_path: Path, features: str) -> None:
    """Each once."""
    system("new", "model", "shop/ranker", "--features", features, "--into", str(tmp_path / "model"), code=2)

    assert not (tmp_path / "model").exists()
