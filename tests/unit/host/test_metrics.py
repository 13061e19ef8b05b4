"""What a host process shows is what its folds and hands have done."""

from collections.abc import Iterable
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from homeostat.events import SignalObserved
from homeostat.events.logs import POLICY_THRESHOLD, TIMELINE
from homeostat.host.connection import Cluster
from homeostat.host.hands import HandRunner
from homeostat.host.kafka import KafkaHost
from homeostat.host.kafka_hands import KafkaHands
from homeostat.host.memory import MemoryHost, MemoryLog
from homeostat.host.metrics import HostMetrics
from homeostat.host.settings import HostSettings
from homeostat.telemetry.metrics import CATALOGUE
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
    hands._positions[place] = 2

    registry = shown([hands], {place: 5})

    labels = {"consumer": "threshold-actuator", "log": POLICY_THRESHOLD}
    assert registry.get_sample_value("homeostat_lag_records", labels) == 3
    assert registry.get_sample_value("homeostat_tasks_in_flight", {"hand": "threshold-actuator"}) == 0


def test_what_is_shown_is_in_the_catalogue(host: KafkaHost) -> None:
    """Names and labels."""
    known = {entry.name.removesuffix("_total"): set(entry.labels) for entry in CATALOGUE}
    registry = shown([host], {(TIMELINE, 0): 9})

    for family in HostMetrics("p", [host], cast(Cluster, Ends({(TIMELINE, 0): 9}))).collect():
        assert {frozenset(sample.labels) for sample in family.samples} == {frozenset(known[family.name])}
    assert list(registry.collect())
