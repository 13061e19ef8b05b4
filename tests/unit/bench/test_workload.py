"""Made-up traffic: what the services take, all of it, and never the same event twice."""

from collections.abc import Iterable
from typing import Any

import pytest

from homeostat.codec import Output, Record
from homeostat.events.logs import EXPERIENCE, INDICATORS, TELEMETRY, TIMELINE
from homeostat.runtime.assignment import Assignment
from homeostat.testing.counter import Counter
from homeostat_lab.bench import NAMES, run
from homeostat_lab.bench.family import experience
from homeostat_lab.bench.folds import fold_of
from homeostat_lab.bench.scale import of_fold
from homeostat_lab.bench.workload import Traffic, indicators

N_MODELS = 6


class Sink:
    """Counts outputs by topic."""

    def __init__(self) -> None:
        self.n: dict[str, int] = {}

    def send(self, output: Output) -> None:
        self.n[output.topic] = self.n.get(output.topic, 0) + 1

    def flush(self) -> None:
        pass


def fold_all(name: str, outputs: Iterable[Output]) -> tuple[Assignment[Any], Sink]:
    """Fold records as one partition."""
    sink = Sink()
    fold = Counter(name="counter", log=TIMELINE) if name == "counter" else fold_of(name)
    assignment = Assignment(
        fold, version="v", topic_id="t", partition=0, n_partitions=lambda _: 1, outbox=sink, writer="w"
    )
    assignment.restore(())
    for offset, output in enumerate(outputs):
        assignment.process(Record(fold.log, "t", 0, offset, offset + 1, output.key, output.value, output.headers))
    return assignment, sink


@pytest.mark.parametrize("n_rows", [1, 100])
def test_intake_admits_every_event(n_rows: int) -> None:
    """Nothing is refused or taken for a duplicate: each event goes on to the timeline."""
    traffic = Traffic(N_MODELS, n_rows, is_inside=False)

    made = [
        *traffic.registrations(TELEMETRY, 1),
        *traffic.events(TELEMETRY, 1, 40),
        *traffic.events(TELEMETRY, 1, 20, 40),
    ]
    assignment, sink = fold_all("intake.telemetry", made)

    assert assignment.refused == {}
    assert sink.n[TIMELINE] == N_MODELS + 60


@pytest.mark.parametrize(("n_rows", "n_buckets"), [(1, 1), (100, 10)])
def test_the_detector_counts_every_event(n_rows: int, n_buckets: int) -> None:
    """Inside events are in sequence and the champion's: ten of them open one bucket, or one each if they are long."""
    traffic = Traffic(N_MODELS, n_rows, is_inside=True)

    assignment, _ = fold_all(
        "drift_detector", [*traffic.registrations(TIMELINE, 1), *traffic.events(TIMELINE, 1, 10 * N_MODELS)]
    )

    assert assignment.n_dropped == 0
    assert [state.buckets.n_opened for state in assignment.states.values()] == [n_buckets] * N_MODELS


def test_half_of_the_models_of_a_family_get_a_proposal() -> None:
    """The learner's log is whole: families, models, drifts, profiles; nothing is refused."""
    assignment, sink = fold_all("meta_learner", experience(40, 10))

    assert assignment.refused == {}
    assert sum(len(state.decisions.pending) for state in assignment.states.values()) == 20
    assert sink.n["homeostat.governance"] == 40 + 20


def test_each_indicator_gives_one_output() -> None:
    """The host's benchmark is one to one, as the bare loop's."""
    _, sink = fold_all("counter", [*indicators(TIMELINE, 1, 30), *indicators(TIMELINE, 1, 30, 30)])

    assert sink.n[INDICATORS] == 60


def test_places_follow_the_key() -> None:
    """A model lies in one partition, so that its events stay in order."""
    places: dict[bytes, set[int]] = {}
    for output in Traffic(N_MODELS, 1, is_inside=False).events(TELEMETRY, 4, 60):
        places.setdefault(output.key, set()).add(output.partition)

    assert all(len(found) == 1 for found in places.values())


@pytest.mark.parametrize("name", ["intake.telemetry", "drift_detector", "meta_learner"])
def test_scale_measures_memory_snapshots_and_restore(name: str) -> None:
    """Few models give the same rows as many: four figures each, none of them missing."""
    rows = of_fold(name, 20)

    assert [row.name.partition(": ")[2].split()[0] for row in rows] == ["memory", "snapshots", "one", "restore"]
    assert all(row.value is not None for row in rows)


def test_an_unknown_benchmark_is_an_error() -> None:
    """The names are a closed list."""
    assert NAMES == ("pipeline", "scale", "learning", "floods", "serving", "http")
    with pytest.raises(KeyError):
        run("nothing")


def test_the_log_of_the_learner_is_its_own() -> None:
    """Everything made up for it lies where it reads."""
    assert {output.topic for output in experience(10, 5)} == {EXPERIENCE}
