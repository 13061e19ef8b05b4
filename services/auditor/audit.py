"""One term of an auditor: from the lease to its loss, everything is read and the audit log is written."""

import time
from collections.abc import Sequence
from typing import Final

import structlog

from homeostat.artifacts import Pointer, StoreUnavailable
from homeostat.audit import ORIGIN
from homeostat.audit.kept import write_checkpoint
from homeostat.codec import Output, Record
from homeostat.codec.envelope import envelope
from homeostat.core import HomeostatError
from homeostat.events import CheckpointSigned, Data, LogDigested
from homeostat.events.logs import AUDIT, LOGS, SNAPSHOTS
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.consumer_loop import ConsumerLoop
from homeostat.runtime.kafka_outbox import KafkaOutbox
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.strategy import Partition, Strategy
from homeostat.services.auditor.auditor import Auditor
from homeostat.services.auditor.chain import Place
from homeostat.services.auditor.series import AuditSeries

logger = structlog.get_logger(__name__)
_SOURCE: Final = "/homeostat/auditor"
_FLUSH_SECONDS: Final = 0.5
_STOP_SECONDS: Final = 0.8


class Audit(Strategy):
    """Reads every log from where the chain stands, and writes what is due twice a second.

    Order of calls: `turn` as long as the lease lasts, `stopped` unless it was overtaken, `close`.

    Args:
        settings: Of the process.
        cluster: Metadata, loaded.
        auditor: Resumed.
        kept: Where the last checkpoint is kept, outside of the broker.
        series: Shown of it.
        audit_end: Offset in the audit log behind what the auditor was resumed from.
    """

    def __init__(
        self,
        settings: HostSettings,
        cluster: Cluster,
        auditor: Auditor,
        kept: Pointer,
        series: AuditSeries,
        audit_end: int,
    ) -> None:
        self._cluster, self._auditor, self._kept, self._series = cluster, auditor, kept, series
        self._outbox = KafkaOutbox(settings, "auditor")
        self._loop = ConsumerLoop("auditor", settings, cluster, self)
        self._next_flush = time.monotonic() + _FLUSH_SECONDS
        self._last_kept: CheckpointSigned | None = None
        self.unkept = ""
        self._loop.open()
        self._loop.assign(self._starts(audit_end))

    def turn(self) -> None:
        """Read at most one batch, and write what is due.

        Raises:
            Overtaken: Another auditor has written meanwhile.
        """
        self._loop.turn()

    def close(self) -> None:
        """Disconnect."""
        self._loop.close()

    # -- what the loop asks for -------------------------------------------------------------------

    def assigned(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Never called: it is in no group, and says itself where it reads."""
        return {}

    def process(self, partition: Partition, records: Sequence[Record]) -> None:
        """Digest records."""
        for record in records:
            self._auditor.observe(record)

    def passes_over(self, partition: Partition, offset: int, reason: str) -> bool:
        """Digest what can be read; the gap is in the digest.

        Args:
            partition: Topic and partition.
            offset: That cannot be read.
            reason: Why.
        """
        return True

    def failed(self, partition: Partition | None, error: HomeostatError) -> None:
        """Say it, and read on."""
        logger.warning("consume_failed", topic=partition and partition[0], error=str(error))

    def turned(self) -> None:
        """Write leaves and checkpoints that are due."""
        if time.monotonic() < self._next_flush:
            return
        self._next_flush = time.monotonic() + _FLUSH_SECONDS
        for data in self._auditor.flush(int(time.time() * 1000)):
            self._outbox.send(_output(data))
            self._series.n_leaves += isinstance(data, LogDigested)
        self._outbox.serve()
        self._keep(self._auditor.signed)
        self._series.seen(self._auditor)

    def stopped(self) -> None:
        """Wait until what was written is acknowledged."""
        self._outbox.stop_by(time.monotonic() + _STOP_SECONDS)
        self._outbox.flush()

    # -- how ------------------------------------------------------------------------------------

    def _keep(self, checkpoint: CheckpointSigned | None) -> None:
        """Keep a checkpoint outside of the broker; a place that is full or away is said, and tried again."""
        if checkpoint is None or checkpoint == self._last_kept:
            return
        try:
            self._kept.write(write_checkpoint(checkpoint))
        except StoreUnavailable as away:
            self.unkept = f"the checkpoint of {checkpoint.tree_size} leaves is not kept: {away}"
            logger.error("checkpoint_not_kept", tree_size=checkpoint.tree_size, why=str(away))
        else:
            self.unkept, self._last_kept = "", checkpoint
            self._series.kept(time.time(), checkpoint.tree_size)

    def _starts(self, audit_end: int) -> dict[Partition, int]:
        starts = {(AUDIT, 0): audit_end}
        for topic in self._audited():
            for number in range(self._cluster.n_partitions(topic)):
                position = self._auditor.position(Place(topic, self._cluster.topic_id(topic), number))
                starts[topic, number] = 0 if position is None else position
        return starts

    def _audited(self) -> list[str]:
        """Every log but the audit log itself, and the snapshots of every fold."""
        snapshots = [topic for topic in self._cluster.known() if topic.startswith(SNAPSHOTS)]
        return [*(entry.name for entry in LOGS if entry.name != AUDIT), *sorted(snapshots)]


def _output(data: Data) -> Output:
    id_ = f"leaf.{data.index}" if isinstance(data, LogDigested) else f"checkpoint.{getattr(data, 'tree_size', 0)}"
    return envelope(AUDIT, ORIGIN, data, id_=id_, source=_SOURCE, time=int(time.time() * 1000), partition=0)
