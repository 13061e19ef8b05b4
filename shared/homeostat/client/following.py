"""Reads on as records come, says so when nobody answers for long, and goes on where it was in a forked child."""

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from homeostat.client import ending
from homeostat.client.forking import close_beside, drop_in_children, is_child, keep_for_ever
from homeostat.client.logs import Place
from homeostat.codec import Record
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.kafka_errors import BrokerUnreachable
from homeostat.runtime.reading import is_unreadable, pass_over, plain_consumer, record_of
from homeostat.runtime.settings import HostSettings

AWAY_SECONDS: Final = 60.0
"""How long a broker may be away before it is said: longer than a restart, shorter than a person's patience."""

_PROBE_SECONDS: Final = 1.0
_BATCH: Final = 2000
_PASSING: Final = (KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE, KafkaError._TIMED_OUT)
"""The library goes on trying by itself."""


class _Trouble:
    """Since when the broker has not answered; apart from the follower, which the consumer must not keep alive."""

    def __init__(self) -> None:
        self.since: float | None = None

    def begin(self, error: KafkaError) -> None:
        if self.since is None and error.code() in _PASSING:
            self.since = monotonic()


class KafkaFollower:
    """`Follower` on a broker.

    Args:
        settings: Where and how to connect.
        cluster: For the topics' ids.
        start: Offset of each partition to begin at.
        client_id: For the broker's logs.
        away_seconds: How long a broker that does not answer is waited for.
    """

    def __init__(
        self,
        settings: HostSettings,
        cluster: Cluster,
        start: Mapping[Place, int],
        client_id: str,
        away_seconds: float = AWAY_SECONDS,
    ) -> None:
        self._settings, self._client_id, self._away_seconds = settings, client_id, away_seconds
        self._cluster: Cluster | None = cluster
        self._positions, self._trouble = dict(start), _Trouble()
        self._consumer: Consumer | None = None
        self.at_end: set[Place] = set()
        drop_in_children(self)
        ending.end_with_process(self)

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        """Return what has come; `at_end` names the partitions whose end has been reached since the start.

        Raises:
            BrokerUnreachable: What cannot pass by itself, or nobody has answered for `away_seconds`; call it again to
                wait on.
        """
        records: list[Record] = []
        for message in self._first_and_more(timeout_seconds):
            place = (message.topic() or "", message.partition() or 0)
            error: Any = message.error()
            if error is None:
                record = record_of(message, self._topic_id(place[0]))
                self._positions[place] = record.offset + 1
                self._trouble.since = None
                records.append(record)
            elif error.code() == KafkaError._PARTITION_EOF:
                self._trouble.since = None
                self.at_end.add(place)
            elif is_unreadable(error) and self._consumer is not None:
                self._positions[place] = pass_over(self._settings, self._consumer, message)
            elif error.fatal() or (not error.retriable() and error.code() not in _PASSING):
                raise BrokerUnreachable(self._settings.bootstrap_servers, error.str())
        if not records and self._trouble.since is not None:
            self._look_for_the_broker(self._trouble.since)
        return records

    def _first_and_more(self, timeout_seconds: float) -> list[Any]:
        """`consume` waits for a full batch or the whole time-out, so only the first message is waited for."""
        if self._consumer is None:
            self._consumer = plain_consumer(self._settings, self._client_id, on_error=self._trouble.begin)
            self._consumer.assign([TopicPartition(*place, offset) for place, offset in self._positions.items()])
        first = self._consumer.poll(timeout_seconds)
        return [] if first is None else [first, *self._consumer.consume(_BATCH - 1, 0)]

    def _look_for_the_broker(self, since: float) -> None:
        """Ask, once the trouble has lasted: a broker that is back and has nothing new says nothing by itself."""
        if monotonic() - since < self._away_seconds or self._consumer is None:
            return
        self._trouble.since = None
        try:
            self._consumer.list_topics(timeout=_PROBE_SECONDS)
        except KafkaException as error:
            self._trouble.since = monotonic()
            reason = f"for {self._away_seconds:g} s: {error.args[0].str()}"
            raise BrokerUnreachable(self._settings.bootstrap_servers, reason) from None

    def _topic_id(self, topic: str) -> str:
        if self._cluster is None:
            self._cluster = Cluster(self._settings)
        return self._cluster.topic_id(topic)

    def after_fork(self) -> None:
        """See `Forkable`. The child goes on where the parent was."""
        self._keep()
        self._trouble = _Trouble()

    def end(self, timeout_seconds: float) -> None:
        """See `Unfinished`."""
        if is_child():
            self._keep()
        else:
            self.close()

    def _keep(self) -> None:
        keep_for_ever(self._consumer)
        keep_for_ever(self._cluster)
        self._consumer, self._cluster = None, None

    def close(self) -> None:
        """Give connections back; a later `poll` opens them again and goes on."""
        consumer, self._consumer = self._consumer, None
        held: list[object] = [] if self._cluster is None else [self._cluster]
        self._cluster = None
        if consumer is not None:
            close_beside(consumer.close)
        if held:
            close_beside(held.clear)

    def __del__(self) -> None:
        """Give back what nobody closed."""
        if hasattr(self, "at_end"):
            self.close()
