"""What people set: keys, roles, rules, budgets, freezes. Signed, and from the next event on."""

from governor.authority import authorise, check_key, is_root
from governor.rules import roll_over
from governor.state import Budget, Key, State
from homeostat.core import Emit, Event, Reject
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
            if not is_root(state):
                authorise(state, event, data, "admin", "*")
            check_key(state, data)
            state.keys[data.key] = Key(data.public_key, data.principal)
            granted = state.roles.setdefault(data.principal, [])
            granted += [entry for role in data.roles if (entry := f"{role}@*") not in granted]
        case KeyRevoked():
            authorise(state, event, data, "admin", "*")
            if data.key not in state.keys:
                raise Reject("key_unknown", f"key {data.key} is not in the keyring")
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
            _configure(state, data)
            return _tell_families(state, data, data.scope)
        case SourceDistrusted():
            authorise(state, event, data, "operator", data.scope)
            if data.source not in (sources := state.distrusted.setdefault(data.scope, [])):
                sources.append(data.source)
            return _tell_families(state, data, data.scope)
    return ()


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
    known = state.configured.get(data.scope, data)
    settings, owner = {**known.settings, **data.settings}, data.owner or known.owner
    state.configured[data.scope] = ScopeConfigured(scope=data.scope, owner=owner, settings=settings)


def welcome(state: State, family: str) -> tuple[Emit, ...]:
    """Tell a new family what was set before it came."""
    scope = family.partition("/")[0]
    rules, version = state.rules_of(scope)
    emits = [Emit(EXPERIENCE, rules, family)] if version else []
    if (configured := state.configured.get(scope)) is not None:
        emits.append(Emit(EXPERIENCE, configured, family))
    sources = state.distrusted.get(scope, [])
    return (*emits, *(Emit(EXPERIENCE, SourceDistrusted(scope=scope, source=source), family) for source in sources))


def _tell_families(state: State, data: RulesSet | ScopeConfigured | SourceDistrusted, scope: str) -> tuple[Emit, ...]:
    """Every family concerned learns of it; rules of `*` concern the scopes without their own."""
    families = {model.family for model in state.models.values()}
    concerned = {
        family
        for family in families
        if (own := family.partition("/")[0]) == scope or (scope == "*" and own not in state.rules)
    }
    return tuple(Emit(EXPERIENCE, data, family) for family in sorted(concerned))
