"""What people set: keys, roles, rules, budgets, freezes. Signed, and from the next event on."""

from governor.authority import authorise, is_root
from governor.state import Budget, Key, State
from homeostat.core import Emit, Event
from homeostat.events import (
    BrakeReleased,
    BrakeSet,
    BudgetSet,
    FreezeLifted,
    FreezeSet,
    KeyRegistered,
    KeyRevoked,
    RoleGranted,
    RulesSet,
    ScopeConfigured,
    SourceDistrusted,
)
from homeostat.events.logs import EXPERIENCE, POLICIES

Law = (
    KeyRegistered
    | KeyRevoked
    | RoleGranted
    | RulesSet
    | BudgetSet
    | FreezeSet
    | FreezeLifted
    | ScopeConfigured
    | SourceDistrusted
)


def enact(state: State, event: Event, data: Law) -> tuple[Emit, ...]:
    """Apply a signed request to the state.

    Raises:
        Reject: Whoever signed it, if anybody, may not.
    """
    match data:
        case KeyRegistered():
            if not is_root(state, data):
                authorise(state, event, data, "admin", "*")
            state.keys[data.key] = Key(data.public_key, data.principal)
            granted = state.roles.setdefault(data.principal, [])
            granted += [entry for role in data.roles if (entry := f"{role}@*") not in granted]
        case KeyRevoked():
            authorise(state, event, data, "admin", "*")
            if data.key in state.keys:
                state.keys[data.key].is_revoked = True
        case RoleGranted():
            authorise(state, event, data, "admin", "*")
            granted = state.roles.setdefault(data.principal, [])
            if (entry := f"{data.role}@{data.scope}") not in granted:
                granted.append(entry)
        case RulesSet():
            authorise(state, event, data, "operator", data.scope)
            state.rules[data.scope], state.rules_version[data.scope] = data, event.identity
            return _tell_families(state, data, data.scope)
        case BudgetSet():
            authorise(state, event, data, "operator", data.scope)
            _set_budget(state, data, event.time)
        case FreezeSet():
            authorise(state, event, data, "operator", data.scope)
            state.freezes[data.scope] = event.identity
            brake = BrakeSet(scope=data.scope, freeze=event.identity)
            return tuple(Emit(log, brake, data.scope, broadcast=True) for log in POLICIES)
        case FreezeLifted():
            authorise(state, event, data, "operator", data.scope)
            state.freezes.pop(data.scope, None)
            release = BrakeReleased(scope=data.scope, freeze=event.identity)
            return tuple(Emit(log, release, data.scope, broadcast=True) for log in POLICIES)
        case ScopeConfigured():
            authorise(state, event, data, "admin", data.scope)
            return _tell_families(state, data, data.scope)
        case SourceDistrusted():
            authorise(state, event, data, "operator", data.scope)
            if data.source not in state.distrusted:
                state.distrusted.append(data.source)
            return _tell_families(state, data, data.scope)
    return ()


def _set_budget(state: State, data: BudgetSet, now: int) -> None:
    old = state.budgets.get(data.scope)
    state.budgets[data.scope] = Budget(
        data.money,
        data.period_ms,
        now,
        old.spent if old else 0.0,
        old.reserved if old else 0.0,
    )


def _tell_families(state: State, data: RulesSet | ScopeConfigured | SourceDistrusted, scope: str) -> tuple[Emit, ...]:
    """Every family concerned learns of it."""
    families = sorted({m.family for m in state.models.values() if scope in ("*", m.family.partition("/")[0])})
    return tuple(Emit(EXPERIENCE, data, family) for family in families)
