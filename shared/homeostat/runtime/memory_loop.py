"""The whole system in one thread: folds and hands on one log in memory."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from homeostat.codec import Output
from homeostat.core import Fold, Hand
from homeostat.runtime.hands import HandRunner
from homeostat.runtime.memory import MemoryHost, MemoryLog

_POLL_SECONDS: Final = 0.001


class MemoryLoop:
    """The whole system in one thread: folds and hands on one in-memory log.

    Args:
        log: The log.
        folds: All folds.
        hands: Runners of the hands.
        sign: Notary's signature on what the folds send.
    """

    def __init__(
        self,
        log: MemoryLog,
        folds: Sequence[Fold[Any]],
        hands: Sequence["MemoryHands"] = (),
        sign: Callable[[Output], Output] | None = None,
    ) -> None:
        self.log, self.hands = log, list(hands)
        self.hosts = [MemoryHost(log, fold, sign) for fold in folds]

    def settle(self) -> None:
        """Run until nobody has anything to do at this time."""
        while any([host.run() for host in self.hosts] + [hand.run() for hand in self.hands]) or self._tick():
            pass

    def advance(self, millis: int) -> None:
        """Let time pass, stopping at every wake on the way."""
        until = self.log.now + millis
        while (wake := self._next_wake()) is not None and wake <= until:
            self.log.now = max(self.log.now, wake)
            self._tick()
            self.settle()
        self.log.now = until
        self.settle()

    def _tick(self) -> int:
        return sum(host.tick() for host in self.hosts)

    def _next_wake(self) -> int | None:
        return min((host.next_wake for host in self.hosts if host.next_wake is not None), default=None)


class MemoryHands:
    """Runs one hand over the in-memory log, one command after the other."""

    def __init__(self, log: MemoryLog, hand: Hand, runner: HandRunner) -> None:
        self.log, self.hand, self.runner = log, hand, runner
        self._positions = {(topic, p): 0 for topic in hand.logs for p in range(log.n_partitions(topic))}

    def run(self) -> int:
        """Take and finish every command that is there; return how many records were read."""
        n = 0
        for (topic, partition), position in self._positions.items():
            while (record := self.log.read(topic, partition, position)) is not None:
                position += 1
                n += 1
                self.runner.take(record, self.log.now)
            self._positions[topic, partition] = position
        self.runner.start_ready(self.log.now)
        self._report()
        while self.runner.n_running:  # what could not be begun waits for another time
            time.sleep(_POLL_SECONDS)  # a task may be a process or a thread
            self.runner.start_ready(self.log.now)
            self._report()
        return n

    def _report(self) -> None:
        for output in self.runner.poll(self.log.n_partitions):
            self.log.append(output)
