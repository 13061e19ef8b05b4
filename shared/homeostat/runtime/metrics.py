"""What a host process shows: read off its services when somebody scrapes, nothing counted twice on the way."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from homeostat.events import short
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.kafka import KafkaHost
from homeostat.runtime.kafka_hands import KafkaHands
from homeostat.runtime.topic_monitor import TopicMonitor
from homeostat.telemetry import metrics
from homeostat.telemetry.metrics import Counter, Gauge
from homeostat.telemetry.registry import Metrics
from homeostat.telemetry.server import Server, serve


class HostMetrics(Collector):
    """Metrics, health and facts of the services of one process, on one port.

    Args:
        name: Of the process.
        services: What runs in it.
        cluster: Asked where the logs end.
        collectors: Series of theirs.
        watch: Looks at the topics.
    """

    def __init__(
        self,
        name: str,
        services: Sequence[Any],
        cluster: Cluster,
        collectors: Sequence[Collector] = (),
        watch: TopicMonitor | None = None,
    ) -> None:
        self._name, self._services, self._cluster, self._watch = name, services, cluster, watch
        self._metrics = Metrics(name, version("homeostat"))
        for collector in (self, *collectors):
            self._metrics.registry.register(collector)

    def serve(self, port: int, address: str) -> Server:
        """Begin to answer; see `telemetry.serve`."""
        return serve(port, self._metrics, info=self._info, readiness=self._waiting, address=address)

    def _waiting(self) -> list[str]:
        return [problem for service in self._services if (problem := service.problem)]

    def _info(self) -> dict[str, object]:
        hosts = [service for service in self._services if isinstance(service, KafkaHost)]
        return {
            "name": self._name,
            "services": [service.service for service in self._services],
            "versions": {fold: digest for host in hosts for fold, digest in host.versions.items()},
            "assignments": {
                f"{topic}[{partition}]": assignment.position
                for host in hosts
                for (topic, partition), assignment in sorted(host.assignments.items())
            },
        }

    def collect(self) -> Iterator[Metric]:
        """Yield every series of the process."""
        yield from self._folds([service for service in self._services if isinstance(service, KafkaHost)])
        yield from self._hands([service for service in self._services if isinstance(service, KafkaHands)])
        found = _Families()
        for check, n in _sums([{finding.check: 1} for finding in (self._watch.findings if self._watch else ())]):
            found.gauge(metrics.KAFKA_FINDINGS, [check], n)
        yield from found

    def _folds(self, hosts: Sequence[KafkaHost]) -> Iterator[Metric]:
        found = _Families()
        for host in hosts:
            found.counter(metrics.REBALANCES, [host.service], host.n_rebalances)
            found.counter(metrics.SNAPSHOT_SECONDS, [host.service], host.snapshot_seconds)
            found.counter(metrics.RESTORE_SECONDS, [host.service], host.restore_seconds)
            for fold, n in sorted(dict(host.n_ticks).items()):
                found.counter(metrics.TICKS, [fold], n)
            for (fold, reason), n in sorted(dict(host.n_lost).items()):
                found.counter(metrics.DOOR_RECORDS_LOST, [fold, reason], n)
            ends = self._cluster.ends(list(host.assignments))
            by_fold: dict[str, list[tuple[tuple[str, int], Any]]] = {}
            for place, assignment in list(host.assignments.items()):
                by_fold.setdefault(assignment.fold.name, []).append((place, assignment))
            for fold, placed in sorted(by_fold.items()):
                log, assignments = placed[0][0][0], [assignment for _, assignment in placed]
                found.counter(metrics.RECORDS_FOLDED, [fold], sum(a.n_folded for a in assignments))
                found.counter(metrics.RECORDS_DROPPED, [fold], sum(a.n_dropped for a in assignments))
                found.counter(metrics.SNAPSHOT_BYTES, [fold], sum(a.snapshots.n_bytes for a in assignments))
                for type_, n in _sums(a.outputs for a in assignments):
                    found.counter(metrics.OUTPUTS, [fold, short(type_)], n)
                for reason, n in _sums(a.refused for a in assignments):
                    found.counter(metrics.RECORDS_REFUSED, [fold, reason], n)
                for outcome, n in _sums([getattr(assignments[0].fold, "counts", {})]):
                    found.counter(metrics.DOOR_EVENTS, [fold, outcome], n)
                for subject, cause in _blind(assignments):
                    scope, _, model = subject.partition("/")
                    found.gauge(metrics.DETECTOR_BLIND, [scope, model, cause], 1)
                if assignments[0].fold.is_door:
                    found.counter(metrics.DOOR_RECORDS_FORWARDED, [fold], sum(a.n_forwarded for a in assignments))
                    found.counter(metrics.RECORDS_LEFT_OUT, [fold], sum(a.n_left_out for a in assignments))
                found.gauge(metrics.SUBJECTS, [fold], sum(len(a.states) for a in assignments))
                found.gauge(metrics.PARTITIONS, [fold, log], len(assignments))
                if all(place in ends for place, _ in placed):  # nothing is better than a zero that nobody has seen
                    behind = [(max(0, ends[place] - a.position), a.now) for place, a in placed]
                    found.gauge(metrics.LAG_RECORDS, [fold, log], sum(n for n, _ in behind))
                    oldest = min((now for n, now in behind if n and now), default=None)
                    age = 0.0 if oldest is None else max(0.0, time.time() - oldest / 1000)
                    found.gauge(metrics.LAG_SECONDS, [fold, log], age)
        yield from found

    def _hands(self, hosts: Sequence[KafkaHands]) -> Iterator[Metric]:
        found = _Families()
        for host in hosts:
            runner, service = host.runner, host.service
            found.gauge(metrics.TASKS_IN_FLIGHT, [service], runner.n_running)
            found.counter(metrics.COMMANDS_DONE, [service, "done"], runner.n_done)
            for reason, n in _sums([runner.refused]):
                found.counter(metrics.COMMANDS_DONE, [service, reason], n)
            for reason, n in _sums([runner.quarantined]):
                found.counter(metrics.COMMANDS_QUARANTINED, [service, reason], n)
            for type_, n in _sums([runner.reports]):
                found.counter(metrics.REPORTS, [service, short(type_)], n)
            for scope in runner.braked_scopes():
                found.gauge(metrics.BRAKE, [service, scope], 1)
            positions = host.positions
            ends = self._cluster.ends(positions)
            for log in sorted({log for log, _ in positions}):
                own = {place: position for place, position in positions.items() if place[0] == log}
                found.gauge(metrics.PARTITIONS, [service, log], len(own))
                if own.keys() <= ends.keys():  # as above
                    lag = sum(max(0, ends[place] - position) for place, position in own.items())
                    found.gauge(metrics.LAG_RECORDS, [service, log], lag)
        yield from found


class _Families:
    """Series by entry of the catalogue, in the order they were first added."""

    def __init__(self) -> None:
        self._counters: dict[str, CounterMetricFamily] = {}
        self._gauges: dict[str, GaugeMetricFamily] = {}

    def counter(self, entry: Counter, labels: Sequence[str], value: float) -> None:
        if entry.name not in self._counters:
            name = entry.name.removesuffix("_total")
            self._counters[entry.name] = CounterMetricFamily(name, entry.help, labels=entry.labels)
        self._counters[entry.name].add_metric(labels, value)

    def gauge(self, entry: Gauge, labels: Sequence[str], value: float) -> None:
        if entry.name not in self._gauges:
            self._gauges[entry.name] = GaugeMetricFamily(entry.name, entry.help, labels=entry.labels)
        self._gauges[entry.name].add_metric(labels, value)

    def __iter__(self) -> Iterator[Metric]:
        yield from self._counters.values()
        yield from self._gauges.values()


def _blind(assignments: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Ask a fold that knows it of which subjects it does not see what it should, and why."""
    why = getattr(assignments[0].fold, "blindness", None)
    if why is None:
        return
    states = {subject: state for a in assignments for subject, state in list(a.states.items())}
    for subject, state in sorted(states.items()):
        if cause := why(state):
            yield subject, cause


def _sums(counts: Iterable[Mapping[str, int]]) -> list[tuple[str, int]]:
    """Add counts up by name; each is copied first, its thread goes on counting."""
    total: dict[str, int] = {}
    for count in counts:
        for name, n in dict(count).items():
            total[name] = total.get(name, 0) + n
    return sorted(total.items())
