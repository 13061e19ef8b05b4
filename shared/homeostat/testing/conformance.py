"""What every fold must do, as plain functions over (make a fold, records of one partition of its log).

    for check in CHECKS:
        check(MyFold, records)

A check returns None, or raises `NotConforming`. Records are real or made up; the more of the fold they
reach, the more a check is worth: it should be refused something, wake at some time, and emit.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from homeostat.codec import Output, Record, decode_event, encode_payload, encode_state
from homeostat.core import Event, Identity, Position, Reject
from homeostat.events import ClockTicked
from homeostat.events.logs import QUARANTINE
from homeostat.events.routes import TYPES_IN
from homeostat.runtime.memory import MemoryHost, MemoryLog
from homeostat.runtime.replay import compare, replay
from homeostat.runtime.ticks import tick
from homeostat.testing.purity_sandbox import sealed
from homeostat.testing.requirement import NotConforming, require
from homeostat.testing.spies import Refusing, Storing
from homeostat.testing.trial import MakeFold, Trial, derive, line_of

Check = Callable[[MakeFold, Sequence[Record]], None]


_MAX_TICKS: Final = 1000
"""A fold that still wants to be woken after so many ticks goes on for ever."""


def _first_difference(one: Sequence[Any], other: Sequence[Any]) -> str:
    for n, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return f"output {n} is {left!r} and {right!r}"
    return f"{len(one)} and {len(other)} outputs"


def same_log_same_bytes(make: MakeFold, records: Sequence[Record]) -> None:
    """Two fresh folds say the same, byte for byte."""
    one, other = ([line_of(output) for output in derive(make, records)] for _ in range(2))
    require(one == other, "same log, same bytes", _first_difference(one, other))


def uses_nothing_but_its_log(make: MakeFold, records: Sequence[Record]) -> None:
    """No clock, no unseeded chance, no environment, no file, no socket.

    Raises:
        ImpureError: It names what was used.
    """
    free = [line_of(output) for output in derive(make, records)]  # and everything it needs is imported
    with sealed():
        inside = [line_of(output) for output in derive(make, records)]
    require(free == inside, "nothing but its log", _first_difference(free, inside))


def says_what_the_catalogue_knows(make: MakeFold, records: Sequence[Record]) -> None:
    """Every output lies in a log that lists its type, can be read, and has canonical bytes."""
    for output in derive(make, records):
        record = Record(output.topic, "", output.partition, 0, 0, output.key, output.value, output.headers)
        event = decode_event(record, time=0, emitter="", is_door=False)
        lying = {model.TYPE for model in TYPES_IN.get(output.topic, ())}
        require(output.topic not in TYPES_IN or event.type in lying, "catalogue", f"{event.type} in {output.topic}")
        require(encode_payload(event.data)[0] == output.value, "canonical bytes", f"{event.type} {event.identity}")


def states_survive_the_codec(make: MakeFold, records: Sequence[Record]) -> None:
    """After any step the state is stored and read without loss, and what follows is the same."""
    plain = [line_of(output) for output in derive(make, records)]
    stored = [line_of(output) for output in derive(lambda: Storing(make), records)]
    require(plain == stored, "a state survives the codec", _first_difference(plain, stored))


def a_refusal_changes_nothing(make: MakeFold, records: Sequence[Record]) -> None:
    """Check first, mutate last: around every `Reject` the state has the same bytes."""
    derive(lambda: Refusing(make), records)


@dataclass(frozen=True)
class Unheard:
    """A payload of a type that nobody knows yet."""

    TYPE: ClassVar[str] = "homeostat.testing.unheard.v1"


def unknown_types_are_ignored(make: MakeFold, records: Sequence[Record]) -> None:
    """A type from a later version, or a tick for another fold of the log, changes nothing; a door may refuse it."""
    trial, fold = Trial(make, records[0]), make()
    trial.run(records)
    last = records[-1]
    for unit, state in sorted(trial.assignment.states.items()):
        before, wake = encode_state(state), fold.wake_at(state)
        now = trial.assignment.now if wake is None else min(trial.assignment.now, wake - 1)
        for data in (Unheard(), ClockTicked(due=now)):
            event = _event(last, unit, now, data, trial.assignment.emitter)
            try:
                state, emits = fold.step(state, event)
            except Reject:
                require(fold.is_door, "unknown types are ignored", f"{data.TYPE} was refused")
                emits = ()
            require(not emits, "unknown types are ignored", f"{data.TYPE} led to {emits!r:.200}")
            require(encode_state(state) == before, "unknown types are ignored", f"{data.TYPE} changed the state")


def _event(last: Record, subject: str, now: int, data: Any, emitter: str) -> Event:
    return Event(
        id="unheard",
        source="/testing",
        type=data.TYPE,
        subject=subject,
        time=now,
        data=data,
        position=Position(last.topic, last.topic_id, last.partition, last.offset + 1),
        story=Identity("/testing#unheard"),
        emitter=emitter,
    )


def redelivery_changes_nothing(make: MakeFold, records: Sequence[Record]) -> None:
    """The log once more behind itself, as a repeating producer would write it, leads to nothing new.

    Left out: ticks, which are no producer's; and what was refused, which may be right by now. A door may count.
    """
    trial = Trial(make, records[0])
    trial.run(records)
    trial.run(records)  # what lies below the position is passed over
    n, last, before = len(trial.outputs), records[-1], _states(trial)
    refused = {_offset(output) for output in trial.outputs if output.topic == QUARANTINE}
    repeats = (r for r in records if r.offset not in refused and _type(r) != ClockTicked.TYPE.encode())
    for offset, record in enumerate(repeats, last.offset + 1):
        trial.assignment.process(replace(record, offset=offset, timestamp=last.timestamp))
    fresh = trial.outputs[n:]
    require(not fresh, "redelivery is a no-op", f"{len(fresh)} new outputs, the first {fresh[:1]!r:.300}")
    unchanged = trial.assignment.fold.is_door or _states(trial) == before
    require(unchanged, "redelivery is a no-op", "a state has changed")


def _type(record: Record) -> bytes:
    return next((value for name, value in record.headers if name == "ce_type"), b"")


def resumes_anywhere(make: MakeFold, records: Sequence[Record], n_seeds: int = 3) -> None:
    """Crashes at random positions, with snapshots at others: readers see the same, states end the same.

    Args:
        make: Makes the fold, alike each time.
        records: Of one partition of its topic, in order; at least one.
        n_seeds: Runs, each with other crashes.
    """
    whole = Trial(make, records[0])
    whole.run(records)
    for seed in range(n_seeds):
        chance, trial = random.Random(seed), Trial(make, records[0])  # noqa: S311  # a choice of positions
        crash, snapshot = max(0.03, min(0.3, 3 / len(records))), chance.choice((0.1, 0.5))
        while (n := trial.assignment.position - records[0].offset) < len(records):
            trial.assignment.process(records[n])
            if chance.random() < snapshot:
                trial.assignment.snapshot()
            if chance.random() < crash:
                trial.crash()
        require(trial.published() == whole.published(), "resumes anywhere", f"other outputs, seed {seed}")
        require(_states(trial) == _states(whole), "resumes anywhere", f"other states, seed {seed}")


def _states(trial: Trial) -> dict[str, bytes]:
    return {unit: encode_state(state) for unit, state in trial.assignment.states.items()}


def same_on_every_host(make: MakeFold, records: Sequence[Record]) -> None:
    """The in-memory host and a replay of the same log say the same."""
    log = MemoryLog(partitions=1 + records[0].partition)
    for record in records:
        log.now = record.timestamp
        log.append(Output(record.topic, record.partition, record.key or b"", record.value, record.headers))
    host = MemoryHost(log, make())
    host.run()
    source, partition = host.fold.log, records[0].partition
    derived = replay(make(), log.records(source, partition), log.n_partitions)
    written = [record for topic in sorted({output.topic for output in derived}) for record in log.all(topic)]
    report = compare(derived, written, [host.assignments[partition].emitter])
    require(report.is_equal, "the same on every host", f"{report.differences[:1]!r:.500}")


def subjects_are_independent(make: MakeFold, records: Sequence[Record]) -> None:
    """What a unit of state says does not depend on other units: their records may as well be nothing at all."""
    fold, outputs = make(), derive(make, records)
    units = {record.offset: fold.unit((record.key or b"").decode(errors="replace")) for record in records}
    for unit in sorted(set(units.values())):
        alone = [r if units[r.offset] == unit else _nothing(r) for r in records]
        own = [line_of(output) for output in outputs if units[_offset(output)] == unit]
        said = [line_of(output) for output in derive(make, alone) if units[_offset(output)] == unit]
        require(own == said, "subjects are independent", f"{unit}: {_first_difference(own, said)}")


def _offset(output: Output) -> int:
    return int(dict(output.headers)["ce_id"].partition(b".")[0])


def _nothing(record: Record) -> Record:
    """A tick at the same place and time, for somebody who is never heard of otherwise."""
    inert = tick(record.topic, record.partition, "nobody/nothing", "testing", record.timestamp)
    return replace(record, key=inert.key, value=inert.value, headers=inert.headers)


def wakes_as_it_says(make: MakeFold, records: Sequence[Record]) -> None:
    """A tick at `wake_at` is answered: the fold then waits for a later time, or for none; a second tick is harmless."""
    trial = Trial(make, records[0])
    trial.run(records)
    assignment, offset = trial.assignment, records[-1].offset
    for _ in range(_MAX_TICKS):
        if assignment.next_wake is None:
            return
        for unit, due in assignment.due(assignment.next_wake):
            for is_repeat in (False, True):
                n, offset = len(trial.outputs), offset + 1
                assignment.process(_tick(records[0], unit, due, offset, max(due, assignment.now)))
                require(not is_repeat or len(trial.outputs) == n, "a second tick is harmless", f"{unit} at {due}")
            wake = assignment.fold.wake_at(assignment.states[unit])
            require(wake is None or wake > due, "a tick is answered", f"{unit} still waits for {wake} after {due}")
    raise NotConforming("a tick is answered", f"{_MAX_TICKS} ticks and no end")


def _tick(first: Record, unit: str, due: int, offset: int, now: int) -> Record:
    made = tick(first.topic, first.partition, unit, "testing", due)
    return replace(first, offset=offset, timestamp=now, key=made.key, value=made.value, headers=made.headers)


CHECKS: Final[tuple[Check, ...]] = (
    same_log_same_bytes,
    uses_nothing_but_its_log,
    says_what_the_catalogue_knows,
    states_survive_the_codec,
    a_refusal_changes_nothing,
    unknown_types_are_ignored,
    redelivery_changes_nothing,
    resumes_anywhere,
    same_on_every_host,
    subjects_are_independent,
    wakes_as_it_says,
)
"""All of them; each takes (make a fold, records of one partition, at least one)."""
