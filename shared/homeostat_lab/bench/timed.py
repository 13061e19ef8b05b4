"""A Kafka host that is timed from the first record it folds to the last output that is acknowledged."""

import time
from typing import Any, Final

from homeostat.core import Fold
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.kafka import KafkaHost
from homeostat.runtime.observer import HostObserver
from homeostat_lab.bench.ground import Ground
from homeostat_lab.bench.row import BenchFailed

_STALLED_SECONDS: Final = 60.0


class Stopwatch(HostObserver):
    """Stops a host when it has folded a number of records.

    Args:
        n: Records that are waiting.

    Attributes:
        host: That is timed.
        rate: Records per second of wall time, when it is over.
        cpu_seconds: Of all threads of the process, per record.
    """

    host: KafkaHost

    def __init__(self, n: int) -> None:
        self._n, self._first, self._done = n, 0, 0
        self._started = self._heard = time.perf_counter()
        self._cpu = 0.0
        self.rate = self.cpu_seconds = 0.0

    def turned(self) -> None:
        """Look at the progress after each batch."""
        done = sum(a.n_folded + a.n_dropped for a in self.host.assignments.values())
        now = time.perf_counter()
        if done == self._done:
            if now - self._heard > _STALLED_SECONDS:
                raise BenchFailed(f"{self.host.service} stands still at {done} of {self._n} records")
            return
        if not self._done:
            self._first, self._started, self._cpu = done, now, time.process_time()  # the first batch starts the clock
        self._done, self._heard = done, now
        if done >= self._n:
            self.host.flush()
            self.rate = (done - self._first) / (time.perf_counter() - self._started)
            self.cpu_seconds = (time.process_time() - self._cpu) / max(1, done - self._first)
            self.host.stop()


def rate_of(service: str, fold: Fold[Any], ground: Ground, cluster: Cluster, n: int) -> float:
    """Fold the `n` records that wait in the fold's log; return records per second.

    Args:
        service: Consumer group, new: it begins at the first record.
        fold: What is timed.
        ground: Broker and settings.
        cluster: Metadata; knows the topics.
        n: Records that wait there, >= 1.
    """
    stopwatch = Stopwatch(n)
    stopwatch.host = KafkaHost(service, [fold], ground.settings, cluster, observer=stopwatch)
    stopwatch.host.run()
    return stopwatch.rate
