"""The eye that keeps the feature store: reads the experience log into Redis, beside what decides."""

import threading
from collections.abc import Iterator
from typing import Final

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from homeostat.codec import Record
from homeostat.events.logs import EXPERIENCE
from homeostat.feature_store import FeatureStore, FeatureStoreUnavailable, Filling
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.reading import plain_consumer, record_of
from homeostat.runtime.settings import HostSettings
from homeostat.telemetry import metrics

log = structlog.get_logger(__name__)
_POLL_SECONDS: Final = 0.25
_MOST_RECORDS: Final = 500
_CHECK_POLLS: Final = 4
"""About a second without news, until a store that was emptied is noticed."""
_AWAY_SECONDS: Final = 1.0


class FeatureEye(Collector):
    """Fills the feature store until it is stopped; a Redis that is away is waited for, and holds nobody up.

    Any number may run at once: they do the same.

    Args:
        settings: Of the process.
        cluster: Metadata.
        store: The store.
    """

    service = "feature-eye"
    problem = ""
    """None: a process is not less ready to decide because its cache is behind."""

    def __init__(self, settings: HostSettings, cluster: Cluster, store: FeatureStore) -> None:
        self._settings, self._cluster, self._store = settings, cluster, store
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ask for a graceful stop."""
        self._stopping.set()

    def run(self) -> None:
        """Fill the store until `stop`."""
        consumer = plain_consumer(self._settings, self.service, wait_ms=500)
        is_away = False
        while not self._stopping.is_set():
            try:
                filling = Filling(
                    self._store, self._cluster.topic_id(EXPERIENCE), self._cluster.n_partitions(EXPERIENCE)
                )
                if is_away:
                    log.info("feature_store_back")
                is_away = False
                self._fill(consumer, filling)
            except FeatureStoreUnavailable as away:
                if not is_away:
                    log.warning("feature_store_away", reason=str(away))
                is_away = True
                self._stopping.wait(_AWAY_SECONDS)
        consumer.close()
        self._store.close()

    def collect(self) -> Iterator[Metric]:
        """Yield the number of models and the age of the stalest; nothing while the store is away."""
        try:
            summary = self._store.summary()
        except FeatureStoreUnavailable:
            return
        yield _gauge(metrics.META_FEATURES_MODELS, summary.n_models)
        if summary.stalest_seconds is not None:
            yield _gauge(metrics.META_FEATURES_AGE_SECONDS, summary.stalest_seconds)

    def _fill(self, consumer: Consumer, filling: Filling) -> None:
        """Read on from where the store is, until it is somewhere else."""
        consumer.assign(
            [
                TopicPartition(EXPERIENCE, place, OFFSET_BEGINNING if offset is None else offset)
                for place, offset in filling.starts.items()
            ]
        )
        n_idle = 0
        while not self._stopping.is_set():
            records = list(self._read(consumer))
            if records:
                if not filling.take(records):
                    return
                continue
            n_idle += 1
            if n_idle % _CHECK_POLLS == 0 and not filling.is_held():
                return

    def _read(self, consumer: Consumer) -> Iterator[Record]:
        for message in consumer.consume(_MOST_RECORDS, _POLL_SECONDS):
            error = message.error()
            if error is None:
                yield record_of(message, self._cluster.topic_id(EXPERIENCE))
            elif error.code() != KafkaError._PARTITION_EOF:
                log.warning("consume_failed", topic=EXPERIENCE, error=error.str())


def _gauge(entry: metrics.Gauge, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(entry.name, entry.help, value=value)
