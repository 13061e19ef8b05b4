"""What a recipe is: a digest of its code wherever it lies, and what it runs on."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from homeostat.recipe import Line
from homeostat.services.retrain_actuator.code import digest_of, environment
from homeostat.services.retrain_actuator.targets.base import RecipeUnknown
from homeostat.services.retrain_actuator.targets.inline import InlineLauncher
from homeostat.services.retrain_actuator.targets.subprocess import SubprocessLauncher


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A package of recipes that must not be imported, on the path of modules."""

    def make(folder: str, **modules: str) -> Path:
        found = tmp_path / folder / "our_recipes"
        (found / "deep").mkdir(parents=True)
        for name, text in {"__init__": "", "train": "", **modules}.items():
            (found / f"{name}.py").write_text(f"raise AssertionError('imported')\n{text}")
        monkeypatch.setattr(sys, "path", [str(tmp_path / folder), *sys.path[-20:]])
        return found

    return make


def test_the_code_of_a_script_is_what_it_says_not_where_it_lies(tmp_path: Path) -> None:
    """Files beside it count, with their names; data, and the interpreter, do not."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "train.py").write_text("print()")

    def digest(folder: str, *options: str, python: str = sys.executable) -> str:
        return digest_of((python, str(tmp_path / folder / "train.py"), *options, "{job}"))

    first = digest("one")
    assert first == digest("two") == digest("two", python="python3")
    (tmp_path / "two" / "data.csv").write_text("1")
    assert digest("two") == first
    assert digest("one", "--fast") != first
    (tmp_path / "two" / "helper.py").write_text("x = 1")
    helped = digest("two")
    (tmp_path / "two" / "helper.py").write_text("x = 2")
    assert len({first, helped, digest("two")}) == 3


def test_the_code_of_a_module_is_its_package(package: Callable[..., Path]) -> None:
    """Found as `python -m` finds it, and not imported."""
    command = ("python", "-m", "our_recipes.train", "{job}")
    found = package("one")
    first = digest_of(command)
    (found / "deep" / "layer.py").write_text("x = 1")
    second = digest_of(command)
    package("two")

    assert digest_of(command) == first
    assert second != first
    assert "our_recipes" not in sys.modules


def test_a_module_of_its_own_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies beside it is no part of it: it may be all that is installed."""
    (tmp_path / "lone_recipe.py").write_text("x = 1")
    monkeypatch.syspath_prepend(str(tmp_path))
    command = ("python", "-m", "lone_recipe")

    first = digest_of(command)
    (tmp_path / "other.py").write_text("x = 1")

    assert digest_of(command) == first
    (tmp_path / "lone_recipe.py").write_text("x = 2")
    assert digest_of(command) != first


@pytest.mark.parametrize(
    "command", [("docker", "run", "image:1"), ("python", "-m", "no.such.module"), ("python", "-m"), ("/no/such.py",)]
)
def test_what_cannot_be_read_is_told_by_its_command(command: tuple[str, ...], tmp_path: Path) -> None:
    """A container's image is its code; so is a name that leads nowhere."""
    assert digest_of(command) == digest_of(command)
    assert digest_of(command) != digest_of((*command, "other"))
    assert len(digest_of(command)) == 64
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere")
    (tmp_path / "here.py").touch()
    assert len(digest_of(("python", str(tmp_path / "here.py")))) == 64


def test_launchers_know_the_code_of_their_recipes(tmp_path: Path) -> None:
    """In the process, of the module that defines it."""

    def train(job: Path) -> list[Line]:
        return []

    inline, process = InlineLauncher({"a": train}), SubprocessLauncher({"a": ("python", "-m", __name__)})

    assert inline.code("a") == process.code("a")
    for launcher in (inline, process):
        with pytest.raises(RecipeUnknown):
            launcher.code("b")


def test_the_environment_names_versions_and_machine() -> None:
    """Of this process: recipes run in the same unless they say otherwise."""
    found = environment()

    assert {"python", "platform", "machine", "numpy"} <= set(found)
    assert all(found.values())
