"""The embedded broker with users and ACLs: the services work with their rights, and a stranger's reach no further."""

import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.cimpl import NewTopic
from pydantic import SecretStr

from homeostat.client import Client
from homeostat.client.kafka import KafkaLogs
from homeostat.client.settings import client_settings
from homeostat.codec import Record
from homeostat.events import BrakeSet, FreezeSet, ModelRegistered
from homeostat.events.logs import (
    AUDIT,
    GOVERNANCE,
    LOGS,
    POLICIES,
    POLICY_ROLLOUT,
    REQUESTS,
    SNAPSHOTS,
    TELEMETRY,
    TIMELINE,
    TRACES,
    VERDICTS,
)
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.kafka_errors import BrokerUnreachable, NotAuthorized
from homeostat.runtime.reading import read_partition
from homeostat.runtime.settings import HostSettings
from homeostat_tools.local_stack.access import ROLE_ACCESS, together
from homeostat_tools.local_stack.broker import Broker
from homeostat_tools.local_stack.broker_files import is_secure
from homeostat_tools.local_stack.errors import KafkaUnavailable
from homeostat_tools.local_stack.local import LocalStack
from homeostat_tools.local_stack.scram import ScramUsers
from homeostat_tools.local_stack.services import PACKED, inputs

pytestmark = pytest.mark.kafka
PATIENCE_SECONDS = 240.0
STATES = [f"{SNAPSHOTS}{fold}" for fold in inputs()]
NAMES = [log.name for log in LOGS]


