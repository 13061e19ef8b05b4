"""Folders that the stack and its Java can work in."""

import os
import tempfile
from pathlib import Path
from typing import Final

from homeostat_tools.local_stack.errors import FolderUnusable

_LONGEST_PATH: Final = 4095
"""Bytes, on Linux."""

_LONGEST_NAME: Final = 200
"""Of what Kafka puts below: a partition's folder, and a file in it that is about to be deleted."""


_BLOCK: Final = 4096


def make_folder(path: Path) -> None:
    """Make a folder, if it is not there, that can be written to.

    Any name that is UTF-8 will do, whatever blanks, commas or backslashes it has.

    Args:
        path: The folder; its parents are made too.

    Raises:
        FolderUnusable: It cannot be had; the message says why.
    """
    name = os.fsencode(path.absolute())
    try:
        name.decode()
    except UnicodeDecodeError:
        raise FolderUnusable(path, "its name is no UTF-8, and Java could not find it") from None
    if len(name) + _LONGEST_NAME > _LONGEST_PATH:
        raise FolderUnusable(path, f"its path has {len(name)} bytes, {_LONGEST_PATH - _LONGEST_NAME} are possible")
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(b"\0" * _BLOCK)  # an empty file has a place on a full disk
    except OSError as error:
        raise FolderUnusable(path, error.strerror or str(error)) from None
