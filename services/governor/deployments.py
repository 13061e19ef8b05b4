"""What serves a model was changed past the governor: it follows, publishes it, and ends what compares with another."""

from dataclasses import replace
from typing import Final

from homeostat.core import Emit, Event, Reject
from homeostat.core.identity import scope_of
from homeostat.events import DeploymentObserved, DeploymentUnapproved, IndicatorComputed, RuleResult
from homeostat.events.logs import EXPERIENCE, INDICATORS, POLICIES, TIMELINE
from homeostat.services.governor import holdback, settlement
from homeostat.services.governor.answering_hands import hand_of
from homeostat.services.governor.authorization import authenticate
from homeostat.services.governor.state import State
from homeostat.services.governor.verdicts import Emits

SIGNED_SETTING: Final = "signed_deployments"
"""Of a scope: whether only signed announcements count."""


def observed(state: State, event: Event, data: DeploymentObserved) -> Emits:
    """Follow a deployment from outside; what serves already is no news.

    It counts for everybody or for nobody: from here it goes on to the timeline and to the family. A version that no
    approved action put there is published as unapproved. Actions that compare with another champion are over.

    Args:
        state: Champion, actions and holdbacks of the model follow.
        event: As intake passed it on.
        data: Its payload.

    Raises:
        Reject: The scope takes signed announcements only, and this is none: `unsigned`, `role_missing`, ….
    """
    subject = data.model or ""
    model = state.registry.models.get(subject)
    if model is None:
        return ()
    scope = scope_of(subject)
    configured = state.configured.get(scope)
    if configured is not None and configured.settings.get(SIGNED_SETTING) is True:
        if data.is_noticed:
            return () if data.version == model.champion else _unapproved(state, data, model.champion, is_counted=False)
        _check_signer(state, event, data, scope)
    was, is_ours = model.champion, _is_ours(state, subject, data.version)
    ended = _replaced(state, subject, data, event.time)
    state.registry.serve(subject, data.version, data.artifact)
    emits = tuple(emit for _, ending in ended for emit in ending)
    if data.version == was and not ended:
        return ()
    passed = (
        ()
        if is_ours
        else (
            Emit(TIMELINE, data, subject),
            Emit(EXPERIENCE, data, model.family),
        )
    )
    unapproved = () if is_ours or data.version == was else _unapproved(state, data, was, tuple(id_ for id_, _ in ended))
    cleared = holdback.drop_of(state, subject, event.time) if data.version != was else ()
    return (*emits, *passed, *unapproved, *cleared)


def _is_ours(state: State, subject: str, version: str) -> bool:
    """Whether a version is on its way to be the champion by an approved action."""
    return any(
        action.phase in ("promoting", "measuring") and action.canary is not None and action.canary.version == version
        for _, action in state.flight.serving(subject)
    )


def _replaced(state: State, subject: str, data: DeploymentObserved, now: int) -> list[tuple[str, Emits]]:
    """End what was compared with another champion: no candidate of it ever gets the place of this one.

    Returns:
        Ids of the actions, and what is emitted for each.
    """
    is_known, ended = data.version == state.registry.models[subject].champion, list[tuple[str, Emits]]()
    for id_, action in state.flight.serving(subject):
        is_own = action.canary is not None and action.canary.version == data.version
        if is_own or (is_known and action.phase != "promoting"):
            continue
        state.registry.serve(subject, data.version, data.artifact)  # before the command that says what serves
        why = RuleResult(
            rule="known_model",
            passed=False,
            value=action.reference,
            limit=data.version,
            reason=f"{data.version} was deployed from outside",
        )
        ended.append((id_, settlement.end(state, id_, action, now, action.cost, (why,))))
    return ended


def _check_signer(state: State, event: Event, data: DeploymentObserved, scope: str) -> None:
    """Let a deployment count only if somebody signed it who may announce one; his signature counts once.

    That are people, pipelines with a key of their own, and the hands that answer commands in the scope.

    What was signed is what was published: under the model's own subject, and before intake named the model.
    """
    signed, published = data.model_copy(update={"model": None}), replace(event, subject=data.model or "")
    principal = authenticate(state.keyring, state.signatures, published, signed)
    roles = ("operator", "source", *(f"hand:{hand_of(state.keyring, log, scope)}" for log in POLICIES))
    if not any(state.keyring.has_role(principal, role, scope) for role in roles):
        raise Reject("role_missing", f"{principal} needs one of the roles {', '.join(roles)} in {scope}")
    state.signatures.spend(signed, event.time)


def _unapproved(
    state: State, data: DeploymentObserved, replaced: str, ended: tuple[str, ...] = (), *, is_counted: bool = True
) -> Emits:
    subject = data.model or ""
    unapproved = DeploymentUnapproved(
        model=subject,
        version=data.version,
        replaced=replaced,
        is_noticed=data.is_noticed,
        is_counted=is_counted,
        ended=ended,
        reason=data.reason,
    )
    model = state.registry.models[subject]
    model.n_unapproved += 1
    mismatches = IndicatorComputed(model=subject, name="version_mismatches", value=float(model.n_unapproved))
    return (Emit(INDICATORS, unapproved, subject), Emit(INDICATORS, mismatches, subject))
