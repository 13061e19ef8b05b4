"""The metrics of one process."""

import threading
from typing import TypeVar

import prometheus_client as prometheus
from prometheus_client.exposition import choose_encoder

from homeostat.telemetry import metrics
from homeostat.telemetry.metrics import Counter, Gauge, Histogram, Metric

C = TypeVar("C", prometheus.Counter, prometheus.Gauge, prometheus.Histogram)


class Metrics:
    """Makes the series of the catalogue as they are first used; nothing is registered at import.

    Safe to use from several threads. Fetch a series once and keep it: `inc`, `set` and `observe` on it
    cost about a microsecond, fetching it costs some more. A replay is given no `Metrics`.

    Args:
        service: Name of the process, kebab-case.
        version: Of the distribution.
    """

    def __init__(self, service: str, version: str) -> None:
        self.registry = prometheus.CollectorRegistry()
        self._made: dict[str, prometheus.Counter | prometheus.Gauge | prometheus.Histogram] = {}
        self._lock = threading.Lock()
        prometheus.ProcessCollector(registry=self.registry)
        self.gauge(metrics.BUILD, service=service, version=version).set(1)

    def counter(self, metric: Counter, **labels: str) -> prometheus.Counter:
        """Return the series with these labels; `inc(n, exemplar)` on it.

        Raises:
            ValueError: Other labels than the catalogue's.
        """
        return self._series(metric, prometheus.Counter, labels)

    def gauge(self, metric: Gauge, **labels: str) -> prometheus.Gauge:
        """Return the series with these labels; `set(value)` on it. Raises as `counter`."""
        return self._series(metric, prometheus.Gauge, labels)

    def histogram(self, metric: Histogram, **labels: str) -> prometheus.Histogram:
        """Return the series with these labels; `observe(value, exemplar)` on it. Raises as `counter`."""
        return self._series(metric, prometheus.Histogram, labels)

    def expose(self, accept: str = "") -> tuple[bytes, str]:
        """Return the exposition and its content type: OpenMetrics if `accept` asks for it, else Prometheus text."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def _series(self, metric: Metric, kind: type[C], labels: dict[str, str]) -> C:
        with self._lock:
            made = self._made.get(metric.name)
            if made is None:
                if isinstance(metric, Histogram):
                    made = prometheus.Histogram(
                        metric.name, metric.help, metric.labels, registry=self.registry, buckets=metric.buckets
                    )
                else:
                    made = kind(metric.name, metric.help, metric.labels, registry=self.registry)
                self._made[metric.name] = made
        assert isinstance(made, kind)
        if not metric.labels and not labels:
            return made
        series: C = made.labels(**labels)
        return series
