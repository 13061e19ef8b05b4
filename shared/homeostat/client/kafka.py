"""The logs on a Kafka broker, through one connection of each kind, opened when it is needed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import EarliestSpec, LatestSpec, OffsetSpec, TimestampSpec

from homeostat.client.logs import Place
from homeostat.client.producing import ClientProducer
from homeostat.codec import Output, Record
from homeostat.host.connection import BrokerUnreachable, Cluster, plain_consumer, record_of
from homeostat.host.settings import HostSettings

_TIMEOUT_SECONDS: Final = 10.0
_CONNECT_SECONDS: Final = 4.0
_BATCH: Final = 2000


class QuietSettings(HostSettings):
    """Settings of a client whose errors reach the caller as exceptions, not as log lines of the library."""

    def client(self) -> dict[str, str | int | float | bool]:
        """As the host's, silent."""
        return super().client() | {"log_level": 0}


class KafkaLogs:
    """`Logs` on a broker.

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

    def topics(self) -> Mapping[str, int]:
        """Partitions of every topic of ours there is."""
        try:
            found = self._admin_client().list_topics(timeout=_TIMEOUT_SECONDS).topics
        except KafkaException as error:
            raise self._unreachable(error) from None
        return {name: len(topic.partitions) for name, topic in sorted(found.items()) if name.startswith("homeostat.")}

    def places(self, topic: str) -> int:
        """Number of partitions."""
        return self._loaded().places(topic)

    def topic_id(self, topic: str) -> str:
        """Incarnation of a topic."""
        return self._loaded().topic_id(topic)

    def ranges(self, topics: Sequence[str]) -> Mapping[Place, tuple[int, int]]:
        """First offset there is and the one after the last, of every partition."""
        places = [TopicPartition(topic, p) for topic in topics for p in range(self.places(topic))]
        low = self._offsets(dict.fromkeys(places, EarliestSpec()))  # type: ignore[no-untyped-call]  # as shipped
        high = self._offsets(dict.fromkeys(places, LatestSpec()))  # type: ignore[no-untyped-call]  # as shipped
        return {place: (low[place], high[place]) for place in low}

    def _offsets(self, wanted: Mapping[TopicPartition, OffsetSpec]) -> dict[Place, int]:
        if not wanted:
            return {}
        try:
            futures = self._admin_client().list_offsets(dict(wanted), request_timeout=_TIMEOUT_SECONDS)
            return {(place.topic, place.partition): future.result().offset for place, future in futures.items()}
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
        """Yield what is there at the time of the call."""
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
        try:
            while left:
                for record in follower.poll(1.0):
                    place = (record.topic, record.partition)
                    if record.offset < left.get(place, 0):
                        yield record
                    if record.offset >= left.get(place, 0) - 1:
                        left.pop(place, None)
                for place in follower.at_end:
                    left.pop(place, None)  # the last offsets hold no records: compacted, or markers
        finally:
            follower.close()

    def follow(self, start: Mapping[Place, int]) -> "KafkaFollower":
        """Read on from these offsets."""
        return KafkaFollower(self.settings, self._loaded(), start, self._client_id)

    def send(self, output: Output) -> None:
        """Queue one record."""
        if self._producer is None:
            self._producer = ClientProducer(self.settings, self._client_id)
        self._producer.send(output)

    def flush(self) -> None:
        """Wait until everything is acknowledged."""
        if self._producer is not None:
            self._producer.flush()

    def close(self) -> None:
        """Flush, and give connections back."""
        self.flush()
        self._producer = self._admin = self._cluster = None

    def _unreachable(self, error: KafkaException) -> BrokerUnreachable:
        return BrokerUnreachable(self.settings.bootstrap_servers, error.args[0].str())


class KafkaFollower:
    """`Follower` on a broker.

    Args:
        settings: Where and how to connect.
        cluster: For the topics' ids.
        start: Offset of each partition to begin at.
        client_id: For the broker's logs.
    """

    def __init__(self, settings: HostSettings, cluster: Cluster, start: Mapping[Place, int], client_id: str) -> None:
        self._settings, self._cluster = settings, cluster
        self._consumer = plain_consumer(settings, client_id)
        self._consumer.assign([TopicPartition(*place, offset) for place, offset in start.items()])
        self.at_end: set[Place] = set()

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        """Return what has come; `at_end` names the partitions whose end has been reached since the start."""
        records: list[Record] = []
        for message in self._first_and_more(timeout_seconds):
            place = (message.topic() or "", message.partition() or 0)
            error: Any = message.error()
            if error is None:
                records.append(record_of(message, self._cluster.topic_id(place[0])))
            elif error.code() == KafkaError._PARTITION_EOF:
                self.at_end.add(place)
            elif error.fatal() or (not error.retriable() and error.code() not in _PASSING):
                raise BrokerUnreachable(self._settings.bootstrap_servers, error.str())
        return records

    def _first_and_more(self, timeout_seconds: float) -> list[Any]:
        """`consume` waits for a full batch or the whole time-out, so only the first message is waited for."""
        first = self._consumer.poll(timeout_seconds)
        return [] if first is None else [first, *self._consumer.consume(_BATCH - 1, 0)]

    def close(self) -> None:
        """Give connections back."""
        self._consumer.close()


_PASSING: Final = (KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE, KafkaError._TIMED_OUT)
"""The library goes on trying by itself."""
