"""What a forked child does with the connections of its parent: it lets them be, and opens its own.

librdkafka works in threads, and a fork copies none of them: in the child an inherited handle takes records that
nobody sends, and destroying it waits for threads that are not there, or crashes. So the handles of the parent are
kept for ever in the child, untouched, and whoever held them starts empty.

Nor does a process wait for the library to destroy handles of its own: a thread of the parent may have been inside
`getaddrinfo` at the fork, and glibc before 2.38 leaves its lock held in the child; every thread of the child that looks
up a broker then hangs, and destroying the handle joins that thread.
"""

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from typing import Final, Protocol
from weakref import WeakSet

_CLOSE_SECONDS: Final = 2.0
"""How long closing is waited for: the library needs milliseconds, unless a thread of it hangs."""


class Forkable(Protocol):
    """Holds what must not be used in a forked child."""

    def after_fork(self) -> None:
        """Drop it; called in the child, before anything else runs there."""


_watched: Final[WeakSet[Forkable]] = WeakSet()
_hooks: Final[list[bool]] = []
_forks: Final[list[int]] = []


def drop_in_children(owner: Forkable) -> None:
    """Call `owner.after_fork` in every child that this process forks, as long as the owner lives."""
    if not _hooks and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forked)
        _hooks.append(True)
    _watched.add(owner)


def is_child() -> bool:
    """Whether this process was forked from one that had connections: threads of the library may hang here for ever."""
    return bool(_forks)


def keep_for_ever(handle: object) -> None:
    """Make sure that an object is never destroyed, not even when the interpreter ends."""
    if handle is not None:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(handle))


def close_beside(close: Callable[[], object]) -> None:
    """Call what gives handles back, in a thread of its own that is not waited for beyond 2 s.

    Args:
        close: Must hold the only references to what it destroys, or close it explicitly. When the interpreter is
            ending it is not called, and what it holds is kept for ever: the system takes it all back.
    """
    if sys.is_finalizing():
        keep_for_ever(close)
        return
    thread = threading.Thread(target=close, name="homeostat-close", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no thread starts any more: the process ends
        keep_for_ever(close)
        return
    thread.join(_CLOSE_SECONDS)


def _forked() -> None:
    _forks.append(os.getpid())
    for owner in list(_watched):
        owner.after_fork()
