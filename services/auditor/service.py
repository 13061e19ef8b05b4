"""The auditor on Kafka: reads every log, writes and signs the audit log. One at a time, by a lease; others stand by.

The lease is membership of the consumer group `auditor` on the audit log, which has one partition: whoever it is
assigned to audits. A zombie that still believes in its lease cannot do harm either: its leaf comes second.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaError, TopicPartition
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from homeostat.artifacts import Pointer, StoreUnavailable
from homeostat.audit import ORIGIN
from homeostat.audit.kept import write_checkpoint
from homeostat.audit.keyring import Keyring, held_requests, read_keyring, refused_offsets
from homeostat.audit.keys import Key
from homeostat.codec import Output, Record
from homeostat.codec.encode import encode_headers, encode_payload
from homeostat.core import Identity
from homeostat.events import CheckpointSigned, Data, LogDigested
from homeostat.events.logs import AUDIT, GOVERNANCE, LOGS, QUARANTINE, SNAPSHOTS, VERDICTS
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.kafka_outbox import KafkaOutbox
from homeostat.runtime.readiness import Readiness
from homeostat.runtime.reading import (
    group_consumer,
    is_unreadable,
    pass_over,
    plain_consumer,
    read_partition,
    record_of,
)
from homeostat.runtime.settings import HostSettings
from homeostat.services.auditor.auditor import Auditor
from homeostat.services.auditor.chain import Overtaken, Place
from homeostat.services.auditor.resuming import resume_kept
from homeostat.services.auditor.series import AuditSeries

log = structlog.get_logger(__name__)
_SOURCE: Final = "/homeostat/auditor"
_FLUSH_SECONDS: Final = 0.5
_STOP_SECONDS: Final = 0.8
_STANDBY_SECONDS: Final = 0.25
_OVERTAKEN_SECONDS: Final = 5.0
"""Before another attempt: time for the group to say who has the lease."""


class AuditorService(Collector):
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

    def __init__(
        self, settings: HostSettings, cluster: Cluster, key: Key, public_keys: Mapping[str, str], kept: Pointer
    ) -> None:
        self._settings, self._cluster, self._key = settings, cluster, key
        self._public_keys, self._kept = public_keys, kept
        self._stopping = threading.Event()
        self._has_lease = False
        self._readiness = Readiness(self.service, cluster, lambda: self._has_lease)
        self._unkept = ""
        self._last_kept: CheckpointSigned | None = None
        self._series = AuditSeries()

    @property
    def problem(self) -> str:
        """Why it does not do its work, or nothing; from any thread."""
        return self._readiness.problem or self._unkept

    def collect(self) -> Iterator[Metric]:
        """Yield the series of the auditor."""
        yield from self._series.collect(time.time(), has_lease=self._has_lease)

    def stop(self) -> None:
        """Ask for a graceful stop."""
        self._stopping.set()

    def run(self) -> None:
        """Audit while it has the lease, stand by while another has it, until `stop`.

        Raises:
            ChainBroken: The audit log does not follow from itself.
            CheckpointLost: The kept checkpoint is not of the audit log, and nobody has signed for that.
            CheckpointUnreadable: The kept checkpoint is none, or signed by nobody who may.
        """
        group = group_consumer(
            self._settings,
            self.service,
            self._readiness.client_id,
            self._cluster.group_protocol,
            self._readiness.failed,
        )
        group.subscribe([AUDIT], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke)
        while not self._stopping.is_set():
            self._turn(group, _STANDBY_SECONDS)
            if self._has_lease:
                try:
                    self._audit(group)
                except Overtaken as overtaken:
                    log.warning("audit_overtaken", leaf=overtaken.index, hint="another auditor had the lease before")
                    self._stopping.wait(_OVERTAKEN_SECONDS)
        group.close()

    def _turn(self, group: Consumer, seconds: float) -> None:
        """Stay a member of the group; nothing is read through it."""
        self._readiness.turned()
        group.poll(seconds)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._has_lease = True
        consumer.incremental_assign([TopicPartition(place.topic, place.partition, 0) for place in partitions])
        consumer.pause(partitions)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._has_lease = False
        consumer.incremental_unassign(partitions)

    def _audit(self, group: Consumer) -> None:
        self._cluster.load()  # a topic may have been made again since
        topic_id = self._cluster.topic_id(AUDIT)
        written = list(read_partition(self._settings, AUDIT, 0, topic_id))
        kept = self._kept.read()
        chain = resume_kept(written, topic_id, kept, self._kept.url, self._public_keys, self._keyring)
        auditor = Auditor(chain, self._key)
        log.info("lease_taken", n_leaves=auditor.confirmed.index)
        outbox = KafkaOutbox(self._settings, self.service)
        consumer = plain_consumer(self._settings, self.service, wait_ms=500)
        consumer.assign(self._places(auditor, written[-1].offset + 1 if written else 0))
        next_flush = time.monotonic() + _FLUSH_SECONDS
        try:
            while self._has_lease and not self._stopping.is_set():
                self._turn(group, 0.0)
                self._observe(consumer, auditor)
                if time.monotonic() >= next_flush:
                    next_flush = time.monotonic() + _FLUSH_SECONDS
                    self._write(outbox, auditor.flush(int(time.time() * 1000)))
                    self._keep(auditor.signed)
                    self._series.seen(auditor)
            outbox.stop_by(time.monotonic() + _STOP_SECONDS)
            outbox.flush()
        finally:
            consumer.close()

    def _write(self, outbox: KafkaOutbox, due: list[Data]) -> None:
        for data in due:
            outbox.send(_output(data))
            self._series.n_leaves += isinstance(data, LogDigested)
        outbox.serve()

    def _keyring(self) -> Keyring:
        refused, held = refused_offsets(self._whole(QUARANTINE)), held_requests(self._whole(VERDICTS))
        return read_keyring(self._read(GOVERNANCE, 0), refused, held)

    def _whole(self, topic: str) -> Iterator[Record]:
        return (record for place in range(self._cluster.n_partitions(topic)) for record in self._read(topic, place))

    def _read(self, topic: str, partition: int) -> Iterator[Record]:
        return read_partition(self._settings, topic, partition, self._cluster.topic_id(topic))

    def _keep(self, checkpoint: CheckpointSigned | None) -> None:
        """Keep a checkpoint outside of the broker; a place that is full or away is said, and tried again."""
        if checkpoint is None or checkpoint == self._last_kept:
            return
        try:
            self._kept.write(write_checkpoint(checkpoint))
        except StoreUnavailable as away:
            self._unkept = f"the checkpoint of {checkpoint.tree_size} leaves is not kept: {away}"
            log.error("checkpoint_not_kept", tree_size=checkpoint.tree_size, why=str(away))
        else:
            self._unkept, self._last_kept = "", checkpoint
            self._series.kept(time.time(), checkpoint.tree_size)

    def _places(self, auditor: Auditor, audit_end: int) -> list[TopicPartition]:
        places = [TopicPartition(AUDIT, 0, audit_end)]
        for topic in self._audited():
            for partition in range(self._cluster.n_partitions(topic)):
                position = auditor.position(Place(topic, self._cluster.topic_id(topic), partition))
                places.append(TopicPartition(topic, partition, 0 if position is None else position))
        return places

    def _audited(self) -> list[str]:
        """Every log but the audit log itself, and the snapshots of every fold."""
        snapshots = [topic for topic in self._cluster.known() if topic.startswith(SNAPSHOTS)]
        return [*(entry.name for entry in LOGS if entry.name != AUDIT), *sorted(snapshots)]

    def _observe(self, consumer: Consumer, auditor: Auditor) -> None:
        for message in consumer.consume(500, _FLUSH_SECONDS / 2):
            error = message.error()
            if error is None:
                auditor.observe(record_of(message, self._cluster.topic_id(message.topic() or "")))
            elif is_unreadable(error):
                position = pass_over(self._settings, consumer, message)
                log.error("records_unreadable", topic=message.topic(), partition=message.partition(), position=position)
            elif error.code() != KafkaError._PARTITION_EOF:
                log.warning("consume_failed", topic=message.topic(), error=error.str())


def _output(data: Data) -> Output:
    value, content_type = encode_payload(data)
    id_ = f"leaf.{data.index}" if isinstance(data, LogDigested) else f"checkpoint.{getattr(data, 'tree_size', 0)}"
    headers = encode_headers(
        id_=id_,
        source=_SOURCE,
        type_=data.TYPE,
        time=int(time.time() * 1000),
        subject=ORIGIN,
        content_type=content_type,
        story=Identity(f"{_SOURCE}#{id_}"),
    )
    return Output(AUDIT, 0, ORIGIN.encode(), value, headers)
