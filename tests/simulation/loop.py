"""The whole loop on a seeded in-memory log, with processes that die at any record, are stopped and wake up late.

A step may be half written, a snapshot torn, what came through a door repeated. What goes wrong at which record follows
from the seed, so that a run can be played again, and with fewer faults.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from tests.support.memory_scenario import Rehearsal

from homeostat.codec import Output, Record, decode_event
from homeostat.core import Event
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, GOVERNANCE_KEY, POLICIES, REPORTS, TELEMETRY, VERDICTS
from homeostat.runtime.assignment import Assignment
from homeostat.runtime.memory import MemoryHost
from homeostat.runtime.replay import ReplayReport
from homeostat.testing.faulty_outbox import Crash
from homeostat_lab.demo.memory_loop import InMemory, folds, in_memory
from homeostat_lab.demo.proof import prove

Kind = Literal["crash", "torn step", "snapshot", "torn snapshot", "stop", "wake"]
ROUNDS: Final = 70

_SHARES: Final[dict[Kind, float]] = {
    "crash": 0.003,
    "torn step": 0.001,
    "snapshot": 0.03,
    "torn snapshot": 0.001,
    "stop": 0.003,
    "wake": 0.006,
}
"""Of the records folded: some ten crashes and some ten zombies in a run."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and where: once, when the record is folded for the first time."""

    fold: str
    partition: int
    offset: int
    kind: Kind

    def __str__(self) -> str:
        return f"{self.kind} of {self.fold}[{self.partition}] at offset {self.offset}"


class Faults:
    """All faults of a run.

    Args:
        seed: Same seed, same faults.
        only: If given, no others.
    """

    def __init__(self, seed: int, only: frozenset[Fault] | None = None) -> None:
        self._seed, self._only = seed, only
        self._seen: set[tuple[str, int, int]] = set()
        self.fired: list[Fault] = []

    def at(self, fold: str, partition: int, offset: int) -> tuple[Kind | None, random.Random]:
        """What happens at a record, and the chances in it."""
        place = (fold, partition, offset)
        chance = random.Random(f"{self._seed}/{place}")
        kind = None
        if place not in self._seen:
            self._seen.add(place)
            draw = chance.random()
            for name, share in _SHARES.items():
                if 0.0 <= draw < share:
                    fault = Fault(*place, name)
                    if self._only is None or fault in self._only:
                        self.fired.append(fault)
                        kind = name
                draw -= share
        return kind, chance


class FaultyHost(MemoryHost):
    """A host whose process dies, or is stopped and woken, now and then.

    Args:
        host: Whose place it takes.
        faults: Of the run.
    """

    def __init__(self, host: MemoryHost, faults: Faults) -> None:
        self._fuse: int | None = None
        self._faults, self._sign = faults, host.sign
        self._zombies: list[Assignment[Any]] = []
        super().__init__(host.log, host.fold, self._burn)

    def _burn(self, output: Output) -> Output:
        if self._fuse is not None:
            self._fuse -= 1
            if self._fuse < 0:
                raise Crash
        return self._sign(output) if self._sign else output

    def run(self) -> int:
        """Fold everything that is there, however often it takes."""
        n = 0
        for partition in range(len(self.assignments)):
            while (record := self._next(self.assignments[partition])) is not None:
                n += 1
                try:
                    self._fold(partition, record)
                except Crash:
                    self._fuse = None
                    self.assignments[partition] = self.assign(partition)
        return n

    def _next(self, assignment: Assignment[Any]) -> Record | None:
        return self.log.read(self.fold.log, assignment.partition, assignment.position)

    def _fold(self, partition: int, record: Record) -> None:
        kind, chance = self._faults.at(self.fold.name, partition, record.offset)
        owner = self.assignments[partition]
        if kind == "torn step":
            self._fuse = chance.randint(0, 3)
        owner.process(record)
        if kind in ("snapshot", "torn snapshot"):
            self._fuse = chance.randint(0, 8) if kind == "torn snapshot" else None
            owner.snapshot()
        elif kind == "stop":
            self._zombies.append(owner)
            self.assignments[partition] = self.assign(partition)
        elif kind == "wake" and self._zombies:
            self._wake(chance.choice(self._zombies), chance)
        if kind in ("crash", "torn step", "torn snapshot"):
            raise Crash

    def _wake(self, zombie: Assignment[Any], chance: random.Random) -> None:
        """Let one go on where it stood: it folds, and may store what it has."""
        for _ in range(chance.randint(1, 8)):
            record = self._next(zombie)
            if record is not None:
                zombie.process(record)
        if chance.random() < 0.7:
            zombie.snapshot()


@dataclass(slots=True)
class Said:
    """One thing the governor heard or said, in the order of the law.

    Args:
        order: Offset on governance and ordinal; -1 for what was heard.
        event: What.
    """

    order: tuple[int, int]
    event: Event


@dataclass(slots=True)
class Run:
    """A finished run.

    Args:
        system: As it is at the end.
        law: Everything the governor heard and said.
        report: Every decision derived again.
        faults: That happened.
        overdrawn: Rounds after which a budget was exceeded, with the budget.
    """

    system: InMemory
    law: list[Said]
    report: ReplayReport
    faults: list[Fault]
    overdrawn: list[Any]

    def said(self, *types: type) -> Iterator[Said]:
        """Utterances with a payload of these types."""
        return (said for said in self.law if isinstance(said.event.data, types))


def run(seed: int, only: frozenset[Fault] | None = None) -> Run:
    """Play a world with faults; the seed fixes both.

    Args:
        seed: Of the world, the faults, and what is repeated.
        only: If given, no other faults.
    """
    chance, faults, overdrawn = random.Random(seed), Faults(seed, only), []
    with in_memory() as system:
        hosts = [FaultyHost(host, faults) for host in system.loop.hosts]
        system.loop.hosts = list(hosts)
        rehearsal = Rehearsal(system, seed, rounds=ROUNDS)

        def disturb(index: int) -> None:
            repeat(system, chance)
            overdrawn.extend(over_budget(hosts[-1]))

        rehearsal.play(disturb)
        return Run(system, law(system), prove(system, folds()), faults.fired, overdrawn)


def repeat(system: InMemory, chance: random.Random) -> None:
    """Somebody sends again what they have sent before."""
    topic = chance.choice((TELEMETRY, REPORTS))
    records = system.records(topic)[-40:]
    for record in chance.sample(records, min(2, len(records))):
        system.log.append(Output(topic, record.partition, record.key or b"", record.value, record.headers))


def over_budget(governor: MemoryHost) -> list[Any]:
    """Budgets of which more is spent or promised than there is."""
    state = governor.assignments[0].states.get(GOVERNANCE_KEY)
    budgets = state.budgets.by_scope.items() if state is not None else ()
    return [(scope, b) for scope, b in budgets if b.spent + b.reserved > b.money + 1e-9]


def law(system: InMemory) -> list[Said]:
    """What the governor heard and said, without repeats, in one order."""
    found: dict[str, Said] = {}
    for topic in (GOVERNANCE, VERDICTS, EXPERIENCE, *POLICIES):
        for record in system.records(topic):
            event = decode_event(record, time=record.timestamp, emitter="", is_door=False)
            if topic == GOVERNANCE:
                found.setdefault(event.identity, Said((record.offset, -1), event))
            elif event.source.startswith("/homeostat/governor/"):
                offset, _, ordinal = event.id.partition(".")
                found.setdefault(event.identity, Said((int(offset), int(ordinal)), event))
    return sorted(found.values(), key=lambda said: said.order)


Check = Callable[[Run], None]
