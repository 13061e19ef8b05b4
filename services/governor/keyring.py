"""Keys and roles: who gets them, who loses them, and what takes two admins."""

from typing import Final

from homeostat.core import Emit, Event, Reject
from homeostat.events import KeyRegistered, KeyRevoked, RoleGranted, RoleRevoked
from homeostat.services.governor import families
from homeostat.services.governor.authority import authorise, check_key, check_root, has_role
from homeostat.services.governor.quorum import forget_words, has_independent_admins, second_word, waiting_word
from homeostat.services.governor.state import State
from homeostat.services.governor.words import Key, Pending

Keyring = KeyRegistered | KeyRevoked | RoleGranted | RoleRevoked

_ALONE: Final = frozenset({"operator", "source"})
"""Roles that one admin gives: who could give the others alone could be two people, a hand, or the notary."""

_AFTER_LOSS_MS: Final = 7 * 86_400_000
"""Where two admins were and one has taken the other's right away, power takes two for so long all the same."""

MOST_KEYS: Final = 32
"""Of one principal, that sign: everybody may register a key of the own."""

_EVERYWHERE: Final = "*"


def change(state: State, event: Event, data: Keyring) -> tuple[Emit, ...]:
    """Enact a signed request about keys and roles.

    Raises:
        Reject: Whoever signed it may not, `key_invalid`, `key_retired`, `key_unknown`, `role_unknown`, `last_admin`,
            `too_many_keys`.
    """
    concerned = _concerned(state, data)
    before = families.seats_of(state, *concerned)
    said = _change(state, event, data)
    return said + families.tell_seats(state, before, families.seats_of(state, *concerned))


def _concerned(state: State, data: Keyring) -> set[str]:
    """Principals whose keys may come to count, or count no more, as sources of their own."""
    if isinstance(data, RoleGranted | RoleRevoked):
        return {data.principal}
    known = state.keys.get(data.key)
    owner = {known.principal} if known is not None else set()
    return owner | ({data.principal} if isinstance(data, KeyRegistered) else set())


def _change(state: State, event: Event, data: Keyring) -> tuple[Emit, ...]:
    match data:
        case KeyRegistered():
            return _register(state, event, data)
        case RoleGranted():
            principal = authorise(state, data, "admin", _EVERYWHERE)
            first = waiting_word(state, data)
            if (held := _held(state, event, data, principal, [data.role])) is not None:
                return held
            _grant(state, principal, data.principal, data.role, data.scope)
            _join(state, first, data.principal)
        case KeyRevoked():
            authorise(state, data, "admin", _EVERYWHERE)
            if data.key not in state.keys:
                raise Reject("key_unknown", f"key {data.key} is not in the keyring")
            _check_admin_left(state, without_key=data.key)
            had_two = has_independent_admins(state)
            state.keys[data.key].is_revoked = True
            _lost(state, event, state.keys[data.key].principal, had_two=had_two)
        case RoleRevoked():
            authorise(state, data, "admin", _EVERYWHERE)
            entry = f"{data.role}@{data.scope}"
            if entry not in state.roles.get(data.principal, ()):
                has = ", ".join(state.roles.get(data.principal, ())) or "none"
                raise Reject("role_unknown", f"{data.principal} has not the role {entry}, but {has}")
            _check_admin_left(state, without_role=(data.principal, entry))
            had_two = has_independent_admins(state)
            state.roles[data.principal].remove(entry)
            _lost(state, event, data.principal, had_two=had_two)
    return ()


def _register(state: State, event: Event, data: KeyRegistered) -> tuple[Emit, ...]:
    first = waiting_word(state, data)
    if not state.keys:
        principal = check_root(state, event, data)
    else:
        principal = _registrar(state, data)
        check_key(data)
        known = state.keys.get(data.key)
        if known is not None and known.is_revoked:
            raise Reject("key_retired", f"key {data.key} was revoked for good: register a new one")
        if known is not None and known.principal != data.principal:
            raise Reject("key_retired", f"key {data.key} is {known.principal}'s, and no key has two owners")
        _check_room(state, data)
        given = list(data.roles)
        if principal != data.principal:  # who holds a key of a principal has what the principal has
            given += [entry.partition("@")[0] for entry in state.roles.get(data.principal, ())]
        if (held := _held(state, event, data, principal, given)) is not None:
            return held
    state.keys[data.key] = Key(data.public_key, data.principal)
    _create(state, principal, data.principal)
    _join(state, first, data.principal)
    for role in data.roles:
        _grant(state, principal, data.principal, role, _EVERYWHERE)
    return ()


def _registrar(state: State, data: KeyRegistered) -> str:
    """Who may register a key: an admin, and whoever replaces a key of the own, without more rights."""
    signing = state.keys.get(data.provenance.key or "") if data.provenance is not None else None
    if signing is not None and signing.principal == data.principal and not data.roles:
        return authorise(state, data, "", "")
    return authorise(state, data, "admin", _EVERYWHERE)


def _held(
    state: State, event: Event, data: KeyRegistered | RoleGranted, principal: str, roles: list[str] | tuple[str, ...]
) -> tuple[Emit, ...] | None:
    """Power is given by two admins that neither of them created, as soon as there are two, and a week after."""
    if not set(roles) - _ALONE or not (has_independent_admins(state) or event.time < state.two_until):
        return None
    needs = f"a second admin whom {principal} has not created, and who has not created {principal}"
    return second_word(state, event, data, principal, is_admin=True, needs=needs, scope=_EVERYWHERE)


def _grant(state: State, granter: str, principal: str, role: str, scope: str) -> None:
    granted = state.roles.setdefault(principal, [])
    if (entry := f"{role}@{scope}") not in granted:
        granted.append(entry)
    if role not in _ALONE:
        _create(state, granter, principal)


def _create(state: State, creator: str, principal: str) -> None:
    if creator != principal and creator not in (creators := state.creators.setdefault(principal, [])):
        creators.append(creator)


def _join(state: State, first: Pending | None, principal: str) -> None:
    """Who said it first has made the principal too."""
    if first is not None:
        _create(state, first.principal, principal)


def _check_room(state: State, data: KeyRegistered) -> None:
    own = [id_ for id_, key in state.keys.items() if key.principal == data.principal and not key.is_revoked]
    if data.key not in own and len(own) >= MOST_KEYS:
        raise Reject("too_many_keys", f"{data.principal} has {MOST_KEYS} keys: revoke one of them first")


def _lost(state: State, event: Event, principal: str, *, had_two: bool) -> None:
    """Forget what waits of the words of one who has lost a right; no admin is the only one by that alone."""
    forget_words(state, principal)
    if had_two and not has_independent_admins(state):
        state.two_until = event.time + _AFTER_LOSS_MS


def _check_admin_left(state: State, without_key: str = "", without_role: tuple[str, str] = ("", "")) -> None:
    """The keyring never loses its last admin: nobody could let another one in."""
    owners = {key.principal for id_, key in state.keys.items() if not key.is_revoked and id_ != without_key}
    name, entry = without_role
    for principal in owners:
        if has_role(state, principal, "admin", _EVERYWHERE) and not (principal == name and entry == "admin@*"):
            return
    raise Reject("last_admin", "nobody could change the keyring afterwards: make another admin first")
