"""What a host process shows: read off its services when somebody scrapes, nothing counted twice on the way."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from homeostat.host.connection import Cluster
from homeostat.host.kafka import KafkaHost
from homeostat.host.kafka_hands import KafkaHands
from homeostat.telemetry import Metrics, Server, metrics, serve
from homeostat.telemetry.metrics import Metric as Entry


class HostMetrics(Collector):
    """Metrics, health and facts of the services of one process, on one port.

    Args:
        name: Of the process.
        services: What runs in it.
        cluster: Asked where the logs end.
        collectors: Series of theirs.
    """

    def __init__(
        self, name: str, services: Sequence[Any], cluster: Cluster, collectors: Sequence[Collector] = ()
    ) -> None:
        self._name, self._services, self._cluster = name, services, cluster
        self._metrics = Metrics(name, version("homeostat"))
        for collector in (self, *collectors):
            self._metrics.registry.register(collector)

    def serve(self, port: int, address: str) -> Server:
        """Begin to answer; see `telemetry.serve`."""
        return serve(port, self._metrics, info=self._info, readiness=self._waiting, address=address)

    def _waiting(self) -> list[str]:
        return [f"{service.service} has not started" for service in self._services if not service.is_ready]

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

    def _folds(self, hosts: Sequence[KafkaHost]) -> Iterator[Metric]:
        folded, dropped, outputs = (
            _counter(e) for e in (metrics.RECORDS_FOLDED, metrics.RECORDS_DROPPED, metrics.OUTPUTS)
        )
        refused, stored = _counter(metrics.RECORDS_REFUSED), _counter(metrics.SNAPSHOT_BYTES)
        subjects, lag, partitions = (_gauge(e) for e in (metrics.SUBJECTS, metrics.LAG_RECORDS, metrics.PARTITIONS))
        rebalances = _counter(metrics.REBALANCES)
        for host in hosts:
            rebalances.add_metric([host.service], host.n_rebalances)
            ends = self._cluster.ends(list(host.assignments))
            by_fold: dict[str, list[tuple[tuple[str, int], Any]]] = {}
            for place, assignment in list(host.assignments.items()):
                by_fold.setdefault(assignment.fold.name, []).append((place, assignment))
            for fold, placed in sorted(by_fold.items()):
                log, assignments = placed[0][0][0], [assignment for _, assignment in placed]
                folded.add_metric([fold], sum(a.n_folded for a in assignments))
                dropped.add_metric([fold], sum(a.n_dropped for a in assignments))
                outputs.add_metric([fold], sum(a.n_outputs for a in assignments))
                stored.add_metric([fold], sum(a.n_snapshot_bytes for a in assignments))
                subjects.add_metric([fold], sum(len(a.states) for a in assignments))
                partitions.add_metric([fold, log], len(assignments))
                if all(place in ends for place, _ in placed):  # nothing is better than a zero that nobody has seen
                    lag.add_metric([fold, log], sum(max(0, ends[place] - a.position) for place, a in placed))
                for reason in sorted({reason for a in assignments for reason in a.refused}):
                    refused.add_metric([fold, reason], sum(a.refused.get(reason, 0) for a in assignments))
        yield from (folded, dropped, outputs, refused, stored, subjects, lag, partitions, rebalances)

    @staticmethod
    def _hands(hosts: Sequence[KafkaHands]) -> Iterator[Metric]:
        flight, done, brake = _gauge(metrics.TASKS_IN_FLIGHT), _counter(metrics.COMMANDS_DONE), _gauge(metrics.BRAKE)
        for host in hosts:
            runner = host.runner
            flight.add_metric([host.service], runner.n_running)
            done.add_metric([host.service, "refused"], runner.n_refused)
            done.add_metric([host.service, "done"], runner.n_done)
            for scope in runner.braked_scopes():
                brake.add_metric([host.service, scope], 1)
        yield from (flight, done, brake)


def _counter(entry: Entry) -> CounterMetricFamily:
    return CounterMetricFamily(entry.name.removesuffix("_total"), entry.help, labels=entry.labels)


def _gauge(entry: Entry) -> GaugeMetricFamily:
    return GaugeMetricFamily(entry.name, entry.help, labels=entry.labels)
