"""Metrics of the HTTP door, for Prometheus: read off its counts when somebody scrapes."""

from collections import Counter as Counts
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from homeostat.services.http_door.sink import Sink
from homeostat.telemetry import metrics

ACKNOWLEDGED = "acknowledged"


class DoorMetrics(Collector):
    """What a door counts; one object for each.

    Args:
        sink: Whose unacknowledged records are shown.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.requests: Counts[int] = Counts()
        """By HTTP status."""
        self.events: Counts[str] = Counts()
        """By `acknowledged`, or the reason."""
        self.delivery_seconds = 0.0

    def collect(self) -> Iterator[Metric]:
        """Yield every series."""
        for entry, counts in ((metrics.HTTP_REQUESTS, self.requests), (metrics.HTTP_EVENTS, self.events)):
            family = CounterMetricFamily(entry.name.removesuffix("_total"), entry.help, labels=entry.labels)
            for name, n in sorted(counts.items()):
                family.add_metric([str(name)], n)
            yield family
        seconds, waiting = metrics.HTTP_DELIVERY_SECONDS, metrics.HTTP_UNACKNOWLEDGED
        yield CounterMetricFamily(seconds.name.removesuffix("_total"), seconds.help, value=self.delivery_seconds)
        yield GaugeMetricFamily(waiting.name, waiting.help, value=self._sink.n_unacknowledged)
