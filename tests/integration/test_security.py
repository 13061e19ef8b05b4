"""A broker that lets nobody in without a password, a token or a certificate: every connection of ours brings it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from pydantic import SecretStr
from tests.support.certificates import Authority

from homeostat.client import Client
from homeostat.core import HomeostatError
from homeostat.events import ModelRegistered
from homeostat.events.logs import TELEMETRY, TIMELINE
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.kafka_errors import BrokerRefused, BrokerUnreachable, NotAuthorized
from homeostat.runtime.reading import read_partition
from homeostat.runtime.settings import HostSettings
from homeostat_tools.local_stack.broker import Broker
from homeostat_tools.local_stack.errors import KafkaUnavailable
from homeostat_tools.local_stack.ports import pick_port
from homeostat_tools.local_stack.services import topics
from homeostat_tools.local_stack.topics import ensure_topics, repair_topics

pytestmark = pytest.mark.kafka
PATIENCE_SECONDS = 240.0
JAAS = "org.apache.kafka.common.security"
MECHANISMS = "PLAIN,SCRAM-SHA-512,OAUTHBEARER"


@dataclass(frozen=True)
class Secured:
    """The broker, and ways to it.

    Args:
        sasl: Address that wants a user.
        ssl: Address that wants a certificate.
        ways: Settings of librdkafka by name of the way.
    """

    sasl: str
    ssl: str
    ways: dict[str, dict[str, str]]

    def settings(self, way: str, **changes: str) -> HostSettings:
        """Settings of a host or client that goes this way."""
        properties = self.ways[way] | {name.replace("_", "."): value for name, value in changes.items()}
        kafka = {name: SecretStr(value) for name, value in properties.items()}
        return HostSettings(bootstrap_servers=self.address(way), kafka=kafka)

    def address(self, way: str) -> str:
        """Where to connect."""
        return self.ssl if way == "certificate" else self.sasl

    def environment(self, way: str) -> dict[str, str]:
        """The same as variables."""
        names = {f"HOMEOSTAT_KAFKA_{n.upper().replace('.', '_')}": value for n, value in self.ways[way].items()}
        return names | {"HOMEOSTAT_BOOTSTRAP_SERVERS": self.address(way)}


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A broker with listeners for users and for certificates, and rights by user."""
    folder = tmp_path_factory.mktemp("secured")
    authority, sasl, ssl = Authority(folder), pick_port(()), pick_port(())
    _, _, server = authority.issue("server")
    certificate, key, _ = authority.issue("client")
    plain = f'{JAAS}.plain.PlainLoginModule required user_ana="ana-secret" user_mallory="mallory-secret";'
    settings = {
        "listeners": f"SASL_SSL://127.0.0.1:{sasl},SSL://127.0.0.1:{ssl}",
        "advertised.listeners": f"SASL_SSL://127.0.0.1:{sasl},SSL://127.0.0.1:{ssl}",
        "listener.security.protocol.map": "SASL_SSL:SASL_SSL,SSL:SSL",
        "sasl.enabled.mechanisms": MECHANISMS,
        "listener.name.sasl_ssl.plain.sasl.jaas.config": plain,
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": f"{JAAS}.scram.ScramLoginModule required;",
        "listener.name.sasl_ssl.oauthbearer.sasl.jaas.config": (
            f'{JAAS}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";'
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(server),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.path),
        "listener.name.ssl.ssl.client.auth": "required",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:ana;User:bert;User:token;User:CN=client",
    }
    user = {"security.protocol": "sasl_ssl", "ssl.ca.location": str(authority.path)}
    ways = {
        "PLAIN": user | {"sasl.mechanism": "PLAIN", "sasl.username": "ana", "sasl.password": "ana-secret"},
        "SCRAM": user | {"sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "bert", "sasl.password": "bert-secret"},
        "OAUTHBEARER": user
        | {
            "sasl.mechanism": "OAUTHBEARER",
            "enable.sasl.oauthbearer.unsecure.jwt": "true",
            "sasl.oauthbearer.config": "principal=token",
        },
        "certificate": {
            "security.protocol": "ssl",
            "ssl.ca.location": str(authority.path),
            "ssl.certificate.location": str(certificate),
            "ssl.key.location": str(key),
        },
    }
    with ExitStack() as stack:
        try:
            broker = stack.enter_context(Broker(folder, settings=settings))
        except KafkaUnavailable as unavailable:
            pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")
        prepare(broker.bootstrap_servers)
        yield Secured(f"127.0.0.1:{sasl}", f"127.0.0.1:{ssl}", ways)


def prepare(servers: str) -> None:
    """Create the topics, the user bert, and a right of mallory's that is worth nothing."""
    ensure_topics(servers, topics(2))
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    bert = UserScramCredentialUpsertion("bert", credential, b"bert-secret")
    for done in admin.alter_user_scram_credentials([bert]).values():
        done.result(PATIENCE_SECONDS)
    named = (ResourceType.BROKER, "kafka-cluster", ResourcePatternType.LITERAL)
    allowed = AclBinding(*named, "User:mallory", "*", AclOperation.DESCRIBE, AclPermissionType.ALLOW)
    for made in admin.create_acls([allowed]).values():
        made.result(PATIENCE_SECONDS)


@pytest.mark.parametrize("way", ["PLAIN", "SCRAM", "OAUTHBEARER", "certificate"])
def test_every_connection_brings_what_the_broker_wants(secured: Secured, tmp_path: Path, way: str) -> None:
    """A service by its environment, a client by its arguments, the command line, and what makes and mends topics."""
    settings = secured.settings(way)
    environment = os.environ | secured.environment(way)
    ensure_topics(settings.client(), topics(2))
    repair_topics(settings.client(), topics(2))
    arguments: dict[str, Any] = {name.replace(".", "_"): value for name, value in secured.ways[way].items()}
    model = f"secured/{way.lower()}"
    argv = [sys.executable, "-m", "homeostat.runtime.process", "intake"]
    log = (tmp_path / "intake.log").open("wb")
    intake = subprocess.Popen(argv, env=environment | {"HOMEOSTAT_DATA_DIR": str(tmp_path)}, stdout=log, stderr=log)
    try:
        with Client(secured.address(way), source="/secured", **arguments) as client:
            client.publish(None, model, ModelRegistered(family="f", champion="v1"))
        cluster, deadline = Cluster(settings), time.monotonic() + PATIENCE_SECONDS

        def admitted() -> bool:
            return any(
                record.key == model.encode()
                for partition in range(cluster.n_partitions(TIMELINE))
                for record in read_partition(settings, TIMELINE, partition, cluster.topic_id(TIMELINE))
            )

        while not admitted():
            assert time.monotonic() < deadline, (tmp_path / "intake.log").read_text()
            time.sleep(0.2)
    finally:
        intake.terminate()
        intake.wait(timeout=PATIENCE_SECONDS)
        log.close()
    argv = [sys.executable, "-c", "from homeostat_tools.cli import main; main()", "topics", "--json"]
    shown = subprocess.run(argv, env=environment, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert TELEMETRY in shown.stdout


@pytest.mark.parametrize(
    ("changes", "expected", "said"),
    [
        ({"sasl_password": "wrong"}, BrokerRefused, "HOMEOSTAT_KAFKA_SASL_"),
        ({"ssl_ca_location": ""}, BrokerRefused, "HOMEOSTAT_KAFKA_SSL_"),
        ({"security_protocol": "plaintext"}, BrokerUnreachable, "127.0.0.1"),
    ],
)
def test_whoever_is_not_let_in_is_told_why(
    secured: Secured, changes: dict[str, str], expected: type[HomeostatError], said: str
) -> None:
    """Not that no broker answers."""
    with pytest.raises(expected, match=said):
        Cluster(secured.settings("PLAIN", **changes)).load(5.0)


def test_what_is_forbidden_is_said(secured: Secured) -> None:
    """A user without rights learns that it is that."""
    mallory = secured.settings("PLAIN", sasl_username="mallory", sasl_password="mallory-secret")
    topic_id = Cluster(secured.settings("PLAIN")).topic_id(TELEMETRY)

    with pytest.raises(NotAuthorized, match=r"configuration\.md"):
        list(read_partition(mallory, TELEMETRY, 0, topic_id))
