"""Exactly-once by determinism, under seeded faults; and each hole shown to be one when reopened."""

from collections.abc import Iterable
from typing import Any

import pytest

from homeostat.codec import Output, Record
from homeostat.events.logs import INDICATORS, TIMELINE
from homeostat.host.assignment import Assignment
from homeostat.testing.counter import Counter
from homeostat.testing.signals import signals
from homeostat.testing.simulator import FaultyOutbox, Simulator


def simulate(seed: int, assignment: type[Assignment[Any]] = Assignment) -> bool:
    simulator = Simulator(Counter, signals(TIMELINE, 60, seed), seed, assignment)
    return simulator.run().is_exact


@pytest.mark.parametrize("block", range(8))
def test_no_fault_changes_what_a_reader_sees(block: int) -> None:
    """Crashes at every point, torn snapshots, zombies, repeats: 0 lost, 0 doubled, states equal."""
    outcomes = [
        Simulator(Counter, signals(TIMELINE, 60, seed), seed).run() for seed in range(block * 25, block * 25 + 25)
    ]

    assert all(outcome.is_exact for outcome in outcomes)
    assert sum(outcome.n_crashes for outcome in outcomes) > 25
    assert sum(outcome.n_repeats for outcome in outcomes) > 25


class WithoutOwnPosition(Assignment[Any]):
    """Hole 1 reopened: a state does not know how far it has been folded."""

    def _is_in_state(self, unit: str, offset: int) -> bool:
        return False


class WithoutWriter(Assignment[Any]):
    """Hole 2 reopened: every writer uses the same keys, so a zombie writes over its successor."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **(kwargs | {"writer": "same"}))


class WithoutTopicId(Assignment[Any]):
    """Hole 4 reopened: the source does not name the incarnation of the topic."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **(kwargs | {"topic_id": ""}))


@pytest.mark.parametrize("broken", [WithoutOwnPosition, WithoutWriter])
def test_a_reopened_hole_is_seen(broken: type[Assignment[Any]]) -> None:
    """The simulation is sharp enough: with the hole open some seed of 100 goes wrong."""
    exact = [simulate(seed, broken) for seed in range(100)]

    assert not all(exact)


class LosesOne(FaultyOutbox):
    """Hole 3 reopened: a message times out on its way while later ones are delivered."""

    def deliver(self, n: int) -> None:
        if len(self._queue) > 5:
            del self._queue[0]
        super().deliver(n)


def test_a_message_that_times_out_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a producer that drops a message and goes on, some seed of 50 goes wrong."""
    monkeypatch.setattr("homeostat.testing.simulator.FaultyOutbox", LosesOne)

    assert not all(simulate(seed) for seed in range(50))


class Collect:
    """Outbox that keeps what it is given."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []

    def send(self, output: Output) -> None:
        self.outputs.append(output)

    def flush(self) -> None:
        pass


def source_of_outputs(assignment: type[Assignment[Any]], topic_id: str) -> str:
    """Source of what is written when the input topic has this id."""
    outbox = Collect()
    running = assignment(
        Counter(), version="v", topic_id=topic_id, partition=0, places=lambda _: 1, outbox=outbox, writer="w"
    )
    running.restore(())
    for record in as_records(signals(TIMELINE, 3, 0), topic_id):
        running.process(record)
    return next(dict(o.headers)["ce_source"].decode() for o in outbox.outputs if o.topic == INDICATORS)


def as_records(outputs: Iterable[Output], topic_id: str) -> list[Record]:
    return [Record(o.topic, topic_id, 0, i, i, o.key, o.value, o.headers) for i, o in enumerate(outputs)]


def test_a_topic_made_again_gives_other_identities() -> None:
    """Offsets that start again name other events, because the source holds the topic's id."""
    assert source_of_outputs(Assignment, "first") != source_of_outputs(Assignment, "second")
    assert source_of_outputs(WithoutTopicId, "first") == source_of_outputs(WithoutTopicId, "second")
