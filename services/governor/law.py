"""What people set: rules, budgets, freezes, what is said of scopes and models. Signed, and from the next event on."""

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
from homeostat.events.base import TIERS
from homeostat.events.logs import POLICIES
from homeostat.services.governor import families
from homeostat.services.governor.authority import authorise, has_role
from homeostat.services.governor.quorum import second_word
from homeostat.services.governor.registry import configure
from homeostat.services.governor.rules import roll_over
from homeostat.services.governor.state import Budget, State

Law = (
    RulesSet
    | BudgetSet
    | FreezeSet
    | FreezeLifted
    | ScopeConfigured
    | ModelConfigured
    | SourceDistrusted
    | SourceTrusted
)


def enact(state: State, event: Event, data: Law) -> tuple[Emit, ...]:
    """Apply a signed request to the state.

    Raises:
        Reject: Whoever signed it, if anybody, may not.
    """
    match data:
        case RulesSet():
            if (held := _held(state, event, data, data.scope, is_weaker=_drops_approval(state, data))) is not None:
                return held
            state.rules[data.scope], state.rules_version[data.scope] = data, event.identity
            return families.tell(state, data)
        case BudgetSet():
            authorise(state, data, "operator", data.scope)
            _set_budget(state, data, event.time)
        case FreezeSet():
            authorise(state, data, "operator", scope_of(data.scope))
            state.freezes[data.scope] = event.identity
            brake = BrakeSet(scope=data.scope, freeze=event.identity)
            return tuple(Emit(log, brake, data.scope, broadcast=True) for log in POLICIES)
        case FreezeLifted():
            authorise(state, data, "operator", scope_of(data.scope))
            state.freezes.pop(data.scope, None)
            release = BrakeReleased(scope=data.scope, freeze=event.identity)
            return tuple(Emit(log, release, data.scope, broadcast=True) for log in POLICIES)
        case ScopeConfigured():
            authorise(state, data, "admin", data.scope)
            _configure(state, data)
            return families.tell(state, data)
        case ModelConfigured():
            scope = scope_of(data.model)
            if (held := _held(state, event, data, scope, is_weaker=_eases(state, data))) is not None:
                return held
            configure(state, data)
        case SourceDistrusted():
            authorise(state, data, "operator", data.scope)
            if data.source not in (sources := state.distrusted.setdefault(data.scope, [])):
                sources.append(data.source)
            return families.tell(state, data)
        case SourceTrusted():
            authorise(state, data, "operator", data.scope)
            if data.source not in (sources := state.distrusted.get(data.scope, [])):
                raise Reject("source_unknown", f"nobody has distrusted {data.source} in {data.scope}")
            sources.remove(data.source)
            return families.tell(state, data)
    return ()


def _held(
    state: State, event: Event, data: RulesSet | ModelConfigured, scope: str, *, is_weaker: bool
) -> tuple[Emit, ...] | None:
    """What weakens approval is wanted by an admin and a second person who may approve; the rest by an operator."""
    if not is_weaker:
        authorise(state, data, "operator", scope)
        return None
    principal = authorise(state, data, "approver", scope)
    is_admin = has_role(state, principal, "admin", scope)
    who = "an approver" if is_admin else "an admin"
    needs = f"it weakens approval: {who} of {scope} whom {principal} has not created signs the same"
    return second_word(state, event, data, principal, is_admin=is_admin, needs=needs, scope=scope)


def _drops_approval(state: State, data: RulesSet) -> bool:
    """Whether a tier that waits for a person now would not any more."""
    return bool(set(state.rules_of(data.scope)[0].approval_tiers) - set(data.approval_tiers))


def _eases(state: State, data: ModelConfigured) -> bool:
    """Whether a model gets a lower tier than it has, or is regulated no more."""
    model = state.models.get(data.model)
    if model is None:
        return False  # it will be refused
    is_lower = data.tier is not None and TIERS.index(data.tier) < TIERS.index(model.tier)
    return is_lower or (model.is_regulated and data.is_regulated is False)


def _set_budget(state: State, data: BudgetSet, now: int) -> None:
    """Begin a period with new money; what is spent and reserved stays. `*` sets all scopes without their own."""
    followers = [scope for scope, budget in state.budgets.items() if budget.is_default and data.scope == "*"]
    for scope in (data.scope, *followers):
        old = state.budgets.get(scope, Budget(data.money, data.period_ms, now))
        roll_over(old, now)
        state.budgets[scope] = Budget(
            data.money, data.period_ms, now, old.spent, old.reserved, is_default=scope != data.scope
        )


def _configure(state: State, data: ScopeConfigured) -> None:
    """Add to what is known of a scope: a setting that is not named stays as it was, as it does for who heard it."""
    state.configured[data.scope] = data.after(state.configured.get(data.scope))
