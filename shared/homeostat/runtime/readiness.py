"""Whether a service that consumes from Kafka does its work, for `/readyz` and whoever is on call."""

import time
from collections.abc import Callable
from typing import Final

import structlog
from confluent_kafka import KafkaError

from homeostat.runtime.cluster import Cluster, client_id_of
from homeostat.runtime.kafka_errors import is_passing

log = structlog.get_logger(__name__)
_STUCK_SECONDS: Final = 30.0
"""A turn of the loop takes a fraction of a second, a restore some seconds."""

_ASK_SECONDS: Final = 5.0


class Readiness:
    """Ready is who has partitions and turns, or is a member of a group in which others have them all.

    Args:
        service: Consumer group.
        cluster: Asked about the group.
        has_partitions: Whether some are assigned.
    """

    def __init__(self, service: str, cluster: Cluster, has_partitions: Callable[[], bool]) -> None:
        self.client_id = client_id_of(service)
        self._service, self._cluster, self._has_partitions = service, cluster, has_partitions
        self._turned_at: float | None = None
        self._error = ""
        self._asked_at, self._is_spare = float("-inf"), False

    def turned(self) -> None:
        """Note that the loop goes round."""
        self._turned_at = time.monotonic()

    def failed(self, error: KafkaError) -> None:
        """Note what Kafka says; the client goes on trying."""
        text = error.str()
        if text != self._error and not is_passing(error):
            log.warning("kafka_failed", service=self._service, error=text)
        self._error = text

    @property
    def problem(self) -> str:
        """What keeps the service from its work; empty if nothing does. From any thread."""
        if self._turned_at is None:
            return f"{self._service} has not started"
        if (stood := time.monotonic() - self._turned_at) > _STUCK_SECONDS:
            return f"{self._service} has been busy for {stood:.0f} s"
        if self._has_partitions() or self._others_have_them():
            self._error = ""
            return ""
        return f"{self._service} has no partitions" + (f": {self._error}" if self._error else "")

    def _others_have_them(self) -> bool:
        if time.monotonic() - self._asked_at > _ASK_SECONDS:
            self._asked_at = time.monotonic()
            self._is_spare = self._cluster.is_spare(self._service, self.client_id)
        return self._is_spare
