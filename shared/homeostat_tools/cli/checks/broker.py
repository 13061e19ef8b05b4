"""The broker: whether it answers, and has what is needed."""

from collections.abc import Iterator
from typing import Final

from homeostat_tools.cli.checks.check import Check, Context, fail, ok, warn

_CLOCK_SECONDS: Final = 5.0
"""Between two clocks: commands live for minutes, timers of subjects for less."""

_CONNECT_SECONDS: Final = 3.0
_LOOPBACK: Final = ("127.", "localhost", "[::1]")


def broker(context: Context) -> Iterator[Check]:
    """It answers."""
    from homeostat.runtime.cluster import Cluster
    from homeostat.runtime.kafka_errors import BrokerUnreachable

    try:
        Cluster(context.settings).load(timeout_seconds=_CONNECT_SECONDS)
    except BrokerUnreachable as error:
        mend = "homeostat up" if context.is_local else "correct HOMEOSTAT_BOOTSTRAP_SERVERS, or start that broker"
        if context.is_local and context.is_running:  # it is started again and again: its log says what is wrong
            mend = f"see the disk above, and: tail {context.data_dir / 'kafka' / 'broker.log'}"
        yield fail("broker", str(error), mend)
    else:
        yield ok("broker", context.settings.bootstrap_servers)


def topics(context: Context) -> Iterator[Check]:
    """Every topic of the catalogue, and every one that a fold declares, is there, as exactly-once needs it to be."""
    from homeostat.runtime.cluster import Cluster
    from homeostat.runtime.declared_topics import created_topics
    from homeostat.runtime.kafka_checks import CREATE, check_topics
    from homeostat.runtime.topic_monitor import facts_of
    from homeostat_tools.local_stack.services import inputs

    cluster = Cluster(context.settings)
    findings = list(check_topics(facts_of(cluster), inputs(), created_topics()))
    missing = [finding.topic for finding in findings if finding.check == "missing"]
    if missing:
        yield fail("topics", f"{len(missing)} missing, for example {missing[0]}", CREATE)
    for finding in findings:
        if finding.check != "missing":
            found = fail if finding.is_fatal else warn
            yield found(f"topic {finding.topic}", finding.detail, finding.todo.removeprefix("run ").strip("`"))
    if not findings:
        yield ok("topics", f"all there, as they must be; groups speak the {cluster.group_protocol} protocol")


def clock(context: Context) -> Iterator[Check]:
    """The broker's clock and ours agree."""
    from homeostat.runtime.clock_skew import clock_ahead_seconds
    from homeostat.runtime.cluster import Cluster

    ahead = clock_ahead_seconds(context.settings, Cluster(context.settings))
    detail = f"the broker's is {abs(ahead):.2f} s {'ahead of' if ahead > 0 else 'behind'} this machine's"
    if abs(ahead) <= _CLOCK_SECONDS:
        yield ok("clock", detail)
    else:
        yield fail("clock", detail, "timedatectl set-ntp true (on both machines)")


def access(context: Context) -> Iterator[Check]:
    """Whoever can reach a door may write to it: on a network that needs more than an address."""
    servers = context.settings.bootstrap_servers.split(",")
    is_open = str(context.settings.client()["security.protocol"]).lower() == "plaintext"
    if is_open and not all(one.startswith(_LOOPBACK) for one in servers):
        yield warn(
            "access",
            "no authentication and no encryption: anybody on the network may publish to the doors",
            "set HOMEOSTAT_KAFKA_SECURITY_PROTOCOL=sasl_ssl, and ACLs at the broker",
        )
