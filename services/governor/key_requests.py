"""Requests about keys and roles: who gets them, who loses them, and what takes two admins."""

from collections.abc import Sequence
from typing import assert_never

from homeostat.core import Event
from homeostat.events import KeyRegistered, KeyRevoked, RoleGranted, RoleRevoked
from homeostat.services.governor.answering_hands import check_only_one
from homeostat.services.governor.authorization import authorize, check_key, check_root
from homeostat.services.governor.family_updates import publish_source_keys
from homeostat.services.governor.keyring import EVERYWHERE
from homeostat.services.governor.state import State
from homeostat.services.governor.verdicts import Emits

KeyRequest = KeyRegistered | KeyRevoked | RoleGranted | RoleRevoked


def apply_request(state: State, event: Event, data: KeyRequest) -> Emits:
    """Apply a signed request about keys and roles.

    Args:
        state: Its keyring changes.
        event: The request.
        data: Its payload.

    Raises:
        Reject: Whoever signed it may not, `key_invalid`, `key_retired`, `key_unknown`, `role_unknown`, `last_admin`,
            `too_many_keys`, `hand_named`.
    """
    concerned, scopes = _concerned(state, data), state.families.by_scope
    before = state.keyring.source_keys(concerned, scopes)
    emits = _apply(state, event, data)
    return emits + publish_source_keys(state, before, state.keyring.source_keys(concerned, scopes))


def _concerned(state: State, data: KeyRequest) -> set[str]:
    """Principals whose keys may come to count, or count no more, as sources of their own."""
    if isinstance(data, RoleGranted | RoleRevoked):
        return {data.principal}
    known = state.keyring.keys.get(data.key)
    owner = {known.principal} if known is not None else set()
    return owner | ({data.principal} if isinstance(data, KeyRegistered) else set())


def _apply(state: State, event: Event, data: KeyRequest) -> Emits:
    match data:
        case KeyRegistered():
            return _register(state, event, data)
        case RoleGranted():
            principal = authorize(state.keyring, data, "admin", EVERYWHERE)
            check_only_one(state.keyring, [data.role], data.scope)
            first_signer = state.keyring.first_signer(data)
            if (held := _held(state, event, data, principal, [data.role])) is not None:
                return held
            state.keyring.grant(principal, data.principal, data.role, data.scope, first_signer)
        case KeyRevoked():
            authorize(state.keyring, data, "admin", EVERYWHERE)
            state.flight.withdraw_approvals(state.keyring.revoke_key(data.key, event.time))
        case RoleRevoked():
            authorize(state.keyring, data, "admin", EVERYWHERE)
            state.keyring.revoke_role(data.principal, data.role, data.scope, event.time)
            state.flight.withdraw_approvals(data.principal)
        case _:
            assert_never(data)
    return ()


def _register(state: State, event: Event, data: KeyRegistered) -> Emits:
    keyring = state.keyring
    first_signer = keyring.first_signer(data)
    if not keyring.keys:
        keyring.add(data, check_root(state.signatures, event, data), first_signer)
        return ()
    principal = authorize(keyring, data, _role_needed(state, data), EVERYWHERE)
    check_key(data)
    keyring.check_addable(data)
    check_only_one(keyring, data.roles, EVERYWHERE)
    given = list(data.roles)
    if principal != data.principal:  # who holds a key of a principal has what the principal has
        given += [entry.partition("@")[0] for entry in keyring.roles.get(data.principal, ())]
    if (held := _held(state, event, data, principal, given)) is not None:
        return held
    keyring.add(data, principal, first_signer)
    return ()


def _role_needed(state: State, data: KeyRegistered) -> str:
    """Who may register a key: an admin, and whoever replaces a key of the own, without more rights."""
    signing = state.keyring.keys.get(data.provenance.key or "") if data.provenance is not None else None
    is_own = signing is not None and signing.principal == data.principal and not data.roles
    return "" if is_own else "admin"


def _held(
    state: State, event: Event, data: KeyRegistered | RoleGranted, principal: str, roles: Sequence[str]
) -> Emits | None:
    """Let power be given by two admins that neither of them created."""
    if not state.keyring.takes_two(roles, event.time):
        return None
    needs = f"a second admin whom {principal} has not created, and who has not created {principal}"
    return state.keyring.second_signature(event, data, principal, is_admin=True, needs=needs, scope=EVERYWHERE)
