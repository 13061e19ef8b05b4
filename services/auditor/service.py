"""The auditor on Kafka: reads every log, writes and signs the audit log. One at a time is enough."""

import threading
import time
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaError, TopicPartition

from auditor.auditor import Auditor
from auditor.chain import Place, resume
from homeostat.audit import ORIGIN
from homeostat.audit.keys import Key
from homeostat.codec import Output
from homeostat.codec.encode import encode_headers, encode_payload
from homeostat.core import Identity
from homeostat.events import Data, LogDigested
from homeostat.events.logs import AUDIT, LOGS
from homeostat.host.connection import Cluster, KafkaOutbox, plain_consumer, read_partition, record_of
from homeostat.host.settings import HostSettings

log = structlog.get_logger(__name__)
_SOURCE: Final = "/homeostat/auditor"
_FLUSH_SECONDS: Final = 0.5
_STOP_SECONDS: Final = 0.8


class AuditorService:
    """Digests all logs into the audit log until it is stopped.

    After a crash it resumes from the audit log itself: what was read and not written is read again.

    Args:
        settings: Of the process.
        cluster: Metadata.
        key: Signs the checkpoints.
    """

    service = "auditor"

    def __init__(self, settings: HostSettings, cluster: Cluster, key: Key) -> None:
        self._settings, self._cluster, self._key = settings, cluster, key
        self._stopping = threading.Event()
        self.is_ready = False

    def stop(self) -> None:
        """Ask for a graceful stop."""
        self._stopping.set()

    def run(self) -> None:
        """Audit until `stop`.

        Raises:
            ChainBroken: Somebody else writes the audit log.
        """
        outbox = KafkaOutbox(self._settings, self.service)
        written = list(read_partition(self._settings, AUDIT, 0, self._cluster.topic_id(AUDIT)))
        auditor = Auditor(resume(written), self._key)
        consumer = plain_consumer(self._settings, self.service, wait_ms=500)
        consumer.assign(self._places(auditor, len(written)))
        self.is_ready, next_flush = True, time.monotonic() + _FLUSH_SECONDS
        while not self._stopping.is_set():
            self._observe(consumer, auditor)
            if time.monotonic() >= next_flush:
                next_flush = time.monotonic() + _FLUSH_SECONDS
                for data in auditor.flush(int(time.time() * 1000)):
                    outbox.send(_output(data))
                outbox.serve()
        outbox.stop_by(time.monotonic() + _STOP_SECONDS)
        outbox.flush()
        consumer.close()

    def _places(self, auditor: Auditor, audit_end: int) -> list[TopicPartition]:
        places = [TopicPartition(AUDIT, 0, audit_end)]
        for entry in LOGS:
            if entry.name == AUDIT:
                continue
            for partition in range(self._cluster.places(entry.name)):
                position = auditor.position(Place(entry.name, self._cluster.topic_id(entry.name), partition))
                places.append(TopicPartition(entry.name, partition, 0 if position is None else position))
        return places

    def _observe(self, consumer: Consumer, auditor: Auditor) -> None:
        for message in consumer.consume(500, _FLUSH_SECONDS / 2):
            error = message.error()
            if error is None:
                auditor.observe(record_of(message, self._cluster.topic_id(message.topic() or "")))
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
