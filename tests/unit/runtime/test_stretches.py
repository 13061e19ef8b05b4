"""Records that are folded many at a time give what they give one by one: outputs, counts, states."""

from random import Random
from typing import Any

import pytest
from tests.support import invalid_events
from tests.support.mutations import corpus, mutate

from homeostat.codec import Output, Record
from homeostat.codec.envelope import envelope
from homeostat.core import Fold
from homeostat.core.identity import emit_id, sequence
from homeostat.events import SignalObserved
from homeostat.events.logs import MAX_RECORD_BYTES, TELEMETRY, TIMELINE
from homeostat.runtime.assignment import Assignment
from homeostat.runtime.errors import GapFound
from homeostat.services.intake.telemetry import TelemetryIntake
from homeostat.testing.counter import Counter

SOURCE = "/homeostat/intake.telemetry/homeostat.telemetry/t/0"


class Kept:
    """An outbox that keeps all."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []

    def send(self, output: Output) -> None:
        """Keep it."""
        self.outputs.append(output)

    def flush(self) -> None:
        """Nothing waits."""


def opened(fold: Fold[Any]) -> tuple[Assignment[Any], Kept]:
    """An assignment at the beginning of its log."""
    kept = Kept()
    assignment = Assignment(
        fold, version="v", topic_id="t", partition=0, n_partitions=lambda _: 1, outbox=kept, writer="0" * 8
    )
    assignment.restore([])
    return assignment, kept


def timeline(chance: Random, n: int) -> list[Record]:
    """Signals of a few subjects: among them refused, repeated, forged and enormous ones."""
    records, number = list[Record](), 0
    for offset in range(n):
        kind = chance.random()
        value = -1.0 if kind < 0.1 else chance.random()
        number += 0 if 0.1 < kind < 0.2 else 50 if 0.2 < kind < 0.25 else -20 if 0.25 < kind < 0.3 else 1
        at = max(0, number)
        output = envelope(
            TIMELINE,
            "acme/" + ("m" * MAX_RECORD_BYTES if kind > 0.99 else f"m{chance.randrange(3)}"),
            SignalObserved(layer="edge", name="t", value=value),
            id_=emit_id(at),
            source=SOURCE,
            time=1_700_000_000_000 + offset,
            sequence=sequence(at) if kind < 0.95 else "forged",
        )
        time = 1_700_000_000_000 + chance.randrange(2000)
        records.append(Record(TIMELINE, "t", 0, offset, time, output.key, output.value, output.headers))
    return records


def door(chance: Random, n: int) -> list[Record]:
    """Registrations, rows, labels: good, wrong and broken ones, each many times."""
    good = [record for record in corpus() if record.topic == TELEMETRY]
    odd = [
        Record(bad.door, "t", 0, 0, 0, bad.key, bad.value, list(bad.headers))
        for bad in invalid_events.of_every_kind()
        if bad.door == TELEMETRY
    ]
    some = [chance.choice(odd) if chance.random() < 0.2 else chance.choice(good) for _ in range(n)]
    some = [mutate(chance, record) if chance.random() < 0.2 else record for record in some]
    records = list[Record]()
    for offset, record in enumerate(some):
        headers = [(k, b"%d" % offset if k == "ce_id" and chance.random() < 0.9 else v) for k, v in record.headers]
        time = 1_700_000_000_000 + chance.randrange(2000)
        records.append(Record(TELEMETRY, "t", 0, offset, time, record.key, record.value, headers))
    return records


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", [timeline, door])
def test_many_at_a_time_are_as_one_by_one(make: type, seed: int) -> None:
    """Whatever the stretches are, and whatever is read twice."""
    chance = Random(seed)
    records = make(chance, 400)
    fold = Counter if make is timeline else TelemetryIntake
    one, by_one = opened(fold())
    many, at_once = opened(fold())

    for record in records:
        one.process(record)
    start = 0
    while start < len(records):
        end = start + chance.randrange(1, 90)
        many.process_all(records[max(0, start - 3) : end])
        start = end

    assert at_once.outputs == by_one.outputs
    assert (many.position, many.now, many.refused, many.outputs) == (one.position, one.now, one.refused, one.outputs)
    assert (many.n_folded, many.n_dropped) == (one.n_folded, one.n_dropped)
    one.snapshot()
    many.snapshot()
    assert at_once.outputs == by_one.outputs
    assert one.n_folded > 100
    assert one.refused


def test_what_is_before_a_gap_is_folded_and_sent() -> None:
    """As one by one: the host halts behind it."""
    records = timeline(Random(1), 20)
    assignment, kept = opened(Counter())

    with pytest.raises(GapFound):
        assignment.process_all([*records[:10], *records[12:]])

    assert assignment.position == 10
    one, by_one = opened(Counter())
    for record in records[:10]:
        one.process(record)
    assert kept.outputs == by_one.outputs


def test_what_is_before_a_defect_is_folded_and_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The position names the record that the fold fails at."""
    records = timeline(Random(1), 20)
    assignment, kept = opened(Counter())
    step = Counter.step

    def fails(self: Counter, state: object, event: object) -> object:
        if event.position.offset == 12:  # type: ignore[attr-defined]
            raise ZeroDivisionError
        return step(self, state, event)  # type: ignore[arg-type]

    monkeypatch.setattr(Counter, "step", fails)

    with pytest.raises(ZeroDivisionError):
        assignment.process_all(records)

    assert assignment.position == 13
    one, by_one = opened(Counter())
    for record in records[:12]:
        one.process(record)
    assert kept.outputs == by_one.outputs
