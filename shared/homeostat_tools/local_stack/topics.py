"""Create the topics of a catalogue, once, with the partitions it wants."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._metadata import ClusterMetadata
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from homeostat_tools.local_stack.errors import KafkaUnavailable, TopicMismatch

POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic that must exist.

    Args:
        name: Topic.
        partitions: >= 1.
        config: Topic settings by Kafka's names; applied when the topic is created.
    """

    name: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


def ensure_topics(client: str | Mapping[str, Any], topics: Iterable[TopicSpec], timeout_seconds: float = 30.0) -> None:
    """Create what is missing and wait until every partition has a leader.

    May be called again, and by several processes at once. The broker decides the replication factor. Settings of a
    topic that exists are left as they are.

    Args:
        client: Settings of librdkafka, as of `HostSettings.client`; or addresses, of a broker without security.
        topics: What must exist.
        timeout_seconds: For all of it.

    Raises:
        TopicMismatch: A topic has another number of partitions; nothing was created then.
        KafkaUnavailable: The broker does not answer, refuses a topic, or elects no leaders in time.
    """
    specs = {spec.name: spec for spec in topics}
    deadline = time.monotonic() + timeout_seconds
    settings = {"bootstrap.servers": client} if isinstance(client, str) else dict(client)
    bootstrap_servers = str(settings["bootstrap.servers"])
    admin = AdminClient(settings | {"log_level": 0})
    present = _metadata(admin, bootstrap_servers, timeout_seconds)
    _check_partitions(specs.values(), present)
    _create(admin, [spec for spec in specs.values() if spec.name not in present.topics], timeout_seconds)
    while waiting := _leaderless(specs.values(), present):
        if time.monotonic() > deadline:
            raise KafkaUnavailable(
                f"Topics without a leader after {timeout_seconds:g} s: {', '.join(waiting)}.",
                "Read the broker's log; a broker may be missing.",
            )
        time.sleep(POLL_SECONDS)
        present = _metadata(admin, bootstrap_servers, timeout_seconds)
    _check_partitions(specs.values(), present)  # another process may have created one meanwhile


def recreate_topic(client: Mapping[str, Any], spec: TopicSpec, timeout_seconds: float = 30.0) -> None:
    """Delete a topic with all that is in it, if it is there, and create it anew.

    After a crash in the middle it is missing, and `homeostat topics create` makes it.

    Args:
        client: As for `ensure_topics`.
        spec: Of the topic.
        timeout_seconds: For each request.

    Raises:
        KafkaUnavailable: The broker does not answer, or refuses.
    """
    settings = dict(client)
    admin, deadline = AdminClient(settings | {"log_level": 0}), time.monotonic() + timeout_seconds
    servers = str(settings["bootstrap.servers"])
    try:
        admin.delete_topics([spec.name], operation_timeout=timeout_seconds)[spec.name].result()
    except KafkaException as error:
        if error.args[0].code() not in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
            raise KafkaUnavailable(
                f"The topic {spec.name!r} could not be deleted at {servers}: {error.args[0].str()}.",
                "Check the rights of this client: Delete on the topic.",
            ) from error
    while spec.name in _metadata(admin, servers, timeout_seconds).topics and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    ensure_topics(settings, [spec], timeout_seconds)


def repair_topics(client: Mapping[str, Any], topics: Iterable[TopicSpec], timeout_seconds: float = 30.0) -> list[str]:
    """Give topics that exist the settings of their specification, where they have others; the rest stays.

    Args:
        client: As for `ensure_topics`.
        topics: Their numbers of partitions are not looked at: they are never changed.
        timeout_seconds: For each request.

    Returns:
        What was changed, a line each: topic, setting, old and new value.

    Raises:
        KafkaUnavailable: The broker does not answer, or refuses a change.
    """
    settings = dict(client)
    servers, admin = str(settings["bootstrap.servers"]), AdminClient(settings | {"log_level": 0})
    present = _metadata(admin, servers, timeout_seconds).topics
    specs = {spec.name: spec for spec in topics if spec.name in present}
    try:
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in specs]
        found = {
            resource.name: {name: entry.value for name, entry in future.result().items()}
            for resource, future in admin.describe_configs(resources, request_timeout=timeout_seconds).items()
        }
        changes = [
            (name, setting, found[name].get(setting), value)
            for name, spec in specs.items()
            for setting, value in spec.config.items()
            if found[name].get(setting) != value
        ]
        by_topic: dict[str, list[ConfigEntry]] = {}
        for name, setting, _, value in changes:
            entry = ConfigEntry(setting, value, incremental_operation=AlterConfigOpType.SET)
            by_topic.setdefault(name, []).append(entry)
        altered = [ConfigResource(ResourceType.TOPIC, n, incremental_configs=e) for n, e in by_topic.items()]
        for done in (
            admin.incremental_alter_configs(altered, request_timeout=timeout_seconds).values() if altered else ()
        ):
            done.result()
    except KafkaException as error:
        raise KafkaUnavailable(
            f"The settings of the topics could not be read or changed at {servers}: {error.args[0].str()}.",
            "Check the rights of this client: DescribeConfigs and AlterConfigs on the topics.",
        ) from error
    return [f"{name}: {setting} {before} -> {after}" for name, setting, before, after in changes]


def _metadata(admin: AdminClient, bootstrap_servers: str, timeout_seconds: float) -> ClusterMetadata:
    try:
        return admin.list_topics(timeout=timeout_seconds)
    except KafkaException as error:
        raise KafkaUnavailable(
            f"No Kafka answers at {bootstrap_servers}: {error.args[0].str()}.",
            "Start one with `homeostat up`, or correct HOMEOSTAT_BOOTSTRAP_SERVERS.",
        ) from error


def _check_partitions(specs: Iterable[TopicSpec], present: ClusterMetadata) -> None:
    for spec in specs:
        found = present.topics.get(spec.name)
        if found is not None and found.error is None and len(found.partitions) != spec.partitions:
            raise TopicMismatch(spec.name, spec.partitions, len(found.partitions))


def _create(admin: AdminClient, missing: list[TopicSpec], timeout_seconds: float) -> None:
    if not missing:
        return
    new = [NewTopic(spec.name, num_partitions=spec.partitions, config=dict(spec.config)) for spec in missing]
    for name, created in admin.create_topics(new, operation_timeout=timeout_seconds).items():
        try:
            created.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise KafkaUnavailable(
                    f"The topic {name!r} could not be created: {error.args[0].str()}.",
                    "Check its settings in the catalogue and the rights of this client.",
                ) from error


def _leaderless(specs: Iterable[TopicSpec], present: ClusterMetadata) -> list[str]:
    """Names of topics that are not fully there: unknown, or a partition has no leader."""
    found = {name: topic for name, topic in present.topics.items() if topic.error is None and topic.partitions}
    return [
        spec.name
        for spec in specs
        if spec.name not in found or any(p.leader < 0 for p in found[spec.name].partitions.values())
    ]
