"""The metrics of one process."""

import prometheus_client as prometheus
from prometheus_client.exposition import choose_encoder

from homeostat.telemetry import metrics


class Metrics:
    """A registry of its own for a process; collectors register at it, nothing is registered at import.

    Args:
        service: Name of the process, kebab-case.
        version: Of the distribution.
    """

    def __init__(self, service: str, version: str) -> None:
        self.registry = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=self.registry)
        build = metrics.BUILD
        prometheus.Gauge(build.name, build.help, build.labels, registry=self.registry).labels(service, version).set(1)

    def expose(self, accept: str = "") -> tuple[bytes, str]:
        """Return the exposition and its content type: OpenMetrics if `accept` asks for it, else Prometheus text."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type
