"""Settings of the single-node broker. What Kafka's defaults do well is not repeated here."""

from collections.abc import Mapping
from typing import Final

from homeostat_tools.local_stack.ports import LOOPBACK

_LISTS: Final = ("listeners", "advertised.listeners", "listener.security.protocol.map")

JVM_OPTIONS: Final = (
    "-Xms128m",
    "-Xmx512m",
    # start fast and stay small: one node on a laptop, not a data centre
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    "-Djava.awt.headless=true",
    # the default configuration of log4j writes to standard output, from this level on
    "-Dorg.apache.logging.log4j.level=WARN",
)

_SETTINGS: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    # a topic that nobody declared is a mistake
    "auto.create.topics.enable": "false",
    # time is what the broker says when it appends
    "log.message.timestamp.type": "LogAppendTime",
    # after a kill -9 the controller keeps the old registration for one session: 9 s by default
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # one node holds the only copy
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # small internal topics: less to load at start
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.num.partitions": "1",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "log.cleaner.dedupe.buffer.size": "4194304",
    # a dead member's partitions are taken over after 6 s instead of 45
    "group.initial.rebalance.delay.ms": "0",
    "group.consumer.min.heartbeat.interval.ms": "1000",
    "group.consumer.heartbeat.interval.ms": "1000",
    "group.consumer.min.session.timeout.ms": "3000",
    "group.consumer.session.timeout.ms": "6000",
}


JVM_ENVIRONMENT: Final = {"LC_ALL": "C.UTF-8"}
"""Java reads names of files by the locale: in `C` it finds no folder with an accent."""


def server_properties(
    log_dir: str,
    port: int,
    controller_port: int,
    more: Mapping[str, str] | None = None,
    security: Mapping[str, str] | None = None,
) -> str:
    """Render `server.properties`: in ASCII, whatever is in it.

    Args:
        log_dir: Where the partitions live, seen from the working directory: Kafka takes a comma for the end of a path.
        port: For clients.
        controller_port: For the controller of the same process.
        security: Settings instead of our listener's without security: `inter.broker.listener.name` names that for
            clients.
        more: Settings beside or instead of these; listeners and their protocols are added to ours.
    """
    settings = {
        **_SETTINGS,
        **(security or {}),
    }
    name = settings["inter.broker.listener.name"]
    settings |= {
        "log.dirs": log_dir,
        "listeners": f"{name}://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"{name}://{LOOPBACK}:{port}",
        "controller.quorum.bootstrap.servers": f"{LOOPBACK}:{controller_port}",
    }
    for name, value in (more or {}).items():
        settings[name] = f"{settings[name]},{value}" if name in _LISTS else value
    return "".join(f"{name}={_escape(value)}\n" for name, value in settings.items())


def _escape(value: str) -> str:
    """Write what Java's reader of properties reads as the value: it knows Latin-1, and escapes by UTF-16 units."""
    units = value.encode("utf-16-be")
    text = "".join(_escaped(int.from_bytes(units[at : at + 2], "big")) for at in range(0, len(units), 2))
    return f"\\{text}" if text.startswith(" ") else text


def _escaped(unit: int) -> str:
    if not 0x20 <= unit < 0x7F:
        return f"\\u{unit:04x}"
    return "\\\\" if unit == ord("\\") else chr(unit)
