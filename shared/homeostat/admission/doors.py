"""What each door takes."""

from typing import Final

from homeostat.core import Event, Reject
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionProgressed,
    ActionRequested,
    ActionReverted,
    AdviceRequested,
    ApprovalDenied,
    ApprovalGiven,
    BillReceived,
    BrakeConfirmed,
    BudgetSet,
    CandidateTrained,
    DeploymentObserved,
    EpisodeRecorded,
    FamilyRegistered,
    FreezeLifted,
    FreezeSet,
    IncidentRecorded,
    KeyRegistered,
    KeyRevoked,
    Labels,
    ModelConfigured,
    ModelRegistered,
    RevertRequested,
    RoleGranted,
    RoleRevoked,
    RulesSet,
    Samples,
    ScopeConfigured,
    SignalObserved,
    SliObserved,
    SourceDistrusted,
    SourceTrusted,
    TaskRecorded,
    UpdateContributed,
    WeightsPublished,
    WeightsRejected,
    short,
)
from homeostat.events.logs import REPORTS, REQUESTS, TELEMETRY, TRACES

TRACED: Final = (
    FamilyRegistered,
    EpisodeRecorded,
    AdviceRequested,
    IncidentRecorded,
    UpdateContributed,
    TaskRecorded,
)
"""What the door of traces takes."""

REQUESTED: Final = (
    ActionRequested,
    RevertRequested,
    ApprovalGiven,
    ApprovalDenied,
    FreezeSet,
    FreezeLifted,
    BudgetSet,
    RulesSet,
    ScopeConfigured,
    KeyRegistered,
    KeyRevoked,
    RoleGranted,
    RoleRevoked,
    ModelConfigured,
    SourceDistrusted,
    SourceTrusted,
)
"""What the door of requests takes."""

ADMITTED: Final = {
    TELEMETRY: (ModelRegistered, Samples, Labels, DeploymentObserved, SliObserved, SignalObserved, BillReceived),
    TRACES: TRACED,
    REQUESTS: REQUESTED,
    REPORTS: (
        ActionApplied,
        ActionProgressed,
        ActionFailed,
        ActionReverted,
        CandidateTrained,
        BrakeConfirmed,
        WeightsPublished,
        WeightsRejected,
    ),
}
"""Payload classes by door."""

DOOR_OF: Final = {payload.TYPE: door for door, payloads in ADMITTED.items() for payload in payloads}
"""The one door of each type that comes from outside."""


def check_type(event: Event, door: str) -> None:
    """Let a type pass only at its own door.

    Raises:
        Reject: `type_not_for_log`.
    """
    right = DOOR_OF.get(event.type)
    if right != door:
        where = f"publish it to {right}" if right else "no door takes it: it is derived inside"
        raise Reject("type_not_for_log", f"{short(event.type)} does not belong in {door}; {where}")
