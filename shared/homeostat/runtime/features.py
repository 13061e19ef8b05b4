"""The eye that keeps the feature store: reads the experience log into Redis, beside what decides."""

from collections.abc import Iterator, Sequence
from math import inf
from typing import TYPE_CHECKING, Final

import structlog
from confluent_kafka import OFFSET_BEGINNING
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from homeostat.codec import Record
from homeostat.core import HomeostatError
from homeostat.core.backoff import Backoff
from homeostat.events.logs import EXPERIENCE
from homeostat.feature_store import FeatureStore, FeatureStoreUnavailable, Filling
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.consumer_loop import ConsumerLoop
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.strategy import Partition, Strategy
from homeostat.telemetry import metrics

if TYPE_CHECKING:
    from homeostat.runtime.process import Context

logger = structlog.get_logger(__name__)
_CHECK_TURNS: Final = 4
"""About a second without news, until a store that was emptied is noticed."""
_AWAY_SECONDS: Final = 1.0
"""From one attempt to reach the store to the next."""


class FeatureEye(Collector, Strategy):
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
        self._cluster, self._store = cluster, store
        self._loop = ConsumerLoop(self.service, settings, cluster, self)
        self._filling: Filling | None = None
        self._n_idle = 0
        self._backoff = Backoff(inf, _AWAY_SECONDS, _AWAY_SECONDS)

    def stop(self) -> None:
        """Ask for a graceful stop."""
        self._loop.stop()

    def run(self) -> None:
        """Fill the store until `stop`."""
        self._loop.run()

    def collect(self) -> Iterator[Metric]:
        """Yield the number of models and the age of the stalest; nothing while the store is away."""
        try:
            summary = self._store.summary()
        except FeatureStoreUnavailable:
            return
        yield _gauge(metrics.META_FEATURES_MODELS, summary.n_models)
        if summary.stalest_seconds is not None:
            yield _gauge(metrics.META_FEATURES_AGE_SECONDS, summary.stalest_seconds)

    # -- what the loop asks for -------------------------------------------------------------------

    def assigned(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Never called: it is in no group, and says itself where it reads."""
        return {}

    def process(self, partition: Partition, records: Sequence[Record]) -> None:
        """Put profiles into the store, unless that is somewhere else than where it was left."""
        self._n_idle = -1
        if self._filling is None:
            return  # read before the store was found to be elsewhere
        try:
            if not self._filling.take(records):
                self._filling = None
        except FeatureStoreUnavailable as away:
            self._lose(away)

    def passes_over(self, partition: Partition, offset: int, reason: str) -> bool:
        """See `Strategy.passes_over`: what cannot be read is in no cache."""
        return True

    def failed(self, partition: Partition | None, error: HomeostatError) -> None:
        """Say it, and read on."""
        logger.warning("consume_failed", topic=EXPERIENCE, error=str(error))

    def turned(self) -> None:
        """Read on from where the store is, if it is somewhere else than before."""
        self._n_idle += 1
        try:
            is_due = self._n_idle > 0 and self._n_idle % _CHECK_TURNS == 0
            if self._filling is not None and is_due and not self._filling.is_held():
                self._filling = None
            if self._filling is None and self._backoff.is_due:
                self._begin()
        except FeatureStoreUnavailable as away:
            self._lose(away)

    def stopped(self) -> None:
        """Disconnect from the store."""
        self._store.close()

    def _begin(self) -> None:
        filling = Filling(self._store, self._cluster.topic_id(EXPERIENCE), self._cluster.n_partitions(EXPERIENCE))
        if self._backoff.n_failed:
            logger.info("feature_store_back")
        self._backoff.succeeded()
        self._filling, self._n_idle = filling, 0
        self._loop.assign({(EXPERIENCE, n): OFFSET_BEGINNING if at is None else at for n, at in filling.starts.items()})

    def _lose(self, away: FeatureStoreUnavailable) -> None:
        self._backoff.failed()
        if self._backoff.n_failed == 1:
            logger.warning("feature_store_away", reason=str(away))
        self._filling = None


def _gauge(entry: metrics.Gauge, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(entry.name, entry.help, value=value)


def online_store(context: "Context") -> list[FeatureEye]:
    """Make the eye that keeps the online feature store, if there is to be one."""
    url = context.settings.redis_url.get_secret_value()
    if not url:
        return []
    eye = FeatureEye(context.settings, context.cluster, FeatureStore(url))
    context.collectors.append(eye)
    return [eye]
