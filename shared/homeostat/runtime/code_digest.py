"""Digest of the code that a module computes with: its own and all of ours that it imports, however deep.

Taken from the syntax tree, so that comments, docstrings and the place of a line on the page do not count, and alike in
every version of Python: fields that say nothing (empty, None) are left out, as newer versions add some.
"""

import ast
import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

_UNSAID: Final = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
"""Fields of the tree that follow from where a node stands, or are comments."""


def code_digest(module: str) -> tuple[bytes, frozenset[str]]:
    """Digest a module with the modules of its distribution's own packages that it imports, directly or not.

    Ours are the packages that begin as the module does and `homeostat`. An import within a function counts too, as
    does one for type checking only: what is imported for nothing makes a version differ for nothing, never the same.

    Args:
        module: Name of a module that can be imported, `package.module`.

    Returns:
        Digest, and the names of the foreign top packages that are imported anywhere in it.
    """
    tops = frozenset({"homeostat", module.partition(".")[0]})
    seen: dict[str, bytes] = {}
    foreign: set[str] = set()
    open_ = [module]
    while open_:
        name = open_.pop()
        path = None if name in seen else _file_of(name)
        if path is None:
            continue
        seen[name], imported = _read(path, name, path.name == "__init__.py")
        for target in (*_parents(name), *imported):
            if target.partition(".")[0] in tops:
                open_.append(target)
            else:
                foreign.add(target.partition(".")[0])
    digest = hashlib.sha256()
    for name in sorted(seen):
        digest.update(name.encode() + b"\0" + seen[name])
    return digest.digest(), frozenset(foreign)


def _parents(name: str) -> Iterator[str]:
    """Packages whose `__init__` runs before a module does."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


@cache
def _file_of(name: str) -> Path | None:
    """File of a module; None for what is no module, as a name imported from one."""
    top, *rest = name.split(".")
    package = sys.modules.get(top)
    if package is None:
        return None
    if not rest and not hasattr(package, "__path__"):
        return Path(package.__file__) if package.__file__ else None
    for root in package.__path__:
        path = Path(root).joinpath(*rest)
        for file in (path / "__init__.py", path.with_suffix(".py")):
            if (rest or file.name == "__init__.py") and file.is_file():
                return file
    return None


@cache
def _read(path: Path, name: str, is_package: bool) -> tuple[bytes, tuple[str, ...]]:
    tree = ast.parse(path.read_bytes(), str(path))
    digest = hashlib.sha256()
    imported: list[str] = []
    for part in _serialised(tree):
        digest.update(part)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = name.split(".") if is_package else name.split(".")[:-1]
                kept = package[: len(package) - node.level + 1]
                base = ".".join([*kept, *([base] if base else [])])
            imported += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return digest.digest(), tuple(imported)


def _serialised(node: ast.AST) -> Iterator[bytes]:
    yield f"({type(node).__name__}".encode()
    for name, value in ast.iter_fields(node):
        if name in _UNSAID or value is None or value == []:
            continue
        yield f" {name}=".encode()
        if name == "body" and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            value = [statement for statement in value if not _is_text(statement)]
        for part in value if isinstance(value, list) else (value,):
            if isinstance(part, ast.AST):
                yield from _serialised(part)
            else:
                yield repr(part).encode() + b","
    yield b")"


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a string that stands alone: a docstring, of whatever stands before it too."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
