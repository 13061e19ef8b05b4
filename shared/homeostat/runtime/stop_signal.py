"""A wish to stop that may be uttered from a signal handler, at any instant and any number of times.

`threading.Event` may not: its lock is not reentrant, and a second SIGTERM inside the first one's `set`
waits for ever. `queue.SimpleQueue.put` is made for this.
"""

import contextlib
import signal
from queue import Empty, SimpleQueue


class StopSignal:
    """Set once, from anywhere; never cleared."""

    def __init__(self) -> None:
        self._is_set = False
        self._wakes: SimpleQueue[None] = SimpleQueue()

    def on_signals(self) -> "StopSignal":
        """Be set by SIGTERM and SIGINT. From the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.set())
        return self

    def set(self) -> None:
        """Wish to stop."""
        self._is_set = True
        self._wakes.put(None)

    def is_set(self) -> bool:
        """Whether anybody has."""
        return self._is_set

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until somebody does, or some seconds; return whether somebody did. One waiter at a time."""
        if not self._is_set:
            with contextlib.suppress(Empty):
                self._wakes.get(timeout=timeout)
        return self._is_set
