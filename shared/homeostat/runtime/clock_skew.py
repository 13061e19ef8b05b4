"""How far this machine's clock is from the broker's: ticks fire, and commands expire, by the one or the other."""

import time

from confluent_kafka import KafkaError, Message, Producer

from homeostat.codec.encode import partition_of
from homeostat.events.logs import TELEMETRY
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.kafka_errors import BrokerUnreachable
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.ticks import tick


def clock_ahead_seconds(settings: HostSettings, cluster: Cluster, timeout_seconds: float = 5.0) -> float:
    """Return how far the broker's clock is ahead of ours, to within half a round trip; negative if it is behind.

    Writes one tick to the telemetry door, where ticks are passed over: a broker tells its time by stamping a record.

    Args:
        settings: Where and how to connect.
        cluster: Metadata of the broker.
        timeout_seconds: For the one record that is written.

    Raises:
        BrokerUnreachable: It was not taken in time.
        TopicMissing: There are no topics yet.
    """
    subject = "homeostat/doctor"
    place = partition_of(subject.encode(), cluster.n_partitions(TELEMETRY))
    output = tick(TELEMETRY, place, subject, "doctor", int(time.time() * 1000))
    stamps: list[int] = []

    def taken(error: KafkaError | None, message: Message) -> None:
        if error is None:
            stamps.append(message.timestamp()[1])

    timeout_ms = int(timeout_seconds * 1000)
    producer = Producer(settings.client() | {"client.id": "homeostat-doctor", "message.timeout.ms": timeout_ms})
    producer.list_topics(TELEMETRY, timeout=timeout_seconds)  # connected before the time is taken
    started = time.time()
    producer.produce(
        TELEMETRY,
        value=output.value,
        key=output.key,
        partition=place,
        headers=output.headers,  # type: ignore[arg-type]  # a list of pairs is what it takes
        on_delivery=taken,
    )
    producer.flush(timeout_seconds)
    if not stamps:
        raise BrokerUnreachable(settings.bootstrap_servers, "it has not taken a record")
    return stamps[0] / 1000 - (started + time.time()) / 2
