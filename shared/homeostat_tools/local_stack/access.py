"""Who may do what at the broker: one table, from which the ACLs of every service and role are made.

What is not granted is refused. A service reads its input and its snapshots, and writes what it emits, its own ticks and
snapshots, and what it refuses; nobody but the governor writes commands and verdicts, nobody but intake and the governor
writes what the governor decides on. A contract test holds the table against the code.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from homeostat.core import Reject
from homeostat.events.logs import (
    DOORS,
    EXPERIENCE,
    INDICATORS,
    LOGS,
    POLICIES,
    QUARANTINE,
    REPORTS,
    REQUESTS,
    SNAPSHOTS,
    TELEMETRY,
    TRACES,
)
from homeostat.runtime import registry
from homeostat.runtime.declarations import ServiceEntry
from homeostat_tools.local_stack.services import Pack, door_of

Resource = Literal["topic", "group", "cluster"]
Operation = Literal["read", "write", "create", "alter", "alter_configs", "delete", "describe", "describe_configs"]

CLUSTER: Final = "kafka-cluster"
_PREFIX: Final = "homeostat."
_READERS: Final = "homeostat-read-"
"""Group id of a consumer outside of any group, with its process id: it commits nothing, and asks for a coordinator."""

_EVERYTHING: Final = tuple(log.name for log in LOGS)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a principal may do.

    Args:
        resource: Kind.
        name: Of the resource; of many, what their names begin with.
        is_prefix: Whether it is many.
        operations: What is allowed.
    """

    resource: Resource
    name: str
    operations: tuple[Operation, ...]
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """What a service or a role does with the logs.

    Args:
        reads: Logs.
        writes: Logs.
        groups: Consumer groups that it joins.
        purpose: Who it is.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    purpose: str = ""


def service_access() -> dict[str, Access]:
    """Rights of every service, by its consumer group; of one without a group, by its name with dashes."""
    found: dict[str, list[Access]] = {}
    for service in registry.services().values():
        for name, access in _accesses(service):
            found.setdefault(name, []).append(access)
    return {name: _all_of(some) for name, some in found.items()}


def program_access() -> dict[str, Access]:
    """Rights of every program that writes to topics, by its name."""
    return {
        name: Access(writes=program.writes, purpose=f"the program {name}")
        for name, program in registry.programs().items()
        if program.writes
    }


def _accesses(service: ServiceEntry) -> Iterator[tuple[str, Access]]:
    """Yield who does what in a service: its folds by their group, its hands, what watches."""
    for fold in service.folds:
        state = f"{SNAPSHOTS}{fold.name}"
        writes = (QUARANTINE, fold.topic, *fold.writes, state)
        yield fold.group, Access((fold.topic, state), writes, (fold.group,), f"the service {fold.group}")
    for hand in service.hands:
        reads = (*hand.obeys, *hand.reads)
        yield hand.group, Access(reads, (REPORTS, QUARANTINE), (hand.group,), f"the hand {hand.name}")
    for watcher in service.watchers:
        groups, name = (watcher.group,) if watcher.group else (), _principal(service.name)
        yield watcher.group or name, Access(watcher.reads, watcher.writes, groups, f"the service {name}")


def _all_of(some: Sequence[Access]) -> Access:
    """What one may who may all of it."""
    return Access(
        tuple(dict.fromkeys(log for one in some for log in one.reads)),
        tuple(dict.fromkeys(log for one in some for log in one.writes)),
        tuple(dict.fromkeys(group for one in some for group in one.groups)),
        ", ".join(dict.fromkeys(one.purpose for one in some)),
    )


def _principal(folder: str) -> str:
    return folder.replace("_", "-")


ROLE_ACCESS: Final = {
    "source": Access(
        (*POLICIES, INDICATORS), (TELEMETRY, TRACES), (), "production: says what is, hears what was decided and advised"
    ),
    "reader": Access(_EVERYTHING, (), (), "people and dashboards that look"),
    "operator": Access(
        (*_EVERYTHING, SNAPSHOTS), (TELEMETRY, TRACES, REQUESTS, QUARANTINE), (), "people: sign requests, replay"
    ),
    "feature-eye": Access((EXPERIENCE,), (), (), "the process that fills the online store, if it is one of its own"),
}
"""By role of a person or a program that is no service of ours. The superuser needs no rule."""


def access_of(name: str) -> Access:
    """Look a service (with `_` or `-`), a program or a role up.

    Raises:
        Reject: `unknown_principal`.
    """
    every = service_access() | program_access() | ROLE_ACCESS
    found = every.get(_principal(name))
    if found is None:
        raise Reject("unknown_principal", f"no service and no role {name!r}; there are {', '.join(every)}")
    return found


def together(pack: Pack) -> Access:
    """What a process may do that runs several services: whatever one of them may."""
    some: list[Access] = []
    for name in pack.services:
        service = registry.service(name)
        doors: dict[str, set[str]] = {}
        for fold in service.folds:
            if fold.topic in DOORS:
                doors.setdefault(fold.group, set()).add(door_of(fold.topic))
        for group, access in _accesses(service):
            if not pack.doors or group not in doors or doors[group] & set(pack.doors):
                some.append(access)
    return _all_of(some)


def rules_of(access: Access) -> tuple[Rule, ...]:
    """Return the rules that grant an access and no more, in a fixed order.

    Everybody may see which topics there are and how they are set, which is checked at every start; not what lies in
    them.
    """
    topics = dict.fromkeys((*access.reads, *access.writes))
    by_topic: dict[str, tuple[Operation, ...]] = {
        topic: (*(("read",) if topic in access.reads else ()), *(("write",) if topic in access.writes else ()))
        for topic in topics
    }
    return (
        Rule("cluster", CLUSTER, ("describe", "describe_configs")),
        Rule("topic", _PREFIX, ("describe", "describe_configs"), is_prefix=True),
        *(Rule("topic", topic, operations, topic.endswith(".")) for topic, operations in by_topic.items()),
        *(Rule("group", group, ("read", "describe")) for group in access.groups),
        Rule("group", _READERS, ("read", "describe"), is_prefix=True),
    )
