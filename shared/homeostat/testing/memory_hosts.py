"""The in-memory host and the replay, as `testing.hosts` wants to see a host."""

from collections.abc import Sequence
from dataclasses import replace

from homeostat.codec import Output, Record
from homeostat.events.logs import INDICATORS, QUARANTINE, TELEMETRY, TIMELINE, by_name
from homeostat.runtime.memory import MemoryHost, MemoryLog
from homeostat.runtime.replay import replay as replayed
from homeostat.testing.counter import Counter


class MemoryUnderTest:
    """The in-memory host.

    Args:
        is_door: Whether the input is a door.
    """

    def __init__(self, *, is_door: bool = False) -> None:
        self.log, self._is_door = MemoryLog(partitions=2), is_door
        self._input = TELEMETRY if is_door else TIMELINE
        if is_door:
            self.replace()
        self._host = MemoryHost(self.log, self.fold())

    def write(self, outputs: Sequence[Output]) -> None:
        """See `HostUnderTest.write`."""
        for output in outputs:
            self.log.append(replace(output, topic=self._input))

    def settle(self, n: int) -> None:
        """Let two seconds pass."""
        self._host.run()
        self.log.now += 2_000
        self._host.tick()
        self._host.run()

    def restart(self, *, is_clean: bool) -> None:
        """See `HostUnderTest.restart`; nothing was stored before a crash, so all of it is folded again."""
        if is_clean:
            self.stop()
        self.start()

    def stop(self) -> None:
        """Store everything."""
        for assignment in self._host.assignments:
            assignment.snapshot(is_clean=True)

    def start(self) -> None:
        """Restore."""
        self._host = MemoryHost(self.log, self.fold())

    def skip(self) -> None:
        """See `HostUnderTest.skip`."""
        self.log.skip(self._input, 0, 3)

    def expire(self, offset: int) -> None:
        """See `HostUnderTest.expire`."""
        self.log.delete_before(self._input, 0, offset)

    def replace(self) -> None:
        """See `HostUnderTest.replace`; one partition, so that every subject lies where it belongs."""
        self.log.create(replace(by_name(self._input), partitions=1))

    def fold(self) -> Counter:
        """See `HostUnderTest.fold`."""
        return Counter(log=self._input, is_door=self._is_door)

    def n_partitions(self, topic: str) -> int:
        """See `HostUnderTest.n_partitions`."""
        return self.log.n_partitions(topic)

    def input(self) -> Sequence[Record]:
        """See `HostUnderTest.input`."""
        return self.log.records(self._input, 0)

    def published(self) -> Sequence[Record]:
        """See `HostUnderTest.published`."""
        return [*self.log.all(INDICATORS), *self.log.all(QUARANTINE)]


class ReplayUnderTest(MemoryUnderTest):
    """A replay from the log's beginning, each time; the clock's ticks are in the log it replays."""

    def settle(self, n: int) -> None:
        """Fold the whole log."""
        super().settle(n)
        self._said = [
            Record(o.topic, "", o.partition, 0, 0, o.key, o.value, o.headers)
            for o in replayed(self.fold(), self.input(), self.n_partitions)
        ]

    def published(self) -> Sequence[Record]:
        """What it says, instead of what the host beside it has written."""
        return self._said
