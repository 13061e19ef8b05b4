"""What hands report becomes a fact only here: signed, by the hand of the command, about a command that is open."""

from homeostat.core import Emit, Event, Reject
from homeostat.core.identity import scope_of
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionProgressed,
    ActionReverted,
    BrakeConfirmed,
    CandidateTrained,
    Data,
    Rollout,
    WeightsPublished,
    WeightsRejected,
)
from homeostat.events.answers import ANSWERS, CLOSING
from homeostat.events.logs import EXPERIENCE, POLICIES, TIMELINE, VERDICTS
from homeostat.events.reports import Report
from homeostat.services.governor.answering_hands import hand_of
from homeostat.services.governor.authorization import signer
from homeostat.services.governor.issued import Issued
from homeostat.services.governor.state import State

Reported = (
    CandidateTrained
    | ActionApplied
    | ActionFailed
    | ActionReverted
    | ActionProgressed
    | WeightsPublished
    | WeightsRejected
)


def admit(state: State, event: Event, data: Reported) -> tuple[Emit, ...] | None:
    """Check a report and pass it on to whom it concerns.

    Args:
        state: Its keyring is read, the command takes note of the report.
        event: The report as intake passed it on.
        data: Its payload.

    Returns:
        What it becomes; None if the same was reported before, as a hand does after a crash.

    Raises:
        Unproven: `unsigned`, `signature_invalid`, `key_unknown`, `key_revoked`.
        Reject: `role_missing`, `command_unknown`, `command_closed`, `report_mismatch`.
    """
    key, provenance = signer(state.keyring, event, data), data.provenance
    assert provenance is not None
    named, _, stage = provenance.id.rpartition("#")
    command = state.issued.by_identity.get(named)
    if command is None:
        raise Reject("command_unknown", f"{named or provenance.id!r} is no command of this governor that may be open")
    scope = scope_of(command.target)
    if not state.keyring.has_role(key.principal, f"hand:{command.hand}", scope):
        raise Reject("role_missing", f"{key.principal} needs the role hand:{command.hand} in {scope}")
    _check_about(event, data, named, command)
    if isinstance(data, ActionProgressed):
        return _passed_on(data) if not command.is_closed else None
    return _passed_on(data) if command.add_stage(stage, is_closing=isinstance(data, CLOSING)) else None


def confirmed(state: State, event: Event, data: BrakeConfirmed) -> tuple[Emit, ...]:
    """Pass on that a hand holds.

    Args:
        state: For the keyring.
        event: As intake passed it on.
        data: Its payload.

    Raises:
        Unproven: `unsigned`, `signature_invalid`, `key_unknown`, `key_revoked`.
        Reject: `role_missing`, `report_mismatch`.
    """
    key, scope = signer(state.keyring, event, data), scope_of(data.scope)
    hand = hand_of(state.keyring, data.log, scope) if data.log in POLICIES else ""
    if hand.partition("/")[0] != data.hand:
        raise Reject("report_mismatch", f"{data.hand} answers no commands of {data.log} in {scope}")
    if not state.keyring.has_role(key.principal, f"hand:{hand}", scope):
        raise Reject("role_missing", f"{key.principal} needs the role hand:{hand} in {scope}")
    return (Emit(VERDICTS, data, scope),)


def _check_about(event: Event, data: Reported, named: str, command: Issued) -> None:
    """What is reported is what was commanded."""
    target = (data.model or data.family) if isinstance(data, Report) else data.family
    answers = isinstance(data, ANSWERS[command.type])
    says = data.command if isinstance(data, Report) else named
    right = (command.action, command.target, command.family, named)
    if not answers or (data.action, target, data.family, says) != right:
        raise Reject(
            "report_mismatch",
            f"{named} is a {command.type} of {command.action} about {command.target}; {data.TYPE} of {data.action} "
            f"about {target} does not answer it",
        )
    rollout: Rollout | None = getattr(data, "rollout", None)
    if rollout is not None and (rollout.champion, rollout.champion_artifact) != command.serves:
        raise Reject("report_mismatch", f"{named} puts {command.serves} there, and not {rollout.champion!r}")


def _passed_on(data: Data) -> tuple[Emit, ...]:
    if isinstance(data, Report) and data.model is not None:
        return (Emit(TIMELINE, data, data.model),)
    if isinstance(data, ActionProgressed | WeightsPublished | WeightsRejected):
        return (Emit(EXPERIENCE, data, data.family),)
    return ()
