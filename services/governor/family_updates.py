"""What families hear: rules, settings, whom not to believe, whose keys count as sources.

A family is known from its first model or its first trace, whichever comes first. Before that it hears nothing; then it
hears all that was set before it came, and from then on whatever is set.
"""

from typing import Final

from homeostat.admission.refusing import refused
from homeostat.core import Emit, Event
from homeostat.core.identity import scope_of
from homeostat.events import (
    Data,
    KeyRegistered,
    KeyRevoked,
    Provenance,
    RulesSet,
    ScopeConfigured,
    SourceDistrusted,
    SourceTrusted,
)
from homeostat.events.logs import EXPERIENCE, QUARANTINE
from homeostat.services.governor.families import MOST_FAMILIES, MOST_SCOPES
from homeostat.services.governor.key import Key
from homeostat.services.governor.keyring import SOURCE, SourceKeys
from homeostat.services.governor.state import State

_EXCEEDED: Final = {
    "families_exceeded": (
        f"{{scope}} has {MOST_FAMILIES} families: further ones hear neither rules nor distrust, and are counted; "
        "name a family with a signed event of a key that has the role source, and it takes a place"
    ),
    "scopes_exceeded": (
        f"{{scope}} is one scope more than {MOST_SCOPES}: the families of further ones hear neither rules nor "
        "distrust, and are counted; set rules of the scope, and it takes a place"
    ),
}


def observe(state: State, event: Event, family: str, provenance: Provenance | None) -> tuple[Emit, ...]:
    """Take note of a family; publish to a new one what was set before it came.

    Beyond the bound a new family is not published to: that is refused once a scope and counted then.

    Args:
        state: Its families are changed.
        event: That names the family.
        family: `scope/family`.
        provenance: Of the event.
    """
    scope = scope_of(family)
    is_signed = provenance is not None and state.keyring.is_source(provenance.key or "", provenance.signer, scope)
    admission = state.families.admit(family, is_signed=is_signed, is_governed=state.is_governed)
    if admission == "new":
        return _welcome(state, scope, family)
    if admission in _EXCEEDED:
        refusal = refused(event, admission, _EXCEEDED[admission].format(scope=scope), "governor")
        return (Emit(QUARANTINE, refusal, scope),)
    return ()


def publish(state: State, data: RulesSet | ScopeConfigured | SourceDistrusted | SourceTrusted) -> tuple[Emit, ...]:
    """Publish to every family concerned, sorted; rules of `*` concern the scopes without their own.

    Args:
        state: For the families.
        data: What has been set.
    """
    scopes = [data.scope]
    if data.scope == "*":
        scopes = [scope for scope in sorted(state.families.by_scope) if scope not in state.rules]
    return tuple(Emit(EXPERIENCE, data, family) for scope in scopes for family in state.families.of(scope))


def publish_source_keys(state: State, before: SourceKeys, after: SourceKeys) -> tuple[Emit, ...]:
    """Publish to the families of a scope which keys have come to count as a source of their own, or count no more.

    Args:
        state: As it is now.
        before: Of the principals, before the change.
        after: The same, after it.
    """
    keys = state.keyring.keys
    changes: list[tuple[str, Data]] = [(scope, KeyRevoked(key=id_)) for scope, id_, _ in sorted(before - after)]
    changes += [(scope, _as_fact(id_, keys[id_])) for scope, id_, _ in sorted(after - before)]
    return tuple(Emit(EXPERIENCE, data, family) for scope, data in changes for family in state.families.of(scope))


def _welcome(state: State, scope: str, family: str) -> tuple[Emit, ...]:
    """Publish to a new family what was set before it came; the rules in force in any case, which it waits for."""
    found: list[Data] = [state.rules_of(scope)[0]]
    if (configured := state.configured.get(scope)) is not None:
        found.append(configured)
    found += [SourceDistrusted(scope=scope, source=source) for source in state.distrusted.get(scope, [])]
    found += [_as_fact(id_, key) for id_, key in state.keyring.holders(SOURCE, scope)]
    return tuple(Emit(EXPERIENCE, data, family) for data in found)


def _as_fact(id_: str, key: Key) -> KeyRegistered:
    """The fact that families hear of a key: the roles of its holder are none of theirs."""
    return KeyRegistered(key=id_, public_key=key.public, principal=key.principal)
