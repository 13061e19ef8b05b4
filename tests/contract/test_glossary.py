"""The glossary says the words of the code: each name in it is there, and words that were given up are nowhere."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in (ROOT / "docs" / "glossary.md").read_text("utf-8").splitlines()
    if line.startswith("|") and not line.startswith("|-") and not line.startswith("| word ")
]
NAMED = sorted({name for row in ROWS for name in re.findall(r"`([\w.]+(?::\w+)?)`", row[2])})
GIVEN_UP = sorted({word for row in ROWS for word in re.findall(r"\w+", row[3])})


def public_names() -> Iterator[tuple[str, str]]:
    """Names of modules, classes, functions and methods that others may use, and where they are."""
    for root in ("services", "shared/homeostat", "shared/homeostat_tools", "shared/homeostat_lab"):
        for path in sorted((ROOT / root).rglob("*.py")):
            where = path.relative_to(ROOT).as_posix()
            yield path.stem, where
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                named = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
                if isinstance(node, named) and not node.name.startswith("_"):
                    yield node.name, f"{where}:{node.lineno}"


def words(name: str) -> set[str]:
    """Words of a name in either case."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)}


def test_a_row_has_four_cells() -> None:
    """Otherwise the tests below look at the wrong ones."""
    assert [row for row in ROWS if len(row) != 4] == []


@pytest.mark.parametrize("name", NAMED)
def test_what_the_glossary_names_is_there(name: str) -> None:
    """A module, or a name in one."""
    module, _, attribute = name.partition(":")

    found = importlib.import_module(module)

    assert not attribute or hasattr(found, attribute)


def test_words_that_were_given_up_are_nowhere() -> None:
    """Of two words for one thing a reader would look for two things."""
    found = [f"{where} {name}" for name, where in public_names() if words(name) & set(GIVEN_UP)]

    assert found == []
