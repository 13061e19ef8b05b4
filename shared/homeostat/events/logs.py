"""The topics: one ordering domain each. The only place where their names stand."""

from dataclasses import dataclass
from typing import Final, Literal

TELEMETRY: Final = "homeostat.telemetry"
TRACES: Final = "homeostat.traces"
REQUESTS: Final = "homeostat.requests"
REPORTS: Final = "homeostat.reports"
TIMELINE: Final = "homeostat.timeline"
EXPERIENCE: Final = "homeostat.experience"
GOVERNANCE: Final = "homeostat.governance"
POLICY_ROLLOUT: Final = "homeostat.policy.rollout"
POLICY_RETRAIN: Final = "homeostat.policy.retrain"
POLICY_THRESHOLD: Final = "homeostat.policy.alert-threshold"
POLICY_META_TRAINING: Final = "homeostat.policy.meta-training"
VERDICTS: Final = "homeostat.verdicts"
TASKS: Final = "homeostat.tasks"
INDICATORS: Final = "homeostat.indicators"
QUARANTINE: Final = "homeostat.quarantine"
AUDIT: Final = "homeostat.audit"
SNAPSHOTS: Final = "homeostat.snapshots."

DOORS: Final = (TELEMETRY, TRACES, REQUESTS, REPORTS)
POLICIES: Final = (POLICY_ROLLOUT, POLICY_RETRAIN, POLICY_THRESHOLD, POLICY_META_TRAINING)
HAND_OF: Final = {
    POLICY_ROLLOUT: "rollout_actuator",
    POLICY_RETRAIN: "retrain_actuator",
    POLICY_THRESHOLD: "threshold_actuator",
    POLICY_META_TRAINING: "maml_trainer",
}
"""Service of ours that obeys the commands of a policy topic: its reports are believed (role `hand:<service>`) where no
other hand was granted the topic (role `hand:<service>/<policy name>`)."""

GOVERNANCE_KEY: Final = "*"

MAX_RECORD_BYTES: Final = 1_000_000
"""Value and headers of one record. Kafka's default limit is 1 MiB with its own overhead."""

MAX_INPUT_BYTES: Final = 5_000_000
"""Key, value and headers of one record of a door, decompressed: what is larger is refused unread, and kept in part."""

MAX_QUARANTINED_BYTES: Final = 8_388_608
"""One record of the quarantine: the largest input in base64, with what is said of it."""

DAY_MS: Final = 86_400_000

QUARANTINE_DAYS: Final = 30.0
"""Refused input may hold what no pattern knows: it is kept long enough to be put back, and not for ever."""


@dataclass(frozen=True, slots=True)
class Log:
    """A topic of the catalogue.

    Args:
        name: Topic.
        kind: door, log, snapshots.
        subject: What its key is.
        purpose: What it holds, one line.
        partitions: Number, never changed on a live topic; None is the deployment's default.
        retention_ms: -1 keeps everything.
    """

    name: str
    kind: Literal["door", "log", "snapshots"]
    subject: str
    purpose: str
    partitions: int | None = None
    retention_ms: int = -1

    def config(self) -> dict[str, str]:
        """Topic settings for the broker."""
        if self.kind == "snapshots":
            return {
                "cleanup.policy": "compact",
                "min.cleanable.dirty.ratio": "0.2",
                "segment.ms": "600000",
                "segment.bytes": "33554432",
                "message.timestamp.type": "LogAppendTime",
            }
        config = {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_ms),
            "message.timestamp.type": "LogAppendTime",
        }
        if self.name == QUARANTINE:
            config["max.message.bytes"] = str(MAX_QUARANTINED_BYTES)
        return config


LOGS: Final = (
    Log(TELEMETRY, "door", "scope/model", "what production shows: samples, labels, deployments", None, DAY_MS),
    Log(TRACES, "door", "scope/family", "what training shows: episodes, incidents, tasks", None, DAY_MS),
    Log(REQUESTS, "door", "scope", "what people want: approvals, freezes, budgets, rules, keys", None, DAY_MS),
    Log(REPORTS, "door", "as the target", "what hands have done", None, DAY_MS),
    Log(TIMELINE, "log", "scope/model", "the trusted history of one model", None, 7 * DAY_MS),
    Log(EXPERIENCE, "log", "scope/family", "what there is to learn from"),
    Log(GOVERNANCE, "log", "scope or *", "what is wanted and what is allowed: law is serial", 1),
    Log(POLICY_ROLLOUT, "log", "scope/model", "approved rollouts"),
    Log(POLICY_RETRAIN, "log", "scope/model", "approved retrains"),
    Log(POLICY_THRESHOLD, "log", "scope/model", "approved alert thresholds"),
    Log(POLICY_META_TRAINING, "log", "scope/family", "approved meta-trainings"),
    Log(VERDICTS, "log", "scope", "every verdict with its reasons"),
    Log(TASKS, "log", "scope/family", "few-shot tasks with their arrays"),
    Log(INDICATORS, "log", "scope/model", "computed indicators and tracked thresholds"),
    Log(QUARANTINE, "log", "as the refused", "refused input, with the reason", None, round(QUARANTINE_DAYS * DAY_MS)),
    Log(AUDIT, "log", "log name", "proofs: digests of all logs, signed checkpoints", 1),
)


def snapshot_log(fold: str, log: Log) -> Log:
    """The compacted topic that holds the state of a fold over `log`; as many partitions."""
    return Log(SNAPSHOTS + fold, "snapshots", "kind|writer|place|subject", f"state of {fold}", log.partitions)


def policy_name(log: str) -> str:
    """What a policy topic is called in a role: `alert-threshold`."""
    return log.rpartition(".")[2]


def by_name(name: str) -> Log:
    """Look a log up.

    Raises:
        KeyError: There is no such log.
    """
    for log in LOGS:
        if log.name == name:
            return log
    raise KeyError(f"no log {name!r}; the logs are {', '.join(log.name for log in LOGS)}")
