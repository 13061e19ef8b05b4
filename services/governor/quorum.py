"""What one person may not do alone: two principals that neither of them created say the same."""

from hashlib import sha256
from typing import Final

from homeostat.codec import encode_payload
from homeostat.core import Emit, Event, Reject
from homeostat.events import Data, RequestHeld
from homeostat.events.logs import VERDICTS
from homeostat.services.governor.authority import has_role
from homeostat.services.governor.state import State
from homeostat.services.governor.words import Pending

WAIT_MS: Final = 86_400_000
"""A first word waits for the second one so long."""

_MOST_PENDING: Final = 1000
_OF_THE_FIRST_ALONE: Final = {"provenance": None, "valid_until": None, "reason": ""}


def are_independent(state: State, one: str, other: str) -> bool:
    """Whether two principals are two people, as far as the keyring knows.

    Neither has put a key of the other, or of somebody who did, into the keyring, nor given it power.
    """
    return one != other and one not in _ancestors(state, other) and other not in _ancestors(state, one)


def has_independent_admins(state: State) -> bool:
    """Whether there are two admins of everything that neither of them created, and that can sign."""
    signing = {key.principal for key in state.keys.values() if not key.is_revoked}
    admins = sorted(name for name in signing if has_role(state, name, "admin", "*"))
    return any(are_independent(state, one, other) for place, one in enumerate(admins) for other in admins[place + 1 :])


def waiting_word(state: State, data: Data) -> Pending | None:
    """Return the first word that waits for the same to be said again, if there is one."""
    return state.pending.get(_name(data))


def forget_words(state: State, principal: str) -> None:
    """Let what a principal has said count no more where it waits for a second one."""
    for name in [name for name, word in state.pending.items() if word.principal == principal]:
        del state.pending[name]
    for action in state.actions.values():
        if principal in action.approvers:
            action.approvers.remove(principal)


def second_word(
    state: State, event: Event, data: Data, principal: str, *, is_admin: bool, needs: str, scope: str
) -> tuple[Emit, ...] | None:
    """Take a word for what two must want.

    Args:
        state: Where a first word waits.
        event: The request.
        data: Its payload; the second is the same but for reason, time and signature.
        principal: Who signed, and may say it.
        is_admin: One of the two must be.
        needs: For people: who may be the second.
        scope: It is about.

    Returns:
        None if two have said it now; or what says that it waits.

    Raises:
        Reject: `too_many_pending`.
    """
    name = _name(data)
    first = state.pending.get(name)
    if first is not None and first.expires_at <= event.time:
        del state.pending[name]
        first = None
    if first is not None and are_independent(state, first.principal, principal) and (first.is_admin or is_admin):
        del state.pending[name]
        return None
    if first is None:
        for old in [name for name, other in state.pending.items() if other.expires_at <= event.time]:
            del state.pending[old]
        if len(state.pending) >= _MOST_PENDING:
            raise Reject("too_many_pending", f"{_MOST_PENDING} requests wait for a second person")
    until = event.time + WAIT_MS
    state.pending[name] = Pending(principal, is_admin, until)
    held = RequestHeld(request=event.identity, principal=principal, needs=needs, expires_at=until)
    return (Emit(VERDICTS, held, scope),)


def _name(data: Data) -> str:
    """Digest of what is wanted, whoever says it, and why."""
    own = {name: value for name, value in _OF_THE_FIRST_ALONE.items() if name in type(data).model_fields}
    return sha256(data.TYPE.encode() + encode_payload(data.model_copy(update=own))[0]).hexdigest()


def _ancestors(state: State, principal: str) -> set[str]:
    found: set[str] = set()
    due = [principal]
    while due:
        for creator in state.creators.get(due.pop(), ()):
            if creator not in found and creator != principal:
                found.add(creator)
                due.append(creator)
    return found
