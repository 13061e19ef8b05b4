"""Secrets on disk that two parties share: one line of text per file, readable by its owner, made once."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from homeostat.core import Halt
from homeostat.durable_file import make_file

_BYTES: Final = 32
_OPEN: Final = 0o027
"""As of private keys: nothing for strangers, no writing for the group."""

_LONGEST: Final = 4096


class SecretMissing(Halt):
    """There is no such file.

    Operator: `homeostat up` makes it; elsewhere copy it from where the other party has it, mode 600.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(f"no secret at {path}; copy it from where the other side has it, and chmod 600 it")
        self.path = path


class SecretUnusable(Halt):
    """The file is no secret that may be used.

    Operator: see the message; if others could read it, delete it, so that both sides get a new one.
    """

    def __init__(self, path: Path, why: str, mend: str) -> None:
        super().__init__(f"secret {path}: {why}: {mend}")
        self.path, self.why, self.mend = path, why, mend


def ensure_secret(path: Path) -> str:
    """Read a secret; make it (256 random bits, mode 0600, whole or not at all) if the file is not there.

    Raises:
        SecretUnusable: Open to others, not a line of text, or the file cannot be made.
    """
    try:
        return read_secret(path)
    except SecretMissing:
        pass
    try:
        make_once(path, secrets.token_urlsafe(_BYTES))
    except OSError as error:
        raise SecretUnusable(path, f"cannot be made: {error.strerror}", "make room there, or see its rights") from None
    return read_secret(path)


def make_once(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, whole or not at all; of two who try at once the first wins.

    Raises:
        OSError: It cannot be written; nothing is left of it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        make_file(path, text.encode("ascii"), mode=0o600)


def read_secret(path: Path) -> str:
    """Read a secret.

    Raises:
        SecretMissing: No such file.
        SecretUnusable: Open to others, unreadable, or not a line of printable ASCII.
    """
    try:
        with path.open("rb") as file:
            mode, raw = os.fstat(file.fileno()).st_mode & 0o777, file.read(_LONGEST + 1)
    except FileNotFoundError:
        raise SecretMissing(path) from None
    except OSError as error:
        raise SecretUnusable(path, f"cannot be read: {error.strerror}", "move it away: another one is made") from None
    if mode & _OPEN:
        raise SecretUnusable(
            path, f"mode {mode:04o} lets others at it", f"chmod 600 {path}, or delete it if it may be known"
        )
    text = raw.decode("ascii", errors="replace").strip()
    if not text or len(raw) > _LONGEST or not text.isascii() or not text.isprintable():
        raise SecretUnusable(path, "not one line of text", "delete it: another one is made")
    return text
