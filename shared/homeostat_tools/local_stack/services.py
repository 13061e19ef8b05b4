"""The services there are, what they fold, and how they are packed into processes."""

from dataclasses import dataclass, replace
from typing import Final

from homeostat.events.logs import (
    DAY_MS,
    EXPERIENCE,
    GOVERNANCE,
    LOGS,
    QUARANTINE,
    QUARANTINE_DAYS,
    REPORTS,
    REQUESTS,
    TELEMETRY,
    TIMELINE,
    TRACES,
    Log,
    by_name,
    snapshot_log,
)
from homeostat_tools.local_stack.topics import TopicSpec

FOLDS: Final = {
    "intake.telemetry": TELEMETRY,
    "intake.traces": TRACES,
    "intake.requests": REQUESTS,
    "intake.reports": REPORTS,
    "drift_detector": TIMELINE,
    "outcome_evaluator": TIMELINE,
    "meta_learner": EXPERIENCE,
    "training_advisor": EXPERIENCE,
    "governor": GOVERNANCE,
}
"""Name of each fold and the log it reads; a contract test holds it against the code."""


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
    Pack("deciders", ("outcome_evaluator", "meta_learner", "training_advisor")),
    Pack("law", ("intake", "governor"), PEOPLE),
    Pack("hands", ("rollout_actuator", "retrain_actuator", "threshold_actuator")),
    Pack("auditor", ("auditor",)),
    Pack("trainer", ("maml_trainer",)),
)
"""Few processes: a small machine pays for every interpreter. What one of them shares falls together, so the law shares
nothing but the door of people with anybody, and the proof nothing at all."""

SERVICES: Final = tuple(dict.fromkeys(service for pack in PACKED for service in pack.services))
SINGLE: Final = (
    Pack("intake", ("intake",), MACHINES),
    Pack("intake-requests", ("intake",), PEOPLE),
    *(Pack(service.replace("_", "-"), (service,)) for service in SERVICES if service != "intake"),
)


def topics(partitions: int, quarantine_days: float = QUARANTINE_DAYS) -> list[TopicSpec]:
    """Every topic of the system.

    Args:
        partitions: Of each log that does not say.
        quarantine_days: How long refused input is kept.
    """
    snapshots = [snapshot_log(fold, by_name(log)) for fold, log in FOLDS.items()]
    kept = round(quarantine_days * DAY_MS)
    logs = [replace(log, retention_ms=kept) if log.name == QUARANTINE else log for log in LOGS]
    return [_spec(log, partitions) for log in (*logs, *snapshots)]


def _spec(log: Log, partitions: int) -> TopicSpec:
    return TopicSpec(log.name, log.partitions or partitions, log.config())
