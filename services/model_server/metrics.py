"""Metrics of the model server, for Prometheus; one registry per server."""

from collections import Counter as Counts
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from homeostat.services.model_server.router import Router
from homeostat.serving import Answers

_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1)


class _Versions(Collector):
    """Reads the versions when it is scraped, so that an unloaded one leaves no series behind."""

    def __init__(self, router: Router) -> None:
        self._router = router

    def collect(self) -> Iterator[Metric]:
        """Yield one series per model and loaded version."""
        family = GaugeMetricFamily(
            "homeostat_server_version_info",
            "Versions that are loaded, with their role; always 1.",
            labels=("model", "version", "role"),
        )
        for model in self._router.models:
            for version, role in self._router.state(model).deployment.roles():
                family.add_metric((model, version, role), 1.0)
        yield family


class ServerMetrics:
    """What a model server counts.

    Args:
        router: Whose versions are shown.
    """

    def __init__(self, router: Router) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "homeostat_server_requests",
            "Requests answered by role; served is False where the answer was only mirrored.",
            labelnames=("model", "role", "served"),
            registry=self.registry,
        )
        self._latency = Histogram(
            "homeostat_server_batch_latency_seconds",
            "Time a batch takes inside the server.",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.registry.register(_Versions(router))

    def observe(self, model: str, answers: Answers, latency_seconds: float) -> None:
        """Count one batch.

        Args:
            model: `scope/model`.
            answers: To the batch.
            latency_seconds: That it took inside the server.
        """
        self._latency.observe(latency_seconds)
        n_served = Counts(answers.served.version)
        for version, role in answers.roles.items():
            n_mirrored = len(answers.mirrored[version].rows) if version in answers.mirrored else 0
            if n_mirrored:
                self._requests.labels(model, role, "false").inc(n_mirrored)
            if role != "shadow":
                self._requests.labels(model, role, "true").inc(n_served[version])
