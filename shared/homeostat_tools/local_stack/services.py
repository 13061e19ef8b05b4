"""The services there are, what they fold, and how they are packed into processes."""

import os
from dataclasses import dataclass, replace
from typing import Final

from homeostat.events.logs import DAY_MS, DOORS, LOGS, QUARANTINE, QUARANTINE_DAYS, Log, snapshot_log
from homeostat.runtime import registry
from homeostat.runtime.declarations import ProgramEntry, ServiceEntry
from homeostat.runtime.declared_topics import created_topics, topic_of
from homeostat_tools.local_stack.topics import TopicSpec


def inputs() -> dict[str, str]:
    """Name of each fold and the topic it reads."""
    return {name: entry.topic for name, entry in registry.folds().items()}


@dataclass(frozen=True, slots=True)
class Pack:
    """Services that share a process.

    Args:
        name: Of the process.
        services: Their folder names.
        doors: That the intake in it guards, if it is not all of them.
    """

    name: str
    services: tuple[str, ...]
    doors: tuple[str, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        """What the process is started with beside what all have."""
        return {"HOMEOSTAT_INTAKE_DOORS": ",".join(self.doors)} if self.doors else {}


PEOPLE: Final = ("requests",)
"""Doors of people: what they want never waits behind what machines say."""

MACHINES: Final = ("telemetry", "traces", "reports")

PACKED: Final = (
    Pack("intake", ("intake",), MACHINES),
    Pack("detector", ("drift_detector",)),
    Pack("deciders", ("outcome_evaluator", "meta_learner", "training_advisor", "threshold_tracker")),
    Pack("law", ("intake", "governor"), PEOPLE),
    Pack("hands", ("rollout_actuator", "retrain_actuator", "threshold_actuator")),
    Pack("auditor", ("auditor",)),
    Pack("trainer", ("maml_trainer",)),
)
"""Few processes: a small machine pays for every interpreter. What one of them shares falls together, so the law shares
nothing but the door of people with anybody, and the proof nothing at all."""


def packs(*, is_packed: bool = True) -> tuple[Pack, ...]:
    """How the services are spread over processes: installed ones of other packages have one each.

    Args:
        is_packed: Few processes; else one for every consumer group.
    """
    packed = {service for pack in PACKED for service in pack.services} if is_packed else set()
    alone = [entry for name, entry in registry.services().items() if name not in packed]
    return (*(PACKED if is_packed else ()), *(pack for entry in alone for pack in _apart(entry)))


def programs_here() -> dict[str, ProgramEntry]:
    """Programs that a local stack runs: not those whose URL the environment gives, which are somebody's own."""
    return {
        name: program
        for name, program in registry.programs().items()
        if not (program.variable and os.environ.get(program.variable))
    }


def _apart(entry: ServiceEntry) -> list[Pack]:
    """One process for every group of a service that reads doors, one for any other."""
    doors: dict[str, list[str]] = {}
    for fold in entry.folds:
        if fold.topic in DOORS:
            doors.setdefault(fold.group, []).append(door_of(fold.topic))
    return [Pack(group, (entry.name,), tuple(some)) for group, some in doors.items()] or [
        Pack(entry.name.replace("_", "-"), (entry.name,))
    ]


def door_of(topic: str) -> str:
    """What `HOMEOSTAT_INTAKE_DOORS` calls the topic of a door."""
    return topic.removeprefix("homeostat.")


def topics(partitions: int, quarantine_days: float = QUARANTINE_DAYS) -> list[TopicSpec]:
    """Every topic of the system.

    Args:
        partitions: Of each log that does not say.
        quarantine_days: How long refused input is kept.
    """
    snapshots = [snapshot_log(fold, topic_of(topic)) for fold, topic in inputs().items()]
    kept = round(quarantine_days * DAY_MS)
    logs = [replace(log, retention_ms=kept) if log.name == QUARANTINE else log for log in LOGS]
    return [_spec(log, partitions) for log in (*logs, *created_topics(), *snapshots)]


def _spec(log: Log, partitions: int) -> TopicSpec:
    return TopicSpec(log.name, log.partitions or partitions, log.config())
