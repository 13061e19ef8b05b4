"""A producer that delivers late, and a process that dies while it sends."""

import random

from homeostat.codec import Output
from homeostat.runtime.memory import MemoryLog


class Crash(Exception):  # a test's way to stop a process anywhere
    """The process is gone."""


class FaultyOutbox:
    """Queues like a producer: what is queued goes out in order, some time; a crash loses a tail of it.

    Args:
        log: Where it goes.
        chance: Seeded; None delivers at once.
    """

    def __init__(self, log: MemoryLog, chance: random.Random | None) -> None:
        self._log, self._chance = log, chance
        self._queue: list[Output] = []
        self.fuse: int | None = None

    def send(self, output: Output) -> None:
        """Queue, and perhaps deliver some of the queue; crash when the fuse has burnt."""
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise Crash
        self._queue.append(output)
        if self._chance is None:
            self.flush()
        elif self._chance.random() < 0.3:
            self.deliver(self._chance.randint(0, len(self._queue)))

    def deliver(self, n: int) -> None:
        """Write the first `n` of the queue."""
        for output in self._queue[:n]:
            self._log.append(output)
        del self._queue[:n]

    def flush(self) -> None:
        """Write everything."""
        self.deliver(len(self._queue))
