"""Version of a fold: what its outputs depend on, as a digest."""

import hashlib
from dataclasses import asdict, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import msgspec

from homeostat.core import Fold
from homeostat.runtime.code_digest import code_digest
from homeostat.runtime.quarantine import Screens

_COMPUTING: Final = ("numpy", "river")
"""Libraries whose releases may change the last bits of a number."""

_ENVELOPE: Final = "homeostat.codec"
"""What makes bytes of what a fold emits, whether the fold imports it or not."""


def version_of(fold: Fold[Any]) -> str:
    """Digest of a fold's code, libraries and settings, 16 hex digits.

    Covers the module of the fold and all of ours that it imports, however deep, docstrings and comments apart; what
    its outputs are encoded with; the releases of numpy and river, if that code imports them; its settings. A change
    that cannot change an output may change it; one that can does.
    """
    digest = hashlib.sha256()
    foreign = set[str]()
    for module in (type(fold).__module__, _ENVELOPE):
        code, names = code_digest(module)
        digest.update(code)
        foreign |= names
    for name in _COMPUTING:
        if name in foreign:
            digest.update(f"{name}=={_release(name)}\0".encode())
    settings = asdict(fold.settings) if is_dataclass(fold.settings) else fold.settings  # type: ignore[arg-type]  # not a class
    digest.update(msgspec.json.encode([fold.name, settings], order="sorted"))
    if isinstance(fold, Screens):
        digest.update(fold.salt.fingerprint.encode())  # what it says of personal data depends on it
    return digest.hexdigest()[:16]


def _release(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # vendored, or on a path without metadata
        return ""
