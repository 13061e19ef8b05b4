"""Any setting of librdkafka comes through the environment, but for those that the guarantees rest on."""

import pytest

from homeostat.core import Halt
from homeostat.runtime.librdkafka import PropertyRefused, check_properties, properties_of
from homeostat.runtime.settings import HostSettings

CERTIFICATE = "HOMEOSTAT_KAFKA_SSL_CERTIFICATE_LOCATION"


def test_names_become_those_of_librdkafka() -> None:
    """Dots for underscores; the rest of the environment is not looked at."""
    environ = {CERTIFICATE: "/c.pem", "homeostat_kafka_sasl_mechanism": "PLAIN", "HOMEOSTAT_STORE": "x", "PATH": "/"}

    assert properties_of(environ) == {"ssl.certificate.location": "/c.pem", "sasl.mechanism": "PLAIN"}


def test_what_kubernetes_sets_for_a_service_of_that_name_is_none() -> None:
    """A Service `homeostat-kafka` puts such variables into every pod."""
    environ = {
        "HOMEOSTAT_KAFKA_SERVICE_HOST": "10.0.0.1",
        "HOMEOSTAT_KAFKA_SERVICE_PORT": "9092",
        "HOMEOSTAT_KAFKA_SERVICE_PORT_CLIENTS": "9092",
        "HOMEOSTAT_KAFKA_PORT": "tcp://10.0.0.1:9092",
        "HOMEOSTAT_KAFKA_PORT_9092_TCP": "tcp://10.0.0.1:9092",
        "HOMEOSTAT_KAFKA_PORT_9092_TCP_ADDR": "10.0.0.1",
    }

    assert properties_of(environ) == {}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("enable.idempotence", "false", "guarantee"),
        ("isolation.level", "read_uncommitted", "guarantee"),
        ("partitioner", "murmur2", "guarantee"),
        ("group.id", "mine", "guarantee"),
        ("sasl.mechanims", "PLAIN", "No such configuration property"),
        ("socket.timeout.ms", "soon", "Invalid value"),
        ("security.protocol", "carrier-pigeon", "Invalid value"),
    ],
)
def test_what_is_refused_says_why_and_what_to_unset(name: str, value: str, says: str) -> None:
    """With the variable's name, as people set it."""
    with pytest.raises(PropertyRefused, match=says) as caught:
        check_properties({name: value})

    assert "HOMEOSTAT_KAFKA_" + name.replace(".", "_").upper() in str(caught.value)
    assert isinstance(caught.value, Halt)


def test_every_connection_has_them_and_no_log_shows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password is not printed with the settings."""
    monkeypatch.setenv("HOMEOSTAT_KAFKA_SASL_PASSWORD", "hush")
    monkeypatch.setenv("HOMEOSTAT_KAFKA_RECONNECT_BACKOFF_MS", "70")

    settings = HostSettings()

    assert settings.client()["sasl.password"] == "hush"
    assert settings.client()["reconnect.backoff.ms"] == "70"
    assert "hush" not in repr(settings)
    assert "hush" not in settings.model_dump_json()
