"""What a recipe is, for the record of its candidates: a digest of its code, and where it runs."""

import hashlib
import platform
from collections.abc import Iterator, Sequence
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import Final

_LIBRARIES: Final = ("homeostat", "numpy", "scikit-learn", "torch")
"""Whose versions are reported, where they are installed; a recipe that knows better reports its own."""

_MOST_FILES: Final = 1000
"""Beside a script; a folder with more is no recipe's."""


def digest_of(command: Sequence[str]) -> str:
    """Digest a recipe: its command line, and the Python files that it names.

    Of `-m package.module` all of the module's package, of a script all beside it; of anything else, a container for
    example, the command line says what it is. A file that cannot be read counts with its name.

    Args:
        command: As configured, `{job}` not filled in.

    Returns:
        sha256 in hex; the same code at another place has the same.
    """
    digest = hashlib.sha256()
    for part in command[1:]:  # the interpreter is known by its version
        digest.update(f"{Path(part).name if Path(part).is_file() else part}\0".encode())
    for root, path in _sources(command):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
        digest.update(_content(path))
    return digest.hexdigest()


def environment() -> dict[str, str]:
    """Versions and machine of this process, in which a recipe runs unless it says otherwise."""
    found = {"python": platform.python_version(), "platform": platform.platform(), "machine": platform.machine()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def _sources(command: Sequence[str]) -> Iterator[tuple[Path, Path]]:
    """Yield folder and file of each source, in the order of their names."""
    for option, name in pairwise(command):
        file = _file_of(name) if option == "-m" else None
        if file is not None:
            yield from _python_files(file.parent, "**/*.py" if "." in name or file.stem == "__init__" else file.name)
    for part in command:
        path = Path(part)
        if path.suffix == ".py" and path.is_file():
            yield from _python_files(path.parent, "*.py")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _file_of(module: str) -> Path | None:
    """File of a module, found without importing anything of it."""
    places: Sequence[str] | None = None
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        spec = PathFinder.find_spec(".".join(parts[:depth]), places)
        if spec is None:
            return None
        if depth == len(parts):
            return Path(spec.origin) if spec.origin else None
        places = spec.submodule_search_locations
        if places is None:
            return None
    return None


def _python_files(folder: Path, pattern: str) -> Iterator[tuple[Path, Path]]:
    found = sorted(folder.glob(pattern))
    yield from ((folder, path) for path in found[:_MOST_FILES])
