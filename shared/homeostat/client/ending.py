"""What still waits when a process ends is sent, for a bounded time; what was not is said.

After that nothing waits long for the library: its handles are given back within seconds, or left to the system,
undestroyed (see `forking`).
"""

import atexit
import logging
import os
import sys
from time import monotonic
from typing import Final, Protocol
from weakref import WeakSet

END_SECONDS: Final = 10.0
"""For all clients of a process together: Kubernetes waits 30 before it kills."""

# The standard library's, not structlog: whoever has not set it up sees errors on stderr, and stdout is the script's.
log = logging.getLogger("homeostat.client")


class Unfinished(Protocol):
    """Holds handles of the library, perhaps with records that were not acknowledged."""

    def end(self, timeout_seconds: float) -> None:
        """Send them, and wait for nothing else; never raises, says what was lost."""


_open: Final[WeakSet[Unfinished]] = WeakSet()
_registered: Final[set[int]] = set()


def end_with_process(owner: Unfinished) -> None:
    """Call `owner.end` when this process ends, as long as the owner lives.

    By return, `sys.exit` or an exception, and in a child of multiprocessing, which ends by `os._exit` after its own
    hooks. Nothing runs after a bare `os._exit` or a signal.
    """
    _open.add(owner)
    if os.getpid() in _registered:
        return
    if not _registered:  # a fork inherits it
        atexit.register(_end_all)
    _registered.add(os.getpid())
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, _end_all, exitpriority=0)


def _end_all() -> None:
    deadline = monotonic() + END_SECONDS
    for owner in list(_open):
        owner.end(max(0.0, deadline - monotonic()))
