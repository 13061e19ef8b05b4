"""One folder = one service = one extra = one group: what the stack, the metadata and the code say is the same."""

import ast
import tomllib
from pathlib import Path
from typing import Any

import pytest

from homeostat.cli import folds as cli
from homeostat.cli.folds import fold_of, group_of
from homeostat.stack.services import FOLDS, PACKED, SERVICES, SINGLE

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent.name for path in (ROOT / "services").glob("*/__init__.py"))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def strings(path: Path) -> set[str]:
    """Every string literal of a module."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize("name", FOLDS)
def test_a_fold_is_what_the_stack_says(name: str) -> None:
    """Its name and the log it reads decide which topics are created."""
    fold = fold_of(name)

    assert (fold.name, fold.log) == (name, FOLDS[name])


def test_the_command_line_knows_every_fold() -> None:
    """And no other one."""
    assert list(cli.FOLDS) == list(FOLDS)


def test_every_folder_is_started_once() -> None:
    """Packed or each by itself."""
    assert sorted(SERVICES) == FOLDERS
    assert sorted(service for pack in SINGLE for service in pack.services) == FOLDERS
    assert len({pack.name for pack in PACKED}) == len(PACKED)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_service_has_an_extra_and_is_in_all(folder: str) -> None:
    """Its folder's name, with dashes."""
    extras = PROJECT["optional-dependencies"]
    extra = folder.replace("_", "-")

    assert extra in extras
    assert any(extra in line.partition("[")[2].rstrip("]").split(",") for line in extras["all"])


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_service_can_be_started(folder: str) -> None:
    """`python -m <folder>` calls `main` with its own name, and the stack finds `services` in it."""
    path = ROOT / "services" / folder / "__main__.py"
    functions = [node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]

    assert "services" in functions
    assert folder in strings(path)


@pytest.mark.parametrize("name", FOLDS)
def test_a_service_is_one_consumer_group(name: str) -> None:
    """The group that the host joins is the one that the command line asks for the lag."""
    folder = cli.FOLDS[name].partition(":")[0]

    assert group_of(name) == folder.replace("_", "-")
    assert group_of(name) in strings(ROOT / "services" / folder / "__main__.py")
