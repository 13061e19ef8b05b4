"""A service is explained on one screen, beside its code: what it reads, decides and writes, and what is where."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = sorted(path.parent for path in (ROOT / "services").glob("*/__init__.py"))
LINES: Final = 60
WIRING: Final = {"__init__", "__main__", "registration", "wiring", "settings"}
"""Alike in every service: named where there is something to say."""


def rooms(folder: Path) -> set[str]:
    """Modules and subfolders of a service."""
    found = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    return found - WIRING


def names(text: str) -> set[str]:
    """What stands in backticks as a module, a folder, or a module of one: its first part."""
    return set(re.findall(r"`([a-z_]+)(?:\.py|/[a-z_/.]*)?`", text))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_service_is_explained_on_one_screen(folder: Path) -> None:
    """Every module and subfolder is named, and none that is gone."""
    text = (folder / "README.md").read_text("utf-8")
    table = "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))

    assert len(text.splitlines()) <= LINES
    assert sorted(rooms(folder) - names(text)) == []
    assert sorted(names(table) - rooms(folder) - WIRING) == []