class Secured:
    """A stack, and how to come to its broker."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack, self.users = stack, ScramUsers(stack.data_dir)

    def settings(self, user: str, password: str | None = None) -> HostSettings:
        """As a user."""
        properties = self.users.properties(user) if password is None else _login(user, password)
        kafka = {name: SecretStr(value) for name, value in properties.items()}
        return HostSettings(bootstrap_servers=self.stack.bootstrap_servers, data_dir=self.stack.data_dir, kafka=kafka)

    def write(self, user: str, *topics: str) -> dict[str, int | None]:
        """Code of the error with which a record of this user is refused, by topic; None if it is taken."""
        codes: dict[str, int | None] = {}
        producer = Producer({**self.settings(user).client(), "message.timeout.ms": 60000, "log_level": 0})

        def delivered(error: KafkaError | None, message: Message) -> None:
            codes[message.topic() or ""] = None if error is None else error.code()

        for topic in topics:
            producer.produce(topic, b"{}", partition=0, on_delivery=delivered)
        producer.flush(60.0)
        return codes


def _login(user: str, password: str) -> dict[str, str]:
    return {
        "security.protocol": "sasl_plaintext",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": password,
    }


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """The whole system on a broker with users."""
    stack = LocalStack(tmp_path_factory.mktemp("acl"), partitions=2, is_secure=True)
    try:
        stack.start(PATIENCE_SECONDS)
    except KafkaUnavailable as unavailable:
        stack.stop()
        pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")
    yield Secured(stack)
    stack.stop()


def _type(record: Record) -> str:
    return (dict(record.headers).get("ce_type") or b"").decode()


def _until(question: Callable[[], bool], stack: LocalStack) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not question():
        assert time.monotonic() < deadline, f"see {stack.data_dir / 'logs'}"
        stack.tick()
        time.sleep(0.2)


def test_the_services_work_with_their_rights(secured: Secured) -> None:
    """Telemetry becomes timeline, a signed freeze a brake, and the auditor digests; nothing was forbidden to them."""
    logs = KafkaLogs(secured.settings("operator"))
    operator = secured.stack.keys()[1]
    with Client(source="/svc", settings=secured.settings("source")) as client:
        client.publish(None, "team/m", ModelRegistered(family="f", champion="v1"))
    _until(lambda: any(record.key == b"team/m" for record in logs.read([TIMELINE, GOVERNANCE])), secured.stack)
    with Client(source="/people", settings=secured.settings("operator"), key=operator) as client:
        client.request(FreezeSet(scope="team", reason="a test"), "team")

    _until(lambda: any(_type(record) == BrakeSet.TYPE for record in logs.read([POLICY_ROLLOUT])), secured.stack)
    _until(lambda: any(True for _ in logs.read([AUDIT])), secured.stack)

    assert {status.state for status in secured.stack.status()} == {"running"}
    assert {status.restarts for status in secured.stack.status()} == {0}
    told = "".join(path.read_text() for path in (secured.stack.data_dir / "logs").iterdir())
    assert "uthoriz" not in told
    logs.close()


@pytest.mark.parametrize("topic", [TELEMETRY, TRACES])
def test_a_source_reaches_its_doors(secured: Secured, topic: str) -> None:
    """What production is there for."""
    assert secured.write("source", topic) == {topic: None}


def test_a_source_writes_nothing_else(secured: Secured) -> None:
    """No request, report, governance, policy, verdict, snapshot, audit: the broker refuses it."""
    foreign = [topic for topic in (*NAMES, *STATES) if topic not in (TELEMETRY, TRACES)]

    assert secured.write("source", *foreign) == dict.fromkeys(foreign, KafkaError.TOPIC_AUTHORIZATION_FAILED)


OTHERS = {pack.name: together(pack) for pack in PACKED} | {
    name: access for name, access in ROLE_ACCESS.items() if name != "source"
}


@pytest.mark.parametrize("user", OTHERS)
def test_a_process_or_a_person_stays_in_its_own_logs(secured: Secured, user: str) -> None:
    """Whoever takes one of them over cannot speak for another."""
    foreign = [topic for topic in (*NAMES, *STATES) if topic not in OTHERS[user].writes]

    refusals = secured.write(user, *foreign)

    assert refusals == dict.fromkeys(foreign, KafkaError.TOPIC_AUTHORIZATION_FAILED)
    assert {VERDICTS, *POLICIES} <= set(foreign) or user == "law"


@pytest.mark.parametrize("topic", [GOVERNANCE, REQUESTS, f"{SNAPSHOTS}governor"])
def test_a_source_reads_no_more_than_policies(secured: Secured, topic: str) -> None:
    """Neither what is decided on, nor states."""
    settings = secured.settings("source")
    cluster = Cluster(settings)
    places = range(cluster.n_partitions(topic))  # one of them has records, as `up` has registered keys
    records = (record for p in places for record in read_partition(settings, topic, p, cluster.topic_id(topic)))

    with pytest.raises(NotAuthorized):
        next(records)


def test_a_source_gives_itself_no_rights(secured: Secured) -> None:
    """Nor topics, nor deletes any."""
    admin = AdminClient(secured.settings("source").client())
    everything = AclBinding(
        ResourceType.TOPIC,
        "*",
        ResourcePatternType.LITERAL,
        "User:source",
        "*",
        AclOperation.ALL,
        AclPermissionType.ALLOW,
    )
    futures = [
        *admin.create_acls([everything]).values(),
        *admin.create_topics([NewTopic("homeostat.mine", 1, 1)]).values(),
        *admin.delete_topics([AUDIT]).values(),
    ]

    for future in futures:
        with pytest.raises(KafkaException, match=r"(?i)authoriz"):
            future.result(PATIENCE_SECONDS)


@pytest.mark.parametrize(
    "stranger",
    [{}, _login("source", "guessed"), _login("mallory", "x"), _login("broker", "broker"), _login("admin", "admin")],
    ids=["nobody", "wrong password", "unknown", "broker", "admin"],
)
def test_whoever_has_no_password_is_not_let_in(secured: Secured, stranger: dict[str, str]) -> None:
    """The port alone is worth nothing."""
    kafka = {name: SecretStr(value) for name, value in stranger.items()}
    settings = HostSettings(bootstrap_servers=secured.stack.bootstrap_servers, kafka=kafka)

    with pytest.raises(BrokerUnreachable):
        Cluster(settings).load(5.0)


def test_the_controller_lets_nobody_in_either(secured: Secured) -> None:
    """Its port is on this machine too: a request without a login is answered by closing the connection."""
    (port,) = [
        port
        for port in map(int, (secured.stack.data_dir / "kafka" / "ports.json").read_text().strip("[]").split(","))
        if not secured.stack.bootstrap_servers.endswith(f":{port}")
    ]
    describe_cluster = struct.pack(">hhih", 60, 0, 7, -1) + b"\x00" + b"\x00" + b"\x00"
    with socket.create_connection(("127.0.0.1", port), timeout=30.0) as one:
        one.sendall(struct.pack(">i", len(describe_cluster)) + describe_cluster)
        try:
            answer = one.recv(100)
        except ConnectionResetError:
            answer = b""

    assert answer == b""


def test_secrets_are_their_owners(secured: Secured) -> None:
    """Passwords lie in files that nobody else may read, and not on a command line."""
    folder = secured.stack.data_dir
    files = [folder / "kafka" / "server.properties", *(folder / "users").iterdir()]

    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert not (folder / "kafka" / "format.arguments").exists()
    assert os.path.commonpath([folder, *files]) == str(folder)
    assert "password" not in (folder / "stack.json").read_text()


def test_a_program_of_this_machine_finds_its_user(secured: Secured) -> None:
    """Whoever may read the operator's password: the command line and clients need no settings."""
    found = client_settings(None, HostSettings(data_dir=secured.stack.data_dir), {})

    assert found.kafka["sasl.username"].get_secret_value() == "operator"
    assert TELEMETRY in KafkaLogs(found).topics()


def test_a_folder_keeps_what_it_began_with(secured: Secured, tmp_path: Path) -> None:
    """Data with users stay closed without the flag; data without are not opened with it."""
    (tmp_path / "kafka" / "logs").mkdir(parents=True)
    (tmp_path / "kafka" / "logs" / "meta.properties").touch()
    (tmp_path / "kafka" / "server.properties").write_text("node.id=1\n")

    assert is_secure(secured.stack.data_dir) is True
    assert is_secure(tmp_path) is False
    assert is_secure(tmp_path / "none") is None
    with pytest.raises(KafkaUnavailable, match="--secure --data-dir"):
        Broker(tmp_path, users=ScramUsers(tmp_path)).start()
