"""A bounded queue and a thread between a model that serves and a broker that may be away."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from typing import Final, Generic, TypeVar

from homeostat.core.backoff import Backoff

T = TypeVar("T")
_FIRST_PAUSE_SECONDS: Final = 0.2
_MOST_PAUSE_SECONDS: Final = 5.0


class Backlog(Generic[T]):
    """Hands batches to a function in a thread of its own; whoever puts one in never waits.

    Args:
        send: Takes all that waits, in order, and keeps it: if it raises, it is called again without anything new after
            a pause that doubles up to 5 s, and goes on where it was.
        size_of: Rows of a batch.
        most: Rows that may wait; the oldest give way, and are counted.
        linger_seconds: What comes within it is sent together.
    """

    def __init__(
        self, send: Callable[[Sequence[T]], None], size_of: Callable[[T], int], most: int, linger_seconds: float = 0.1
    ) -> None:
        self._send, self._size_of, self._most, self._linger_seconds = send, size_of, most, linger_seconds
        self._waiting, self._n_waiting, self.n_dropped, self.trouble = deque[T](), 0, 0, ""
        self._changed, self._is_closing, self._is_idle = threading.Condition(), False, True
        self._thread = threading.Thread(target=self._run, name="homeostat-served", daemon=True)
        self._thread.start()

    def put(self, batch: T) -> None:
        """Queue a batch; what does not fit any more is dropped and counted, the oldest first."""
        with self._changed:
            self._waiting.append(batch)
            self._n_waiting += self._size_of(batch)
            while self._n_waiting > self._most and len(self._waiting) > 1:
                n = self._size_of(self._waiting.popleft())
                self._n_waiting, self.n_dropped = self._n_waiting - n, self.n_dropped + n
            self._is_idle = False
            self._changed.notify_all()

    def flush(self, timeout_seconds: float = 30.0) -> bool:
        """Wait until nothing waits any more; return whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_idle, timeout_seconds)

    def close(self, timeout_seconds: float = 10.0) -> bool:
        """Send what waits and end the thread; return whether nothing was left."""
        is_sent = self.flush(timeout_seconds)
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join(timeout_seconds)
        return is_sent

    def _run(self) -> None:
        backoff = Backoff(inf, _FIRST_PAUSE_SECONDS, _MOST_PAUSE_SECONDS)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self.trouble or self._is_closing)
                if self._is_closing:
                    return
                self._changed.wait_for(lambda: self._is_closing, backoff.pause_seconds or self._linger_seconds)
                batches = [] if self.trouble else list(self._waiting)
                if batches:
                    self._waiting.clear()
                    self._n_waiting = 0
            try:
                self._send(batches)
            except Exception as error:  # the broker, or what the client says of it: the model serves on
                trouble = str(error) or type(error).__name__
                backoff.failed()
            else:
                trouble = ""
                backoff.succeeded()
            with self._changed:
                self.trouble = trouble
                self._is_idle = not self._waiting and not trouble
                self._changed.notify_all()
