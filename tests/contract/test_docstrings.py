"""Docstrings are contracts: a public function that takes three things or more says what they are."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(
    path.parent
    for root in ("services", "shared/homeostat", "shared/homeostat_tools", "shared/homeostat_lab")
    for path in (ROOT / root).glob("*/__init__.py")
    if path.parent.name != "cli" and not path.parent.is_symlink()  # parameters of a command are its help
)
MANY = 3

Function = ast.FunctionDef | ast.AsyncFunctionDef


def public_functions(body: list[ast.stmt]) -> Iterator[Function]:
    """Functions and methods of a module that others may call."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body)
        elif isinstance(node, Function) and not node.name.startswith("_"):
            yield node


def parameters(function: Function) -> list[str]:
    """Names of what it takes, but for `self` and `cls`."""
    given = function.args
    names = [arg.arg for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


def inherits_its_contract(doc: str) -> bool:
    """Whether a docstring refers to the one of what it implements."""
    return re.search(r"(see|arguments as in) `", doc, re.IGNORECASE) is not None


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_takes_three_things_says_what_they_are(package: Path) -> None:
    """`Args:` with shape, unit, range and whether it is changed."""
    silent = []
    for path in sorted(package.rglob("*.py")):
        for function in public_functions(ast.parse(path.read_text("utf-8")).body):
            doc = ast.get_docstring(function) or ""
            if len(parameters(function)) >= MANY and "Args:" not in doc and not inherits_its_contract(doc):
                silent.append(f"{path.relative_to(ROOT)}:{function.lineno} {function.name}")

    assert silent == []
