"""Settings of librdkafka that users may give: authentication, certificates, time-outs; nothing that exactly-once needs.

`HOMEOSTAT_KAFKA_SSL_CERTIFICATE_LOCATION` is `ssl.certificate.location`; names and meanings are in librdkafka's
CONFIGURATION.md. They are used by every connection: hosts, hands, clients, the command line.
"""

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import KafkaException, Producer

from homeostat.core import Halt
from homeostat.runtime.kubernetes import is_service_variable

PREFIX: Final = "HOMEOSTAT_KAFKA_"

_OURS: Final = frozenset(
    {
        "acks", "auto.offset.reset", "bootstrap.servers", "client.id", "delivery.report.only.error",
        "delivery.timeout.ms", "enable.auto.commit", "enable.auto.offset.store", "enable.gapless.guarantee",
        "enable.idempotence", "enable.partition.eof", "fetch.message.max.bytes", "group.id", "group.instance.id",
        "group.protocol", "isolation.level", "max.in.flight", "max.in.flight.requests.per.connection",
        "message.max.bytes", "message.send.max.retries", "message.timeout.ms", "metadata.broker.list",
        "partition.assignment.strategy", "partitioner", "request.required.acks", "retries", "transactional.id",
    }
)  # fmt: skip
"""Exactly-once and order rest on these."""


class PropertyRefused(Halt):
    """A setting of librdkafka is not the user's to set, or is none.

    Operator: unset it, or correct its name or value.
    """

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{PREFIX}{name.replace('.', '_').upper()} ({name}): {why}; unset it, or correct it")
        self.name = name


def properties_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Read the settings of librdkafka from the environment; upper and lower case are one."""
    found = {}
    for name, value in environ.items():
        if name.upper().startswith(PREFIX) and not is_service_variable(name, value):
            found[name[len(PREFIX) :].lower().replace("_", ".")] = value
    return found


def check_properties(properties: Mapping[str, Any]) -> None:
    """Check that librdkafka knows each setting, and that it is the user's to set.

    Raises:
        PropertyRefused: One is not.
    """
    for name in sorted(properties):
        if name in _OURS:
            raise PropertyRefused(name, "it is Homeostat's to set: what is guaranteed rests on it")
        try:
            Producer({name: properties[name], "log_level": 0})
        except KafkaException as error:
            text = error.args[0].str()
            if "No such configuration property" in text or "Invalid value" in text:
                raise PropertyRefused(name, text) from None
        except (TypeError, ValueError) as error:
            raise PropertyRefused(name, str(error)) from None
