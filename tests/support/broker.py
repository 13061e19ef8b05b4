"""A broker for tests: the one that is named, else one of their own."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka.admin import AdminClient

from homeostat_tools.local_stack.broker import Broker
from homeostat_tools.local_stack.topics import TopicSpec, ensure_topics


@contextmanager
def shared_broker(data_dir: Path, address: str | None = None) -> Iterator[str]:
    """Give the address of a broker for many tests.

    Args:
        data_dir: For a broker of our own; it is stopped at the end, its data stays.
        address: `host:port` of a broker that runs; it is used as it is, and left running.

    Yields:
        Bootstrap servers.

    Raises:
        KafkaUnavailable: There is neither. A fixture turns it into a skip with this reason.
    """
    if address:
        yield address
        return
    with Broker(data_dir) as broker:
        yield broker.bootstrap_servers


@contextmanager
def temporary_topic(
    bootstrap_servers: str, partitions: int = 1, config: Mapping[str, str] | None = None, prefix: str = "test"
) -> Iterator[str]:
    """Create a topic with a name of its own, and delete it at the end.

    Yields:
        The name: `<prefix>.<8 hex digits>`.
    """
    name = f"{prefix}.{secrets.token_hex(4)}"
    ensure_topics(bootstrap_servers, [TopicSpec(name, partitions, config or {})])
    try:
        yield name
    finally:
        admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
        for deleted in admin.delete_topics([name]).values():
            deleted.result()
