"""The error tree."""

import ast
import builtins
from collections.abc import Iterator
from pathlib import Path

from homeostat.core import Halt, HomeostatError, Reject, Retry

ROOT = Path(__file__).parents[3]
NOT_OURS = {"Crash", "ImpureError", "NotConforming"}
"""A test's simulated crash and failed checks: no host may take them for an error of ours."""


def classes() -> Iterator[tuple[str, set[str]]]:
    """Yield every class of the product with the names of its bases."""
    files = [file for folder in ("shared", "services") for file in (ROOT / folder).rglob("*.py")]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                yield node.name, {base.id for base in node.bases if isinstance(base, ast.Name)}


def is_error(name: str) -> bool:
    """Whether a name is that of an exception of the language."""
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, BaseException)


def test_every_error_is_of_a_branch() -> None:
    """No class extends an exception of the language, or the root of the tree, but those that are the tree."""
    branches = {branch.__name__ for branch in (Retry, Reject, Halt)}
    known = branches | {HomeostatError.__name__} | NOT_OURS

    outside = {
        name
        for name, bases in classes()
        if name not in known
        and (HomeostatError.__name__ in bases or any(map(is_error, bases)))
        and not bases & branches
    }

    assert outside == set()
