"""A Kafka host that is timed from the first record it folds to the last output that is acknowledged."""

import time
from typing import Any

from homeostat.core import Fold
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.kafka import KafkaHost
from homeostat_lab.bench.ground import Ground
from homeostat_lab.bench.row import BenchFailed

_STALLED_SECONDS = 60.0


class TimedHost(KafkaHost):
    """Stops by itself when it has folded a number of records.

    Args:
        service: Consumer group.
        fold: What it runs.
        ground: Where.
        cluster: Its topics.
        n: Records that are waiting.
    """

    def __init__(self, service: str, fold: Fold[Any], ground: Ground, cluster: Cluster, n: int) -> None:
        super().__init__(service, [fold], ground.settings, cluster)
        self._n, self._first, self._done = n, 0, 0
        self._started = self._heard = time.perf_counter()
        self.rate = 0.0

    def _tick(self) -> None:
        """Look at the progress after each batch: that is where the host has a pause anyway."""
        super()._tick()
        done, now = sum(a.n_folded + a.n_dropped for a in self.assignments.values()), time.perf_counter()
        if done == self._done:
            if now - self._heard > _STALLED_SECONDS:
                raise BenchFailed(f"{self.service} stands still at {done} of {self._n} records")
            return
        if not self._done:
            self._first, self._started = done, now  # the first batch only starts the clock
        self._done, self._heard = done, now
        if done >= self._n:
            self._outbox.flush()
            self.rate = (done - self._first) / (time.perf_counter() - self._started)
            self.stop()


def rate_of(service: str, fold: Fold[Any], ground: Ground, cluster: Cluster, n: int) -> float:
    """Fold the `n` records that wait in the fold's log; return records per second.

    Args:
        service: Consumer group, new: it begins at the first record.
        fold: What is timed.
        ground: Broker and settings.
        cluster: Metadata; knows the topics.
        n: Records that wait there, >= 1.
    """
    host = TimedHost(service, fold, ground, cluster, n)
    host.run()
    return host.rate
