"""A counter over one partition, and what an attacker writes beside it."""

from dataclasses import replace
from typing import Any

import msgspec

from homeostat.codec import Record
from homeostat.codec.encode import rfc3339
from homeostat.events.logs import QUARANTINE, SNAPSHOTS, TELEMETRY, TIMELINE
from homeostat.runtime.assignment import Assignment
from homeostat.runtime.memory import MemoryHost, MemoryLog
from homeostat.runtime.sealing import Seals
from homeostat.testing.counter import Counter
from homeostat.testing.signals import signal

SOURCE = f"/homeostat/intake.telemetry/{TELEMETRY}/abc/0"
SNAPSHOT = SNAPSHOTS + "counter"


class World:
    """A counter over one partition of the timeline, and what an attacker writes beside it."""

    def __init__(self, seals: Seals | None = None, *, is_door: bool = False, every: int = 1) -> None:
        self.log = MemoryLog(partitions=1)
        self._topic = TELEMETRY if is_door else TIMELINE
        self._is_door, self._every = is_door, every
        self.host = MemoryHost(self.log, self._fold(), seals=seals)

    def _fold(self) -> Counter:
        return Counter(log=self._topic, is_door=self._is_door, every=self._every)

    def say(self, n: int, subject: str = "team/m", source: str = SOURCE) -> None:
        """The `n`-th event of an honest source."""
        self.log.now += 10
        made = signal(self._topic, subject, float(n), n, source=source)
        headers = [(k, v) for k, v in made.headers if k != "ce_time"]
        self.log.append(replace(made, headers=[*headers, ("ce_time", self.time)]))

    @property
    def time(self) -> bytes:
        return rfc3339(self.log.now).encode()

    def forge(self, n: int, **headers: bytes | None) -> None:
        """Another's event, some of its headers changed; None is a null."""
        made = signal(self._topic, "team/m", 7.0, n, source=SOURCE)
        changed = dict(made.headers) | {"ce_time": self.time} | headers
        self.log.append(replace(made, headers=list(changed.items())))  # type: ignore[arg-type]  # null on purpose

    def run(self) -> None:
        self.host.run()

    def snapshot(self) -> None:
        for assignment in self.host.assignments:
            assignment.snapshot()

    def again(self, seals: Seals | None = None) -> Assignment[Any]:
        """Restart: whoever is called comes back with what the snapshots say."""
        self.host = MemoryHost(self.log, self._fold(), seals=seals if seals is not None else self.host.seals)
        return self.host.assignments[0]

    def counts(self) -> dict[str, int]:
        return {unit: state.n for unit, state in self.host.assignments[0].states.items()}

    def stored(self) -> list[Record]:
        return list(self.log.records(SNAPSHOT, 0))

    def refused(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(record.value or b"") for record in self.log.all(QUARANTINE)]
