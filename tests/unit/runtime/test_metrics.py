"""What a host process shows is what its folds and hands have done."""

from collections.abc import Iterable
from typing import Any, cast

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from homeostat.codec import Record
from homeostat.events import FeatureContract, ModelRegistered, Samples, SignalObserved
from homeostat.events.logs import POLICY_THRESHOLD, TIMELINE
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.hands import HandRunner
from homeostat.runtime.kafka import KafkaHost
from homeostat.runtime.kafka_hands import KafkaHands
from homeostat.runtime.memory import MemoryHost, MemoryLog
from homeostat.runtime.metrics import HostMetrics
from homeostat.runtime.settings import HostSettings
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.telemetry.metrics import CATALOGUE, COMMANDS_DONE, COMMANDS_QUARANTINED, DETECTOR_BLIND
from homeostat.testing.counter import Counter


class Ends:
    """A cluster that knows where logs end, or does not answer."""

    def __init__(self, ends: dict[tuple[str, int], int]) -> None:
        self.by_place = ends

    def ends(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Of the partitions asked for."""
        return {place: self.by_place[place] for place in places if place in self.by_place}


class Idle:
    """A hand that is never given anything."""

    name = "threshold_actuator"
    logs = (POLICY_THRESHOLD,)

    def start(self, command: Any) -> None:
        """Not for this one."""


@pytest.fixture
def host() -> KafkaHost:
    """A counter that has folded three records and refused one, on one partition."""
    log = MemoryLog(partitions=1, start_ms=1_000)
    for number, value in enumerate((1, 1, -1, 1)):
        signal = SignalObserved(layer="edge", name="t", value=value)
        log.publish(TIMELINE, "acme/m", signal, id_=str(number), source="/s")
    memory = MemoryHost(log, Counter(every=2))
    memory.run()
    host = KafkaHost("counters", [memory.fold], HostSettings(), cast(Cluster, Ends({})))
    host.assignments[TIMELINE, 0] = memory.assignments[0]
    host.n_rebalances, host.snapshot_seconds, host.restore_seconds, host.n_ticks = 1, 0.5, 0.25, {"counter": 2}
    return host


def shown(services: list[Any], ends: dict[tuple[str, int], int]) -> CollectorRegistry:
    """A registry that asks these services."""
    registry = CollectorRegistry()
    registry.register(HostMetrics("p", services, cast(Cluster, Ends(ends))))
    return registry


def test_a_fold_is_shown_by_what_it_did(host: KafkaHost) -> None:
    """Records, outputs by type, refusals by reason, times."""
    registry = shown([host], {(TIMELINE, 0): 4})

    assert {
        (name, *labels.values()): registry.get_sample_value(f"homeostat_{name}", labels)
        for name, labels in [
            ("records_folded_total", {"fold": "counter"}),
            ("outputs_total", {"fold": "counter", "type": "indicator.computed"}),
            ("outputs_total", {"fold": "counter", "type": "event.refused"}),
            ("records_refused_total", {"fold": "counter", "reason": "out_of_range"}),
            ("ticks_total", {"fold": "counter"}),
            ("snapshot_seconds_total", {"consumer": "counters"}),
            ("restore_seconds_total", {"consumer": "counters"}),
            ("lag_records", {"consumer": "counter", "log": TIMELINE}),
            ("lag_seconds", {"consumer": "counter", "log": TIMELINE}),
        ]
    } == {
        ("records_folded_total", "counter"): 3,
        ("outputs_total", "counter", "indicator.computed"): 2,
        ("outputs_total", "counter", "event.refused"): 1,
        ("records_refused_total", "counter", "out_of_range"): 1,
        ("ticks_total", "counter"): 2,
        ("snapshot_seconds_total", "counters"): 0.5,
        ("restore_seconds_total", "counters"): 0.25,
        ("lag_records", "counter", TIMELINE): 0,
        ("lag_seconds", "counter", TIMELINE): 0,
    }


def test_lag_is_shown_in_records_and_in_time(host: KafkaHost) -> None:
    """The last record is from the beginning of time; without an answer of the broker nothing is claimed."""
    labels = {"consumer": "counter", "log": TIMELINE}

    behind, silent = shown([host], {(TIMELINE, 0): 9}), shown([host], {})

    assert behind.get_sample_value("homeostat_lag_records", labels) == 5
    assert (behind.get_sample_value("homeostat_lag_seconds", labels) or 0) > 1e9
    assert silent.get_sample_value("homeostat_lag_records", labels) is None
    assert silent.get_sample_value("homeostat_lag_seconds", labels) is None


def test_a_hand_shows_its_lag() -> None:
    """By log, as a fold does."""
    place = (POLICY_THRESHOLD, 0)
    hands = KafkaHands(
        "threshold-actuator", HandRunner(Idle(), public_keys={}), HostSettings(), cast(Cluster, Ends({}))
    )
    hands.process(place, [Record(POLICY_THRESHOLD, "t", 0, 1, 0, b"acme", b"{", [])])

    registry = shown([hands], {place: 5})

    labels = {"consumer": "threshold-actuator", "log": POLICY_THRESHOLD}
    assert registry.get_sample_value("homeostat_lag_records", labels) == 3
    assert registry.get_sample_value("homeostat_tasks_in_flight", {"hand": "threshold-actuator"}) == 0


def test_a_hand_shows_every_outcome_and_every_forgery_from_the_beginning() -> None:
    """At 0, so that the first one is an increase; what a freeze has stopped is not what pages."""
    runner = HandRunner(Idle(), public_keys={})
    hands = KafkaHands("threshold-actuator", runner, HostSettings(), cast(Cluster, Ends({})))

    def series(name: str, label: str) -> dict[str, float]:
        found = shown([hands], {}).collect()
        return {s.labels[label]: s.value for family in found for s in family.samples if s.name == name}

    assert series(COMMANDS_QUARANTINED.name, "reason") == {"unsigned": 0, "unreadable": 0}
    assert series(COMMANDS_DONE.name, "outcome") == dict.fromkeys(("done", "expired", "braked", "stale", "repeated"), 0)

    runner.take(Record(POLICY_THRESHOLD, "t", 0, 0, 0, b"acme", b"{", []), 0)
    runner.refused["braked"] += 1

    assert series(COMMANDS_QUARANTINED.name, "reason") == {"unsigned": 0, "unreadable": 1}
    assert series(COMMANDS_DONE.name, "outcome")["braked"] == 1


def test_a_fold_that_sees_nothing_of_a_model_shows_it() -> None:
    """One model without features is served, another one with features, a third is only registered."""
    log = MemoryLog(partitions=1, start_ms=1_000)
    for model, features in (("acme/bare", ()), ("acme/clad", (FeatureContract(name="x"),)), ("acme/idle", ())):
        contract = ModelRegistered(family="f", champion="v1", features=features)
        log.publish(TIMELINE, model, contract, id_=f"{len(log.records(TIMELINE, 0))}.0", source="/s")
        for _ in range(0 if model == "acme/idle" else 2):
            values = np.ones((len(features), 50), np.float32).tobytes()
            rows = Samples(
                version="v1",
                role="champion",
                request=[str(row) for row in range(50)],
                time=np.ones(50).tobytes(),
                features=[feature.name for feature in features],
                values=values,
                prediction=np.ones(50).tobytes(),
                score=np.ones(50).tobytes(),
            )
            log.publish(TIMELINE, model, rows, id_=f"{len(log.records(TIMELINE, 0))}.0", source="/s")
    memory = MemoryHost(log, DriftDetector())
    memory.run()
    host = KafkaHost("drift-detector", [memory.fold], HostSettings(), cast(Cluster, Ends({})))
    host.assignments[TIMELINE, 0] = memory.assignments[0]

    families = HostMetrics("p", [host], cast(Cluster, Ends({}))).collect()

    samples = [sample for family in families for sample in family.samples if sample.name == DETECTOR_BLIND.name]
    assert [(sample.labels, sample.value) for sample in samples] == [
        ({"scope": "acme", "model": "bare", "cause": "no_features"}, 1.0)
    ]


def test_what_is_shown_is_in_the_catalogue(host: KafkaHost) -> None:
    """Names and labels."""
    known = {entry.name.removesuffix("_total"): set(entry.labels) for entry in CATALOGUE}
    registry = shown([host], {(TIMELINE, 0): 9})

    for family in HostMetrics("p", [host], cast(Cluster, Ends({(TIMELINE, 0): 9}))).collect():
        assert {frozenset(sample.labels) for sample in family.samples} == {frozenset(known[family.name])}
    assert list(registry.collect())
