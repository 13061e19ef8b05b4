"""What the auditor shows."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from homeostat.services.auditor.auditor import Auditor
from homeostat.telemetry import metrics


class AuditSeries:
    """Counts of one auditor; written by its thread, read by whoever scrapes."""

    def __init__(self) -> None:
        self.n_leaves = 0
        self._tree_size = self._n_waiting = self._kept_size = 0
        self._behind_since: float | None = None

    def seen(self, auditor: Auditor) -> None:
        """Note where the auditor is."""
        self._tree_size, self._n_waiting = auditor.confirmed.index, auditor.n_waiting

    def kept(self, now: float, tree_size: int) -> None:
        """Note that a checkpoint was signed and kept.

        Args:
            now: Seconds.
            tree_size: Its leaves.
        """
        self._kept_size, self._behind_since = tree_size, now

    def collect(self, now: float, *, has_lease: bool) -> Iterator[Metric]:
        """Yield the series; the age counts only while there are leaves that no kept checkpoint covers."""
        leaves = CounterMetricFamily(metrics.AUDIT_LEAVES.name.removesuffix("_total"), metrics.AUDIT_LEAVES.help)
        leaves.add_metric([], self.n_leaves)
        yield leaves
        is_behind = has_lease and self._tree_size > self._kept_size
        if is_behind and self._behind_since is None:
            self._behind_since = now
        age = max(0.0, now - self._behind_since) if is_behind and self._behind_since is not None else 0.0
        for entry, value in (
            (metrics.AUDIT_LEASE, float(has_lease)),
            (metrics.AUDIT_TREE_SIZE, self._tree_size),
            (metrics.AUDIT_LAG_RECORDS, self._n_waiting),
            (metrics.AUDIT_CHECKPOINT_AGE_SECONDS, age),
        ):
            yield GaugeMetricFamily(entry.name, entry.help, value=value)
