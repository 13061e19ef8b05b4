"""The auditor on Kafka: reads every log, writes and signs the audit log. One at a time, by a lease; others stand by.

The lease is membership of the consumer group `auditor` on the audit log, which has one partition: whoever it is
assigned to audits. A zombie that still believes in its lease cannot do harm either: its leaf comes second.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import structlog
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from homeostat.artifacts import Pointer
from homeostat.audit.keyring import Keyring, held_requests, read_keyring, refused_offsets
from homeostat.audit.keys import Key
from homeostat.codec import Record
from homeostat.events.logs import AUDIT, GOVERNANCE, QUARANTINE, VERDICTS
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.consumer_loop import ConsumerLoop
from homeostat.runtime.reading import read_partition
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.strategy import IDLE_SECONDS, Partition, Strategy
from homeostat.services.auditor.audit import Audit
from homeostat.services.auditor.auditor import Auditor
from homeostat.services.auditor.chain import Overtaken
from homeostat.services.auditor.resuming import resume_kept
from homeostat.services.auditor.series import AuditSeries

logger = structlog.get_logger(__name__)
_OVERTAKEN_SECONDS: Final = 5.0
"""Before another attempt: time for the group to say who has the lease."""


class AuditorService(Collector, Strategy):
    """Digests all logs into the audit log while it has the lease.

    After a crash it resumes from the audit log itself: what was read and not written is read again. It begins only
    where its kept checkpoint is of the audit log, or an admin has signed that it may go on without.

    Args:
        settings: Of the process.
        cluster: Metadata.
        key: Signs the checkpoints.
        public_keys: That may have signed the kept checkpoint, in hex by id.
        kept: Where the last checkpoint is kept, outside of the broker.
    """

    service = "auditor"
    topics = (AUDIT,)
    is_lease = True

    def __init__(
        self, settings: HostSettings, cluster: Cluster, key: Key, public_keys: Mapping[str, str], kept: Pointer
    ) -> None:
        self._settings, self._cluster, self._key = settings, cluster, key
        self._public_keys, self._kept = public_keys, kept
        self._loop = ConsumerLoop(self.service, settings, cluster, self, self.topics)
        self._has_lease = False
        self._audit: Audit | None = None
        self._retry_at = 0.0
        self._series = AuditSeries()

    @property
    def problem(self) -> str:
        """Why it does not do its work, or nothing; from any thread."""
        audit = self._audit
        return self._loop.problem or (audit.unkept if audit is not None else "")

    def collect(self) -> Iterator[Metric]:
        """Yield the series of the auditor."""
        yield from self._series.collect(time.time(), has_lease=self._has_lease)

    def stop(self) -> None:
        """Ask for a graceful stop."""
        self._loop.stop()

    def run(self) -> None:
        """Audit while it has the lease, stand by while another has it, until `stop`.

        Raises:
            ChainBroken: The audit log does not follow from itself.
            CheckpointLost: The kept checkpoint is not of the audit log, and nobody has signed for that.
            CheckpointUnreadable: The kept checkpoint is none, or signed by nobody who may.
        """
        self._loop.run()

    # -- what the loop of the lease asks for ------------------------------------------------------

    def assigned(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Take the lease."""
        self._has_lease = True
        return dict.fromkeys(partitions, 0)

    def process(self, partition: Partition, records: Sequence[Record]) -> None:
        """Do nothing: it is a lease."""

    def lost(self, partitions: Sequence[Partition]) -> None:
        """Give the lease up."""
        self._has_lease = False

    def timeout(self) -> float:
        """While it audits, the wait is in the loop that reads."""
        return IDLE_SECONDS if self._audit is None else 0.0

    def turned(self) -> None:
        """Audit for one turn, if it has the lease."""
        try:
            if self._has_lease and self._audit is None and time.monotonic() >= self._retry_at:
                self._begin()
            if self._audit is not None and self._has_lease:
                self._audit.turn()
        except Overtaken as overtaken:
            logger.warning("audit_overtaken", leaf=overtaken.index, hint="another auditor had the lease before")
            self._retry_at = time.monotonic() + _OVERTAKEN_SECONDS
            self._end()
        if self._audit is not None and not self._has_lease:
            self._audit.stopped()
            self._end()

    def stopped(self) -> None:
        """Let go out what is written."""
        if self._audit is not None:
            self._audit.stopped()
            self._end()

    # -- how ------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._cluster.load()  # a topic may have been made again since
        topic_id = self._cluster.topic_id(AUDIT)
        written = list(read_partition(self._settings, AUDIT, 0, topic_id))
        kept = self._kept.read()
        chain = resume_kept(written, topic_id, kept, self._kept.url, self._public_keys, self._keyring)
        auditor = Auditor(chain, self._key)
        logger.info("lease_taken", n_leaves=auditor.confirmed.index)
        end = written[-1].offset + 1 if written else 0
        self._audit = Audit(self._settings, self._cluster, auditor, self._kept, self._series, end)

    def _end(self) -> None:
        if self._audit is not None:
            self._audit.close()
        self._audit = None

    def _keyring(self) -> Keyring:
        refused, held = refused_offsets(self._whole(QUARANTINE)), held_requests(self._whole(VERDICTS))
        return read_keyring(self._read(GOVERNANCE, 0), refused, held)

    def _whole(self, topic: str) -> Iterator[Record]:
        return (record for n in range(self._cluster.n_partitions(topic)) for record in self._read(topic, n))

    def _read(self, topic: str, partition: int) -> Iterator[Record]:
        return read_partition(self._settings, topic, partition, self._cluster.topic_id(topic))
