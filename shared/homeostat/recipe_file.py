"""Which programs train on this machine: a file in the data folder, which `homeostat apply` writes and the hand reads.

What is run here is said here, by whoever may write to the folder of the keys, and never over a log.
"""

import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from homeostat.core import Reject
from homeostat.durable_file import replace_file

RECIPES_FILE: Final = "recipes.json"
_OWNERS: Final = 0o600
_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


def read_recipes(data_dir: Path) -> dict[str, tuple[str, ...]]:
    """Return command lines by name of the recipe; none if there is no file.

    Raises:
        Reject: `recipes_unusable`: others may write to the file, or it is none.
    """
    path = data_dir / RECIPES_FILE
    try:
        if path.stat().st_mode & _OTHERS:
            raise Reject("recipes_unusable", f"others may write to {path}: chmod 600 {path}")
        return msgspec.json.decode(path.read_bytes(), type=dict[str, tuple[str, ...]])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise Reject("recipes_unusable", f"{path}: {error}; homeostat apply writes it anew once it is gone") from None


def write_recipes(data_dir: Path, recipes: Mapping[str, Sequence[str]]) -> None:
    """Add recipes to the file, or replace those of the same names.

    Args:
        data_dir: Made if it is not there.
        recipes: Command lines by name.

    Raises:
        Reject: As `read_recipes`.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    whole = read_recipes(data_dir) | {name: tuple(line) for name, line in recipes.items()}
    replace_file(data_dir / RECIPES_FILE, msgspec.json.encode(whole), mode=_OWNERS)
