"""Exactly-once by determinism, under seeded faults; and each hole shown to be one when reopened."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from tests.simulation import holes

from homeostat.codec import Output, Record
from homeostat.core import Fold
from homeostat.events.logs import INDICATORS, TELEMETRY, TIMELINE
from homeostat.runtime import newcomers, refusals
from homeostat.runtime.assignment import Assignment
from homeostat.testing.counter import Counter
from homeostat.testing.grower import Grower
from homeostat.testing.signals import signals
from homeostat.testing.simulate import FOLDS, play, play_fresh, reproduce

FRESH_SECONDS = 10.0
"""For each fold, in every run of the tests."""

FOUND_WITHIN = 2000
"""Seeds, of which one shows a hole that is open."""


@pytest.mark.parametrize("fold", FOLDS)
@pytest.mark.parametrize("block", range(4))
def test_no_fault_changes_what_a_reader_sees(fold: str, block: int) -> None:
    """Crashes at every point, torn snapshots, zombies, repeats: 0 lost, 0 doubled, states equal."""
    outcomes = [play(fold, seed) for seed in range(block * 25, block * 25 + 25)]

    assert all(outcome.is_exact for outcome in outcomes)
    assert sum(outcome.n_crashes for outcome in outcomes) > 25
    assert sum(outcome.n_repeats for outcome in outcomes) > 25


@pytest.mark.parametrize("fold", FOLDS)
def test_no_fault_changes_it_on_fresh_seeds(fold: str, first_seed: int, say: Callable[[str], None]) -> None:
    """Other seeds in every run; one that fails is cut short, and said with the command that plays it again."""
    n, failure = play_fresh(fold, first_seed, FRESH_SECONDS)

    say(f"{n} fresh seeds of {fold} from {first_seed}; again: {reproduce(fold, first_seed, n)}")
    assert failure is None, failure
    assert n > 50


def test_what_is_left_out_of_a_flood_is_left_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which refusals of a flood are kept does not depend on crashes either."""
    monkeypatch.setattr(refusals, "FREE", 1)
    monkeypatch.setattr(refusals, "SHARE", 0.0)
    monkeypatch.setattr(refusals, "EVERY", 3)

    outcomes = [play("door", seed) for seed in range(100)]

    assert all(outcome.is_exact for outcome in outcomes)


@pytest.mark.parametrize("most", [1, 2])
def test_who_finds_no_place_at_a_door_finds_none_again(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Which subjects are let in does not depend on crashes, torn snapshots, or a door that is made again."""
    monkeypatch.setattr(newcomers, "SUBJECTS_OF_SCOPE", 100)
    monkeypatch.setattr(newcomers, "SUBJECTS", most)

    outcomes = [play("door", seed) for seed in range(100)]

    assert all(outcome.is_exact for outcome in outcomes)


def is_found(broken: type[Assignment[Any]], fold: str) -> bool:
    """Whether some seed goes wrong, or halts."""
    for seed in range(FOUND_WITHIN):
        try:
            if not play(fold, seed, broken).is_exact:
                return True
        except Exception:
            return True
    return False


@pytest.mark.parametrize(
    ("broken", "fold"),
    [
        (holes.WithoutOwnPosition, "counter"),
        (holes.WithoutWriter, "counter"),
        (holes.WithoutTopicId, "door"),
        (holes.WithoutGeneration, "door"),
        (holes.WithoutKeyPerCopy, "counter"),
        (holes.WithoutKeyPerCopy, "grower"),
        (holes.WithoutPatience, "grower"),
    ],
)
def test_a_reopened_hole_is_found(broken: type[Assignment[Any]], fold: str) -> None:
    """The simulation is sharp enough: with the hole open one of 2,000 seeds goes wrong."""
    assert is_found(broken, fold)


def test_a_message_that_times_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a producer that drops a message and goes on, some seed goes wrong."""
    monkeypatch.setattr("homeostat.testing.simulator.FaultyOutbox", holes.LosesOne)

    assert is_found(Assignment, "counter")


def test_a_failing_seed_is_cut_short() -> None:
    """What is said of a failure is a trace of a few steps that fails by itself."""
    _, failure = play_fresh("counter", 0, 60.0, holes.WithoutWriter)

    assert failure is not None
    assert len(failure.steps) <= 12
    assert "--seed" in str(failure)
    assert not play("counter", failure.seed, holes.WithoutWriter, failure.steps).is_exact


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
        Counter(), version="v", topic_id=topic_id, partition=0, n_partitions=lambda _: 1, outbox=outbox, writer="w"
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
    assert source_of_outputs(holes.WithoutTopicId, "first") == source_of_outputs(holes.WithoutTopicId, "second")


def test_the_folds_are_those_it_says() -> None:
    """One that counts, one whose state is stored in pieces, one at a door."""
    made: list[Fold[Any]] = [FOLDS[name]() for name in ("counter", "grower", "door")]

    assert [(type(fold), fold.log, fold.is_door) for fold in made] == [
        (Counter, TIMELINE, False),
        (Grower, TIMELINE, False),
        (Counter, TELEMETRY, True),
    ]
