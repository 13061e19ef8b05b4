"""Which types lie in which logs: the table of the design, for people who look for something."""

from typing import Final

from homeostat.client.doors import DOOR_OF
from homeostat.events import MODELS, short
from homeostat.events.logs import (
    AUDIT,
    EXPERIENCE,
    GOVERNANCE,
    INDICATORS,
    POLICIES,
    POLICY_META_TRAINING,
    POLICY_RETRAIN,
    POLICY_ROLLOUT,
    POLICY_THRESHOLD,
    QUARANTINE,
    REQUESTS,
    TASKS,
    TELEMETRY,
    TIMELINE,
    VERDICTS,
)

_REPORTS: Final = ("action.applied", "action.failed", "action.reverted", "candidate.trained")


def _types_at(door: str) -> tuple[str, ...]:
    return tuple(short(type_) for type_, taken_by in DOOR_OF.items() if taken_by == door)


_INSIDE: Final[dict[str, tuple[str, ...]]] = {
    TIMELINE: (*_types_at(TELEMETRY), *_REPORTS, "action.progressed"),
    EXPERIENCE: (
        "family.registered",
        "model.registered",
        "episode.recorded",
        "advice.requested",
        "incident.recorded",
        "update.contributed",
        "task.recorded",
        "drift.detected",
        "evidence.updated",
        "drift.cleared",
        "profile.updated",
        "threshold.graded",
        "candidate.evaluated",
        "outcome.measured",
        "outcome.revised",
        "weights.published",
        "weights.rejected",
        "verdict.given",
        "rules.set",
        "scope.configured",
        "source.distrusted",
        "prior.contributed",
        "prior.published",
    ),
    GOVERNANCE: (
        *_types_at(REQUESTS),
        *_REPORTS,
        "action.proposed",
        "canary.judged",
        "action.settled",
        "burn.reported",
        "brake.confirmed",
        "deployment.observed",
        "model.registered",
    ),
    POLICY_ROLLOUT: ("rollout.set", "rollout.promote", "rollout.abort", "rollout.revert"),
    POLICY_RETRAIN: ("retrain.start",),
    POLICY_THRESHOLD: ("threshold.set", "threshold.revert"),
    POLICY_META_TRAINING: ("meta-training.start",),
    VERDICTS: ("verdict.given",),
    TASKS: ("task.recorded",),
    INDICATORS: ("indicator.computed", "threshold.moved", "advice.given"),
    QUARANTINE: ("event.refused",),
    AUDIT: ("log.digested", "checkpoint.signed"),
}
_ANYWHERE: Final = ("clock.ticked",)


def _logs_of(type_: str) -> tuple[str, ...]:
    name = short(type_)
    if name in _ANYWHERE:
        return ("any",)
    if name.startswith("brake.") and name != "brake.confirmed":
        return POLICIES
    doors = [DOOR_OF[type_]] if type_ in DOOR_OF else []
    return (*doors, *(log for log, names in _INSIDE.items() if name in names))


LOGS_OF: Final = {type_: _logs_of(type_) for type_ in MODELS}
"""Logs of every type, its door first."""
