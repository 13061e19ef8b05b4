"""What people set: rules, budgets, freezes, settings of scopes and models. Signed, and from the next event on."""

from typing import assert_never

from homeostat.core import Emit, Event, Reject
from homeostat.core.identity import scope_of
from homeostat.events import (
    BrakeReleased,
    BrakeSet,
    BudgetSet,
    FreezeLifted,
    FreezeSet,
    ModelConfigured,
    RulesSet,
    ScopeConfigured,
    SourceDistrusted,
    SourceTrusted,
)
from homeostat.events.logs import POLICIES
from homeostat.services.governor import family_updates, lifecycle
from homeostat.services.governor.authorization import authorize
from homeostat.services.governor.state import State
from homeostat.services.governor.verdicts import Emits

GovernanceRequest = (
    RulesSet
    | BudgetSet
    | FreezeSet
    | FreezeLifted
    | ScopeConfigured
    | ModelConfigured
    | SourceDistrusted
    | SourceTrusted
)


def apply_request(state: State, event: Event, data: GovernanceRequest) -> Emits:
    """Apply a signed request to the state.

    Args:
        state: What the request sets changes.
        event: The request.
        data: Its payload.

    Raises:
        Reject: Whoever signed it may not, `source_unknown`, `model_unknown`.
    """
    match data:
        case RulesSet():
            return _set_rules(state, event, data)
        case BudgetSet():
            authorize(state.keyring, data, "operator", data.scope)
            state.budgets.set(data.scope, data.money, data.period_ms, event.time)
            return ()
        case FreezeSet():
            authorize(state.keyring, data, "operator", scope_of(data.scope))
            state.freezes[data.scope] = event.identity
            return _to_every_hand(BrakeSet(scope=data.scope, freeze=event.identity))
        case FreezeLifted():
            authorize(state.keyring, data, "operator", scope_of(data.scope))
            state.freezes.pop(data.scope, None)
            released = _to_every_hand(BrakeReleased(scope=data.scope, freeze=event.identity))
            return released + lifecycle.resume(state, data.scope)
        case ScopeConfigured():
            authorize(state.keyring, data, "admin", data.scope)
            # a setting that is not named stays as it was, as it does for the families that hear of it
            state.configured[data.scope] = data.after(state.configured.get(data.scope))
            return family_updates.publish(state, data)
        case ModelConfigured():
            return _configure_model(state, event, data)
        case SourceDistrusted():
            authorize(state.keyring, data, "operator", data.scope)
            if data.source not in (sources := state.distrusted.setdefault(data.scope, [])):
                sources.append(data.source)
            return family_updates.publish(state, data)
        case SourceTrusted():
            authorize(state.keyring, data, "operator", data.scope)
            if data.source not in (sources := state.distrusted.get(data.scope, [])):
                raise Reject("source_unknown", f"nobody has distrusted {data.source} in {data.scope}")
            sources.remove(data.source)
            return family_updates.publish(state, data)
        case _:
            assert_never(data)


def _set_rules(state: State, event: Event, data: RulesSet) -> Emits:
    """Set rules; where a tier that waits for a person would not any more, it takes two."""
    is_weaker = bool(set(state.rules_of(data.scope)[0].approval_tiers) - set(data.approval_tiers))
    if (held := _held(state, event, data, data.scope, is_weaker=is_weaker)) is not None:
        return held
    state.rules[data.scope], state.rules_version[data.scope] = data, event.identity
    return family_updates.publish(state, data)


def _configure_model(state: State, event: Event, data: ModelConfigured) -> Emits:
    model = state.registry.models.get(data.model)
    is_weaker = model is not None and model.is_eased_by(data)
    if (held := _held(state, event, data, scope_of(data.model), is_weaker=is_weaker)) is not None:
        return held
    state.registry.configure(data)
    return ()


def _to_every_hand(data: BrakeSet | BrakeReleased) -> Emits:
    return tuple(Emit(log, data, data.scope, broadcast=True) for log in POLICIES)


def _held(state: State, event: Event, data: RulesSet | ModelConfigured, scope: str, *, is_weaker: bool) -> Emits | None:
    """Authorize: what weakens approval takes an admin and a second person who may approve; the rest an operator."""
    if not is_weaker:
        authorize(state.keyring, data, "operator", scope)
        return None
    principal = authorize(state.keyring, data, "approver", scope)
    is_admin = state.keyring.has_role(principal, "admin", scope)
    who = "an approver" if is_admin else "an admin"
    needs = f"it weakens approval: {who} of {scope} whom {principal} has not created signs the same"
    return state.keyring.second_signature(event, data, principal, is_admin=is_admin, needs=needs, scope=scope)
