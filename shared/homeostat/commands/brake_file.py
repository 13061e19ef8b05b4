"""The brake that is pulled without a broker: a file, obeyed by the hands and clients of its machine alone."""

import json
from pathlib import Path
from typing import Final

EVERYTHING: Final = frozenset({"*"})


class BrakeFile:
    """Reads the brake file of this machine.

    Args:
        path: `{"scopes": ["*"]}`: scopes, models or `*`. None: this machine has none.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def scopes(self) -> frozenset[str]:
        """What is braked on this machine; a file that cannot be read brakes everything."""
        if self._path is None:
            return frozenset()
        try:
            return frozenset(str(scope) for scope in json.loads(self._path.read_text(encoding="utf-8"))["scopes"])
        except FileNotFoundError:
            return frozenset()
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return EVERYTHING
