"""The call that is being answered: which ids its rows have, and which versions answered them."""

import threading
import time
from contextvars import ContextVar
from typing import Final


class Call:
    """One request of a caller, which may ask models for several rows.

    Args:
        id_: Its id: that of the first row; those after it have a number behind.
    """

    def __init__(self, id_: str) -> None:
        self.id, self._lock, self._n_rows = id_, threading.Lock(), 0
        self.versions: list[str] = []

    def requests(self, n: int) -> list[str]:
        """Return ids for the next n rows."""
        with self._lock:
            first, self._n_rows = self._n_rows, self._n_rows + n
        return [f"{self.id}.{row}" if row else self.id for row in range(first, first + n)]


current: Final[ContextVar[Call | None]] = ContextVar("homeostat_call", default=None)
"""Set by `middleware.HomeostatMiddleware`, in the context of whoever answers, threads included."""


def new_requests(n: int) -> list[str]:
    """Return n ids that no request has had."""
    stem = f"{time.time_ns():x}-{threading.get_ident():x}"
    return [f"{stem}.{row}" for row in range(n)]
