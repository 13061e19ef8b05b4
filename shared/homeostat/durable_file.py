"""Files that are there whole or not at all, also after a power cut."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

_READABLE: Final = 0o644
"""mkstemp's 0600 would hide an artifact or a state from another service's user."""


@contextmanager
def replacing(path: Path, *, mode: int = _READABLE) -> Iterator[IO[bytes]]:
    """Open a draft that takes the place of a file when the block ends without an error.

    After a crash the path holds the old bytes or the new ones, never a part; once the block has ended, the new ones,
    with their name. A process killed inside leaves a draft `.<name>.<random>` beside the file, which nobody reads.

    Args:
        path: In a folder that exists; need not exist itself.
        mode: Rights of the new file.

    Raises:
        OSError: Nothing was changed, and no draft is left; unless only the last sync, of the folder, failed.
    """
    with _draft(path, mode, os.replace) as file:
        yield file


def replace_file(path: Path, content: bytes, *, mode: int = _READABLE) -> None:
    """Write a file in one go; see `replacing`.

    Args:
        path: Of the file; its folder exists.
        content: Whole.
        mode: Rights of the file.
    """
    with replacing(path, mode=mode) as file:
        file.write(content)


def make_file(path: Path, content: bytes, *, mode: int) -> None:
    """Write a file that is not there yet; of two who try at once, the first wins. After a crash as `replacing`.

    Args:
        path: In a folder that exists.
        content: All of it.
        mode: Rights of the file.

    Raises:
        FileExistsError: It is there; it was not touched.
        OSError: As `replacing`.
    """
    with _draft(path, mode, os.link) as file:
        file.write(content)


@contextmanager
def _draft(path: Path, mode: int, place: Callable[[Path, Path], None]) -> Iterator[IO[bytes]]:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(temporary)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        place(draft, path)
    finally:
        draft.unlink(missing_ok=True)  # it has another name now, or none
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name, too, survives a power cut
    finally:
        os.close(folder)
