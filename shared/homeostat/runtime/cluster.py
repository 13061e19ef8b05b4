"""What a broker says of itself: topic ids, partition counts, ends, groups, settings."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.admin._resource import ResourceType

from homeostat.runtime.kafka_errors import TopicMissing, asked, error_of
from homeostat.runtime.settings import HostSettings

T = TypeVar("T")
_ENDS_SECONDS: Final = 2.0
_ASK_SECONDS: Final = 10.0
_PROTOCOLS: Final = "group.coordinator.rebalance.protocols"
_BEFORE_4: Final = "inter.broker.protocol.version"
"""A setting that brokers of Kafka 4.0 do not have any more."""

_OURS: Final = "homeostat."


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """What a topic is.

    Args:
        topic_id: Incarnation.
        partitions: Number.
        config: Settings in force, by Kafka's names; empty if they may not be read.
    """

    topic_id: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


class Cluster:
    """Metadata that must not change while a host runs: topic ids and partition counts; and questions to the broker."""

    def __init__(self, settings: HostSettings) -> None:
        self.settings = settings
        self._seen: list[KafkaError] = []
        self._admin = AdminClient({**settings.client(), "error_cb": self._seen.append})  # type: ignore[dict-item]  # it takes one
        self._n_partitions: dict[str, int] = {}
        self._ids: dict[str, str] = {}
        self._protocol: str | None = None

    def _asked(self, question: Callable[[], T]) -> T:
        self._seen.clear()
        try:
            return question()
        except KafkaException as error:
            self._admin.poll(0)  # what a broker said that does not let us in shows in the call as a time-out only
            raise error_of(self.settings.bootstrap_servers, error, self._seen) from None

    def load(self, timeout_seconds: float = _ASK_SECONDS) -> None:
        """Read ids and partition counts of every topic.

        Raises:
            BrokerUnreachable: Nobody answers in time, or lets us in.
            BrokerTooOld: It has no topic ids.
        """
        for name, facts in self.topics(timeout_seconds).items():
            self._n_partitions[name], self._ids[name] = facts.partitions, facts.topic_id

    def topics(self, timeout_seconds: float = _ASK_SECONDS) -> dict[str, TopicFacts]:
        """Ask for every topic of ours, as it is now; without settings."""

        def question() -> dict[str, TopicFacts]:
            names = [n for n in self._admin.list_topics(timeout=timeout_seconds).topics if n.startswith(_OURS)]
            if not names:
                return {}
            futures = self._admin.describe_topics(TopicCollection(names), request_timeout=timeout_seconds)
            found = {}
            for name, future in futures.items():
                try:
                    description = future.result()
                except KafkaException as error:
                    if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                        continue  # deleted since the list was made
                    raise
                found[name] = TopicFacts(str(description.topic_id), len(description.partitions))
            return found

        return self._asked(question)

    def configs(self, names: Iterable[str], timeout_seconds: float = _ASK_SECONDS) -> dict[str, dict[str, str]]:
        """Ask for the settings in force of topics; what may not be read is left out."""
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        return self._described(resources, timeout_seconds)

    def _described(self, resources: list[ConfigResource], seconds: float) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        if not resources:
            return found
        try:
            futures = self._admin.describe_configs(resources, request_timeout=seconds)
            for resource, future in futures.items():
                entries: Mapping[str, Any] = future.result()
                found[resource.name] = {name: entry.value for name, entry in entries.items() if entry.value is not None}
        except KafkaException:
            return found
        return found

    @property
    def group_protocol(self) -> str:
        """Protocol of consumer groups: `consumer` (KIP-848) from Kafka 4.0 on, else `classic`; as set, if it is."""
        if self._protocol is None:
            wanted = self.settings.group_protocol
            self._protocol = self._best_protocol() if wanted == "auto" else wanted
        return self._protocol

    def _best_protocol(self) -> str:
        """Ask a broker; one that may not be asked speaks the classic protocol, like all."""
        brokers = self._asked(lambda: self._admin.list_topics(timeout=_ASK_SECONDS).brokers)
        one = str(min(brokers))
        settings = self._described([ConfigResource(ResourceType.BROKER, one)], _ASK_SECONDS).get(one, {})
        is_new = "consumer" in settings.get(_PROTOCOLS, "") and _BEFORE_4 not in settings
        return "consumer" if is_new else "classic"

    def n_partitions(self, topic: str) -> int:
        """Number of partitions.

        Raises:
            TopicMissing: There is no such topic.
        """
        if topic not in self._n_partitions:
            self.load()
        if topic not in self._n_partitions:
            raise TopicMissing(topic)
        return self._n_partitions[topic]

    def topic_id(self, topic: str) -> str:
        """The broker's id of this incarnation of a topic."""
        self.n_partitions(topic)
        return self._ids[topic]

    def known(self) -> dict[str, TopicFacts]:
        """Topics as they were when they were loaded."""
        return {name: TopicFacts(self._ids[name], n) for name, n in self._n_partitions.items()}

    def ends(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """End of each partition, asked of the broker; from any thread. Empty if it does not answer."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # no types there
        wanted = {TopicPartition(topic, partition): latest for topic, partition in places}
        if not wanted:
            return {}
        try:
            try:
                return self._ask_ends(wanted)
            except KafkaException:
                # a broker that has been away leads in a new epoch, which nothing but fresh metadata tells the client
                self._admin.list_topics(timeout=_ENDS_SECONDS)
                return self._ask_ends(wanted)
        except KafkaException:
            return {}

    def _ask_ends(self, wanted: dict[TopicPartition, OffsetSpec]) -> dict[tuple[str, int], int]:
        futures = self._admin.list_offsets(wanted, request_timeout=_ENDS_SECONDS)
        ends = {(p.topic, p.partition): future.result().offset for p, future in futures.items()}
        return {place: end for place, end in ends.items() if end >= 0}  # it gives an error code for one it cannot ask

    def is_spare(self, group: str, client_id: str) -> bool:
        """Whether a client is a member of a group in which others hold everything; from any thread."""
        try:
            described = self._admin.describe_consumer_groups([group], request_timeout=_ENDS_SECONDS)[group].result()
        except KafkaException:
            return False
        return described.state.name == "STABLE" and any(member.client_id == client_id for member in described.members)


def client_id_of(service: str) -> str:
    """Name of a process in a broker's logs and groups."""
    return f"{service}-{os.getpid()}"


def low_of(consumer: Any, place: TopicPartition, servers: str) -> int:
    """First offset that a partition still has; a broker that is only starting is waited for.

    Args:
        consumer: Of librdkafka.
        place: Topic and partition.
        servers: Address, for the message.

    Raises:
        BrokerUnreachable: It does not answer.
    """
    return int(asked(lambda: consumer.get_watermark_offsets(place, timeout=_ASK_SECONDS, cached=False)[0], servers))
