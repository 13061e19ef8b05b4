"""The services there are, what they fold, and how they are packed into processes."""

from dataclasses import dataclass
from typing import Final

from homeostat.events.logs import (
    EXPERIENCE,
    GOVERNANCE,
    LOGS,
    REPORTS,
    REQUESTS,
    TELEMETRY,
    TIMELINE,
    TRACES,
    Log,
    by_name,
    snapshot_log,
)
from homeostat.stack.topics import TopicSpec

FOLDS: Final = {
    "intake.telemetry": TELEMETRY,
    "intake.traces": TRACES,
    "intake.requests": REQUESTS,
    "intake.reports": REPORTS,
    "drift_detector": TIMELINE,
    "outcome_evaluator": TIMELINE,
    "meta_learner": EXPERIENCE,
    "governor": GOVERNANCE,
}
"""Name of each fold and the log it reads; a contract test holds it against the code."""


@dataclass(frozen=True, slots=True)
class Pack:
    """Services that share a process.

    Args:
        name: Of the process.
        services: Their folder names.
    """

    name: str
    services: tuple[str, ...]


PACKED: Final = (
    Pack("intake", ("intake",)),
    Pack("detector", ("drift_detector",)),
    Pack("deciders", ("outcome_evaluator", "meta_learner", "governor")),
    Pack("hands", ("rollout_actuator", "retrain_actuator", "threshold_actuator", "auditor")),
    Pack("trainer", ("maml_trainer",)),
)
"""Few processes: a small machine pays for every interpreter."""

SERVICES: Final = tuple(service for pack in PACKED for service in pack.services)
SINGLE: Final = tuple(Pack(service.replace("_", "-"), (service,)) for service in SERVICES)


def topics(partitions: int) -> list[TopicSpec]:
    """Every topic of the system.

    Args:
        partitions: Of each log that does not say.
    """
    snapshots = [snapshot_log(fold, by_name(log)) for fold, log in FOLDS.items()]
    return [_spec(log, partitions) for log in (*LOGS, *snapshots)]


def _spec(log: Log, partitions: int) -> TopicSpec:
    config = log.config()
    if log.name == "homeostat.quarantine":
        config["max.message.bytes"] = "3145728"  # a refused record in base64, with its headers
    return TopicSpec(log.name, log.partitions or partitions, config)
