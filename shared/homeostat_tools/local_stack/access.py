"""Who may do what at the broker: one table, from which the ACLs of every service and role are made.

What is not granted is refused. A service reads its input and its snapshots, and writes what it emits, its own ticks and
snapshots, and what it refuses; nobody but the governor writes commands and verdicts, nobody but intake and the governor
writes what the governor decides on. A contract test holds the table against the code.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from homeostat.core import Reject
from homeostat.events.logs import (
    AUDIT,
    EXPERIENCE,
    GOVERNANCE,
    INDICATORS,
    LOGS,
    POLICIES,
    POLICY_META_TRAINING,
    POLICY_RETRAIN,
    POLICY_ROLLOUT,
    POLICY_THRESHOLD,
    QUARANTINE,
    REPORTS,
    REQUESTS,
    SNAPSHOTS,
    TASKS,
    TELEMETRY,
    TIMELINE,
    TRACES,
    VERDICTS,
)
from homeostat_tools.local_stack.services import FOLDS, MACHINES, PEOPLE, Pack

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


EMITS: Final = {
    "intake.telemetry": (TIMELINE, EXPERIENCE, GOVERNANCE, INDICATORS),
    "intake.traces": (EXPERIENCE, TASKS, GOVERNANCE),
    "intake.requests": (GOVERNANCE,),
    "intake.reports": (GOVERNANCE,),
    "drift_detector": (EXPERIENCE, GOVERNANCE, INDICATORS),
    "outcome_evaluator": (EXPERIENCE, GOVERNANCE, INDICATORS),
    "meta_learner": (EXPERIENCE, GOVERNANCE, INDICATORS),
    "training_advisor": (INDICATORS,),
    "governor": (*POLICIES, VERDICTS, EXPERIENCE, INDICATORS, TIMELINE),
}
"""Logs that a fold emits to, besides the quarantine."""

_HANDS: Final = {
    "rollout_actuator": (POLICY_ROLLOUT,),
    "retrain_actuator": (POLICY_RETRAIN, TIMELINE, EXPERIENCE, TASKS),
    "threshold_actuator": (POLICY_THRESHOLD, INDICATORS),
    "maml_trainer": (POLICY_META_TRAINING, TIMELINE, EXPERIENCE, TASKS),
}
"""Logs that a hand reads: commands, and what it works from."""


INTAKE: Final = "intake"
INTAKE_REQUESTS: Final = "intake-requests"
"""The door of people, a group of its own and often a process of its own."""


def _principal(folder: str) -> str:
    return folder.replace("_", "-")


def _folds(principal: str, folds: Iterable[str]) -> Access:
    reads, writes = list[str](), [QUARANTINE]
    for fold in folds:
        state = f"{SNAPSHOTS}{fold}"
        reads += [FOLDS[fold], state]
        writes += [FOLDS[fold], *EMITS[fold], state]
    unique = tuple(dict.fromkeys(reads)), tuple(dict.fromkeys(writes))
    return Access(*unique, (principal,), f"the service {principal}")


SERVICE_ACCESS: Final = {
    INTAKE: _folds(INTAKE, (f"intake.{door}" for door in MACHINES)),
    INTAKE_REQUESTS: _folds(INTAKE_REQUESTS, (f"intake.{door}" for door in PEOPLE)),
    **{_principal(fold): _folds(_principal(fold), (fold,)) for fold in FOLDS if "." not in fold},
    **{
        _principal(hand): Access(logs, (REPORTS, QUARANTINE), (_principal(hand),), f"the hand {hand}")
        for hand, logs in _HANDS.items()
    },
    "auditor": Access((*_EVERYTHING, SNAPSHOTS), (AUDIT,), ("auditor",), "the service auditor"),
}
"""By service, as its consumer group is named."""

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
    """Look a service (with `_` or `-`) or a role up.

    Raises:
        Reject: `unknown_principal`.
    """
    found = (SERVICE_ACCESS | ROLE_ACCESS).get(_principal(name))
    if found is None:
        known = ", ".join((*SERVICE_ACCESS, *ROLE_ACCESS))
        raise Reject("unknown_principal", f"no service and no role {name!r}; there are {known}")
    return found


def together(pack: Pack) -> Access:
    """What a process may do that runs several services: whatever one of them may."""
    doors = pack.doors or (*MACHINES, *PEOPLE)
    intakes = {INTAKE: MACHINES, INTAKE_REQUESTS: PEOPLE}
    names = [name for name in pack.services if name != INTAKE]
    if INTAKE in pack.services:
        names += [name for name, some in intakes.items() if set(some) & set(doors)]
    all_ = [access_of(name) for name in names]
    return Access(
        tuple(dict.fromkeys(log for one in all_ for log in one.reads)),
        tuple(dict.fromkeys(log for one in all_ for log in one.writes)),
        tuple(dict.fromkeys(group for one in all_ for group in one.groups)),
        ", ".join(one.purpose for one in all_),
    )


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
