"""The families that there are, and what each must hear: rules, settings, whom not to believe, whose keys are known.

A family is known from its first model or its first trace, whichever comes first. Before that it hears nothing; then it
hears all that was set before it came, and from then on whatever is set.
"""

from collections.abc import Iterator
from typing import Final

from homeostat.admission.refusing import refused
from homeostat.core import Emit, Event
from homeostat.core.identity import scope_of
from homeostat.events import (
    Data,
    EventRefused,
    KeyRegistered,
    KeyRevoked,
    Provenance,
    RulesSet,
    ScopeConfigured,
    SourceDistrusted,
    SourceTrusted,
)
from homeostat.events.logs import EXPERIENCE, QUARANTINE
from homeostat.services.governor.authority import has_role
from homeostat.services.governor.state import Families, State

SOURCE: Final = "source"
"""Role whose holder has an influence of its own on what is learned in a scope."""

MOST_FAMILIES: Final = 1000
"""Of a scope: anybody may name families, and every word to all of them is as many records."""

MOST_SCOPES: Final = 10_000
"""That have families; anybody may name scopes as well."""

MOST_IN_ALL: Final = 50_000
"""Families of all scopes."""

Seats = frozenset[tuple[str, str, str]]
"""Scope, key id and principal: where a key counts as a source of its own. Only scopes with families are named."""


def observe(state: State, event: Event, family: str, provenance: Provenance | None) -> tuple[Emit, ...]:
    """Take note of a family; a new one is told what was set before it came.

    Beyond the bound a new family is not told anything: that is said once a scope and counted then. A family that
    somebody has named with a key of the scope takes the place of the last one that nobody has. Too many scopes
    are said once and counted: a scope with rules or settings of its own, or a signed family, takes the place of the
    last one that has neither.

    Args:
        state: Changed.
        event: That names the family.
        family: `scope/family`.
        provenance: Of the event.
    """
    scope = scope_of(family)
    is_signed = _is_seated(state, scope, provenance)
    if scope not in state.families and len(state.families) >= MOST_SCOPES and not _make_room(state, scope, is_signed):
        state.n_more_scopes += 1
        return (Emit(QUARANTINE, _too_many_scopes(event, scope), scope),) if state.n_more_scopes == 1 else ()
    known = state.families.setdefault(scope, Families())
    if family in known.names:
        return ()
    is_full = len(known.names) >= MOST_FAMILIES
    if is_full or (state.n_families >= MOST_IN_ALL and not _make_room(state, scope, is_signed)):
        last = next((name for name in reversed(known.names) if not known.names[name]), None) if is_signed else None
        if last is None:
            known.n_more += 1
            return (Emit(QUARANTINE, _too_many(event, scope), scope),) if known.n_more == 1 else ()
        del known.names[last]
        state.n_families -= 1
    state.n_families += 1
    known.names[family] = is_signed
    return _welcome(state, scope, family)


def tell(state: State, data: RulesSet | ScopeConfigured | SourceDistrusted | SourceTrusted) -> tuple[Emit, ...]:
    """Tell every family concerned, in the order of their names; rules of `*` concern the scopes without their own."""
    scopes = [data.scope]
    if data.scope == "*":
        scopes = [scope for scope in sorted(state.families) if scope not in state.rules]
    return tuple(Emit(EXPERIENCE, data, family) for scope in scopes for family in _named(state, scope))


def seats_of(state: State, *principals: str) -> Seats:
    """Return where the keys of principals count as sources of their own: to be asked before and after a change."""
    found = set()
    for principal in principals:
        keys = [id_ for id_, key in state.keys.items() if key.principal == principal and not key.is_revoked]
        scopes = [scope for scope in state.families if keys and has_role(state, principal, SOURCE, scope)]
        found |= {(scope, id_, principal) for scope in scopes for id_ in keys}
    return frozenset(found)


def tell_seats(state: State, before: Seats, after: Seats) -> tuple[Emit, ...]:
    """Tell the families of a scope of keys that have come to count as a source of their own, or count no more.

    Args:
        state: As it is now.
        before: Of the principals, before the change.
        after: The same, after it.
    """
    told: list[tuple[str, Data]] = [(scope, KeyRevoked(key=id_)) for scope, id_, _ in sorted(before - after)]
    told += [(scope, _fact(state, id_)) for scope, id_, _ in sorted(after - before)]
    return tuple(Emit(EXPERIENCE, data, family) for scope, data in told for family in _named(state, scope))


def _named(state: State, scope: str) -> list[str]:
    known = state.families.get(scope)
    return [] if known is None else sorted(known.names)


def _welcome(state: State, scope: str, family: str) -> tuple[Emit, ...]:
    """Tell a new family what was set before it came; the rules in force in any case, which it waits for."""
    said: list[Data] = [state.rules_of(scope)[0]]
    if (configured := state.configured.get(scope)) is not None:
        said.append(configured)
    said += [SourceDistrusted(scope=scope, source=source) for source in state.distrusted.get(scope, [])]
    said += _keys_in(state, scope)
    return tuple(Emit(EXPERIENCE, data, family) for data in said)


def _keys_in(state: State, scope: str) -> Iterator[Data]:
    for id_, key in sorted(state.keys.items()):
        if not key.is_revoked and has_role(state, key.principal, SOURCE, scope):
            yield _fact(state, id_)


def _fact(state: State, id_: str) -> KeyRegistered:
    """The fact that families hear of a key: the roles of its holder are none of theirs."""
    return KeyRegistered(key=id_, public_key=state.keys[id_].public, principal=state.keys[id_].principal)


def _make_room(state: State, scope: str, is_signed: bool) -> bool:
    """Forget the last scope that nobody has signed for, for the sake of one that somebody has."""
    if is_signed or _has_law(state, scope):
        for name in reversed(state.families):
            names = state.families[name].names
            if name != scope and not any(names.values()) and not _has_law(state, name):
                del state.families[name]
                state.n_families -= len(names)
                return True
    return False


def _has_law(state: State, scope: str) -> bool:
    return scope in state.rules or scope in state.configured


def _is_seated(state: State, scope: str, provenance: Provenance | None) -> bool:
    key = state.keys.get(provenance.key or "") if provenance is not None else None
    if provenance is None or key is None or key.is_revoked or key.public != provenance.signer:
        return False
    return has_role(state, key.principal, SOURCE, scope)


def _too_many(event: Event, scope: str) -> EventRefused:
    """Say which event has named a family too many."""
    return refused(
        event,
        "families_exceeded",
        f"{scope} has {MOST_FAMILIES} families: further ones hear neither rules nor distrust, and are counted; "
        "name a family with a signed event of a key that has the role source, and it takes a place",
        "governor",
    )


def _too_many_scopes(event: Event, scope: str) -> EventRefused:
    return refused(
        event,
        "scopes_exceeded",
        f"{scope} is one scope more than {MOST_SCOPES}: the families of further ones hear neither rules nor distrust, "
        "and are counted; set rules of the scope, and it takes a place",
        "governor",
    )
