"""Version of a fold: what its outputs depend on, as a digest."""

import hashlib
import sys
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

import homeostat
from homeostat.core import Fold
from homeostat.runtime.quarantine import Screens

_SHARED: Final = ("core", "events", "codec", "stats", "admission")
"""Packages of `homeostat` that every fold computes with."""


def _sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def version_of(fold: Fold[Any]) -> str:
    """Digest of the fold's code and settings, 16 hex digits.

    Any change of either that could change an output changes it; so may one that could not.
    """
    digest = hashlib.sha256()
    own = type(fold).__module__.split(".")
    package = sys.modules[".".join(own[:3] if own[:2] == ["homeostat", "services"] else own[:1])]
    roots = [Path(homeostat.__path__[0]) / name for name in _SHARED]
    if package is not homeostat and package.__file__:
        roots.append(Path(package.__file__).parent)
    for root in roots:
        for path in _sources(root):
            digest.update(f"{root.name}/{path.relative_to(root).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    settings = asdict(fold.settings) if is_dataclass(fold.settings) else fold.settings  # type: ignore[arg-type]  # not a class
    digest.update(msgspec.json.encode([fold.name, settings], order="sorted"))
    if isinstance(fold, Screens):
        digest.update(fold.salt.fingerprint.encode())  # what it says of personal data depends on it
    return digest.hexdigest()[:16]
