"""One `homeostat up` per data folder: whoever holds the lock owns the address, the reports and the keys in it."""

import fcntl
import os
from pathlib import Path
from typing import IO, Final

from homeostat_tools.local_stack.errors import StackRunning

LOCK_FILE: Final = "up.lock"


class DataLock:
    """A lock that ends with the process that holds it, however that ends.

    Args:
        data_dir: Folder; it is made if it is not there.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / LOCK_FILE
        self._file: IO[str] | None = None

    @property
    def is_held(self) -> bool:
        """Whether this object holds it."""
        return self._file is not None

    def acquire(self) -> None:
        """Take the lock; does nothing when it is held by this object.

        Raises:
            StackRunning: Somebody else has it. Nothing was changed.
            OSError: The folder cannot be written.
        """
        if self._file is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+", encoding="utf-8")  # not inherited by children: they may outlive this process
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip()
            file.close()
            raise StackRunning(self._path.parent, holder) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give it back; the file stays, as deleting it would let two hold two of them."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None
