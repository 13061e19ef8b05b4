"""The logs on a Kafka broker, through one connection of each kind, opened when it is needed."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import EarliestSpec, LatestSpec, OffsetSpec, TimestampSpec

from homeostat.client import ending
from homeostat.client.errors import DeliveryFailed
from homeostat.client.following import KafkaFollower
from homeostat.client.forking import close_beside, drop_in_children, is_child, keep_for_ever
from homeostat.client.logs import Place
from homeostat.client.producing import ClientProducer
from homeostat.codec import Output, Record
from homeostat.core import HomeostatError
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.kafka_errors import BrokerUnreachable, error_of, insist
from homeostat.runtime.settings import HostSettings

_TIMEOUT_SECONDS: Final = 10.0
_CONNECT_SECONDS: Final = 4.0
_STUCK_SECONDS: Final = 30
"""After so long without a record that is known to be there, nobody answers."""


class QuietSettings(HostSettings):
    """Settings of a client whose errors reach the caller as exceptions, not as log lines of the library."""

    def client(self) -> dict[str, str | int | float | bool]:
        """As the host's, silent."""
        return super().client() | {"log_level": 0}


class KafkaLogs:
    """`Logs` on a broker. A forked child has connections of its own.

    Args:
        settings: Where and how to connect.
        client_id: For the broker's logs.
    """

    def __init__(self, settings: HostSettings, client_id: str = "homeostat-client") -> None:
        self.settings = QuietSettings.model_construct(**vars(settings))
        self._client_id = client_id
        self._cluster: Cluster | None = None
        self._admin: AdminClient | None = None
        self._producer: ClientProducer | None = None
        drop_in_children(self)
        ending.end_with_process(self)

    def after_fork(self) -> None:
        """See `Forkable`; the producer looks after itself."""
        self._keep()
        self._producer = None

    def end(self, timeout_seconds: float) -> None:
        """See `Unfinished`; the producer looks after itself."""
        if is_child():
            self._keep()
        else:
            self._let_go()

    def _keep(self) -> None:
        keep_for_ever(self._cluster)
        keep_for_ever(self._admin)
        self._admin = self._cluster = None

    def _let_go(self) -> None:
        held: list[object] = [one for one in (self._admin, self._cluster) if one is not None]
        self._admin = self._cluster = None
        if held:
            close_beside(held.clear)

    def __del__(self) -> None:
        """Give back what nobody closed."""
        if hasattr(self, "_cluster"):
            self._let_go()

    def _loaded(self) -> Cluster:
        if self._cluster is None:
            cluster = Cluster(self.settings)
            cluster.load(_CONNECT_SECONDS)
            self._cluster = cluster
        return self._cluster

    def _admin_client(self) -> AdminClient:
        self._loaded()
        if self._admin is None:
            self._admin = AdminClient(self.settings.client())
        return self._admin

    def now(self) -> int:
        """This machine's clock: a signature's validity leaves room for the difference."""
        return int(time.time() * 1000)

    def topics(self) -> Mapping[str, int]:
        """Partitions of every topic of ours there is."""
        try:
            found = self._admin_client().list_topics(timeout=_TIMEOUT_SECONDS).topics
        except KafkaException as error:
            raise self._unreachable(error) from None
        return {name: len(topic.partitions) for name, topic in sorted(found.items()) if name.startswith("homeostat.")}

    def n_partitions(self, topic: str) -> int:
        """Number of partitions."""
        return self._loaded().n_partitions(topic)

    def topic_id(self, topic: str) -> str:
        """Incarnation of a topic."""
        return self._loaded().topic_id(topic)

    def ranges(self, topics: Sequence[str]) -> Mapping[Place, tuple[int, int]]:
        """First offset there is and the one after the last, of every partition."""
        places = [TopicPartition(topic, p) for topic in topics for p in range(self.n_partitions(topic))]
        low = self._offsets(dict.fromkeys(places, EarliestSpec()))  # type: ignore[no-untyped-call]  # as shipped
        high = self._offsets(dict.fromkeys(places, LatestSpec()))  # type: ignore[no-untyped-call]  # as shipped
        return {place: (low[place], high[place]) for place in low}

    def _offsets(self, wanted: Mapping[TopicPartition, OffsetSpec]) -> dict[Place, int]:
        if not wanted:
            return {}

        def ask() -> dict[Place, int]:
            futures = self._admin_client().list_offsets(dict(wanted), request_timeout=_TIMEOUT_SECONDS)
            return {(place.topic, place.partition): future.result().offset for place, future in futures.items()}

        try:
            return insist(ask)  # a topic that was just made has no leader yet
        except KafkaException as error:
            raise self._unreachable(error) from None

    def committed(self) -> Mapping[str, Mapping[Place, int]]:
        """Offsets that the consumer groups have committed on our topics."""
        admin = self._admin_client()
        found: dict[str, Mapping[Place, int]] = {}
        try:
            groups = admin.list_consumer_groups(request_timeout=_TIMEOUT_SECONDS).result().valid
            for group in sorted(group.group_id for group in groups):
                request = [ConsumerGroupTopicPartitions(group)]
                answer = admin.list_consumer_group_offsets(request, request_timeout=_TIMEOUT_SECONDS)[group].result()
                offsets = {(p.topic, p.partition): p.offset for p in answer.topic_partitions or () if p.offset >= 0}
                if any(topic.startswith("homeostat.") for topic, _ in offsets):
                    found[group] = offsets
        except KafkaException as error:
            raise self._unreachable(error) from None
        return found

    def read(
        self,
        topics: Sequence[str],
        *,
        since: int | None = None,
        last: int | None = None,
        partition: int | None = None,
    ) -> Iterator[Record]:
        """See `Logs.read`."""
        ranges = {
            place: (low if last is None else max(low, high - last), high)
            for place, (low, high) in self.ranges(topics).items()
            if high > low and partition in (None, place[1])
        }
        if since is not None and ranges:
            found = self._offsets({TopicPartition(*place): TimestampSpec(since) for place in ranges})
            ranges = {
                place: (max(low, found[place]), high) for place, (low, high) in ranges.items() if found[place] >= 0
            }
        left = {place: high for place, (low, high) in ranges.items() if low < high}
        if not left:
            return
        follower = self.follow({place: low for place, (low, _) in ranges.items() if place in left})
        n_silent = 0  # seconds in which we asked: the caller may take its time between two records
        try:
            while left:
                records = follower.poll(1.0)
                n_silent = n_silent + 1 if not records and left.keys().isdisjoint(follower.at_end) else 0
                if n_silent >= _STUCK_SECONDS:
                    raise BrokerUnreachable(self.settings.bootstrap_servers, f"no record for {n_silent} s")
                for record in records:
                    place = (record.topic, record.partition)
                    if record.offset < left.get(place, 0):
                        yield record
                    if record.offset >= left.get(place, 0) - 1:
                        left.pop(place, None)
                for place in follower.at_end:
                    left.pop(place, None)  # the last offsets hold no records: compacted, or markers
        finally:
            follower.close()

    def follow(self, start: Mapping[Place, int]) -> KafkaFollower:
        """Read on from these offsets."""
        return KafkaFollower(self.settings, self._loaded(), start, self._client_id)

    def send(self, output: Output) -> None:
        """Queue one record."""
        if self._producer is None or not self._producer.is_usable:
            self._producer = ClientProducer(self.settings, self._client_id)
        try:
            self._producer.send(output)
        except DeliveryFailed:
            self._cluster = None  # the topic may be another one by now
            raise

    def flush(self) -> None:
        """Wait until everything is acknowledged."""
        if self._producer is not None and self._producer.is_usable:
            self._producer.flush()

    def close(self) -> None:
        """Flush, and give connections back."""
        producer, self._producer = self._producer, None
        try:
            if producer is not None and producer.is_usable:
                producer.close()
        finally:
            self._let_go()

    def _unreachable(self, error: KafkaException) -> HomeostatError:
        return error_of(self.settings.bootstrap_servers, error)
