"""Keys, roles, who made whom, and requests that wait for a second person."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from homeostat.codec import encode_payload
from homeostat.core import Emit, Event, Reject
from homeostat.events import Data, KeyRegistered, RequestHeld
from homeostat.events.logs import VERDICTS
from homeostat.services.governor.key import Key, PendingRequest

SOURCE: Final = "source"
"""Role whose holder has an influence of its own on what is learned in a scope."""


UNSHARED_ROLES: Final = frozenset({"operator", SOURCE})
"""Roles that one admin gives: who could give the others alone could be two people, a hand, or the notary."""


EVERYWHERE: Final = "*"


WAIT_MS: Final = 86_400_000
"""A request waits so long for the second signature."""


MOST_KEYS: Final = 32
"""Of one principal, that sign: everybody may register a key of the own."""


_AFTER_LOSS_MS: Final = 7 * 86_400_000
"""Where two admins were and one has taken the other's right away, power takes two for so long all the same."""


_MOST_PENDING: Final = 1000


_IMPLIED: Final = {"admin": ("admin", "operator", "approver")}


_OF_THE_FIRST_ALONE: Final = {"provenance": None, "valid_until": None, "reason": ""}


SourceKeys = frozenset[tuple[str, str, str]]
"""Scope, key id and principal: where a key counts as a source of its own."""


@dataclass(slots=True)
class Keyring:
    """Who may sign, and for what.

    Args:
        keys: By key id.
        roles: `role@scope` by principal.
        creators: Principals that have put a key of a principal into the keyring or given it power, by principal.
        pending: Requests that wait for a second person, by digest of what is wanted.
        two_until: Until then power takes two admins though there are no two any more, ms.
    """

    keys: dict[str, Key] = field(default_factory=dict)
    roles: dict[str, list[str]] = field(default_factory=dict)
    creators: dict[str, list[str]] = field(default_factory=dict)
    pending: dict[str, PendingRequest] = field(default_factory=dict)
    two_until: int = 0

    def has_role(self, principal: str, role: str, scope: str) -> bool:
        """Whether a principal holds a role in a scope, directly or by a wider role.

        Args:
            principal: Who.
            role: For example `operator`.
            scope: A scope, or `*`.
        """
        granted = self.roles.get(principal, ())
        return any(
            role in _IMPLIED.get(name, (name,)) and where in (scope, EVERYWHERE)
            for name, _, where in (entry.partition("@") for entry in granted)
        )

    def holders(self, role: str, scope: str) -> list[tuple[str, Key]]:
        """Keys that are not revoked and whose owner holds a role in a scope, by id."""
        return [
            (id_, key)
            for id_, key in sorted(self.keys.items())
            if not key.is_revoked and self.has_role(key.principal, role, scope)
        ]

    def is_source(self, key: str, public: str | None, scope: str) -> bool:
        """Whether a key, with this public half, counts as a source of its own in a scope.

        Args:
            key: Its id.
            public: Its public half in hex, as a record brings it; None if it does not.
            scope: A scope.
        """
        known = self.keys.get(key)
        if known is None or known.is_revoked or known.public != public:
            return False
        return self.has_role(known.principal, SOURCE, scope)

    def source_keys(self, principals: Iterable[str], scopes: Collection[str]) -> SourceKeys:
        """Where the keys of principals count as sources of their own: to be asked before and after a change."""
        found = set()
        for principal in principals:
            own = self._signing_keys(principal)
            found |= {
                (scope, id_, principal)
                for scope in (scopes if own else ())
                if self.has_role(principal, SOURCE, scope)
                for id_ in own
            }
        return frozenset(found)

    def are_independent(self, one: str, other: str) -> bool:
        """Whether two principals are two people, as far as the keyring knows.

        Neither has put a key of the other, or of somebody who did, into the keyring, nor given it power.
        """
        return one != other and one not in self._ancestors(other) and other not in self._ancestors(one)

    def has_independent_admins(self) -> bool:
        """Whether there are two admins of everything that neither of them created, and that can sign."""
        signing = {key.principal for key in self.keys.values() if not key.is_revoked}
        admins = sorted(name for name in signing if self.has_role(name, "admin", EVERYWHERE))
        return any(self.are_independent(one, other) for n, one in enumerate(admins) for other in admins[n + 1 :])

    def takes_two(self, roles: Iterable[str], now: int) -> bool:
        """Whether roles are given by two admins: as soon as there are two, and a week after one has lost the right."""
        return bool(set(roles) - UNSHARED_ROLES) and (self.has_independent_admins() or now < self.two_until)

    def add(self, data: KeyRegistered, creator: str, first_signer: str | None) -> None:
        """Take a key in, with the roles that come with it.

        Args:
            data: The key, its owner and roles.
            creator: Principal that signed the registration.
            first_signer: Who signed the same before, if it took two.
        """
        self.keys[data.key] = Key(data.public_key, data.principal)
        self._record_creator(creator, data.principal)
        if first_signer is not None:
            self._record_creator(first_signer, data.principal)
        for role in data.roles:
            self.grant(creator, data.principal, role, EVERYWHERE)

    def grant(self, granter: str, principal: str, role: str, scope: str, first_signer: str | None = None) -> None:
        """Give a principal a role.

        Args:
            granter: Principal that signed.
            principal: Who gets it.
            role: Name of the role.
            scope: A scope, or `*`.
            first_signer: Who signed the same before, if it took two.
        """
        granted = self.roles.setdefault(principal, [])
        if (entry := f"{role}@{scope}") not in granted:
            granted.append(entry)
        if role not in UNSHARED_ROLES:
            self._record_creator(granter, principal)
        if first_signer is not None:
            self._record_creator(first_signer, principal)

    def revoke_key(self, id_: str, now: int) -> str:
        """Let a key sign no more; return whose it was.

        Raises:
            Reject: `key_unknown`, `last_admin`.
        """
        if id_ not in self.keys:
            raise Reject("key_unknown", f"key {id_} is not in the keyring")
        self._check_admin_left(without_key=id_)
        had_two, key = self.has_independent_admins(), self.keys[id_]
        key.is_revoked = True
        self._lose(key.principal, now, had_two=had_two)
        return key.principal

    def revoke_role(self, principal: str, role: str, scope: str, now: int) -> None:
        """Take a role back.

        Args:
            principal: Who.
            role: For example `operator`.
            scope: A scope, or `*`.
            now: Broker time, ms.

        Raises:
            Reject: `role_unknown`, `last_admin`.
        """
        entry = f"{role}@{scope}"
        if entry not in self.roles.get(principal, ()):
            has = ", ".join(self.roles.get(principal, ())) or "none"
            raise Reject("role_unknown", f"{principal} has not the role {entry}, but {has}")
        self._check_admin_left(without_role=(principal, entry))
        had_two = self.has_independent_admins()
        self.roles[principal].remove(entry)
        self._lose(principal, now, had_two=had_two)

    def check_addable(self, data: KeyRegistered) -> None:
        """See that a key is its owner's, was never revoked, and finds room.

        Raises:
            Reject: `key_retired`, `too_many_keys`.
        """
        known = self.keys.get(data.key)
        if known is not None and known.is_revoked:
            raise Reject("key_retired", f"key {data.key} was revoked for good: register a new one")
        if known is not None and known.principal != data.principal:
            raise Reject("key_retired", f"key {data.key} is {known.principal}'s, and no key has two owners")
        own = self._signing_keys(data.principal)
        if data.key not in own and len(own) >= MOST_KEYS:
            raise Reject("too_many_keys", f"{data.principal} has {MOST_KEYS} keys: revoke one of them first")

    def first_signer(self, data: Data) -> str | None:
        """Who has signed a request before that waits for the same to be signed again; None if none waits."""
        pending = self.pending.get(_digest(data))
        return pending.principal if pending is not None else None

    def second_signature(
        self, event: Event, data: Data, principal: str, *, is_admin: bool, needs: str, scope: str
    ) -> tuple[Emit, ...] | None:
        """Take a signature for what two must want.

        Args:
            event: The request.
            data: Its payload; the second is the same but for reason, time and signature.
            principal: Who signed, and may ask for it.
            is_admin: Whether that is an admin; one of the two must be.
            needs: For people: who may be the second.
            scope: It is about.

        Returns:
            None if two have signed it now; or what tells people that it waits.

        Raises:
            Reject: `too_many_pending`.
        """
        name, pending = _digest(data), self.pending
        first = pending.get(name)
        if first is not None and first.expires_at <= event.time:
            del pending[name]
            first = None
        if first is not None and self.are_independent(first.principal, principal) and (first.is_admin or is_admin):
            del pending[name]
            return None
        if first is None:
            for old in [name for name, other in pending.items() if other.expires_at <= event.time]:
                del pending[old]
            if len(pending) >= _MOST_PENDING:
                raise Reject("too_many_pending", f"{_MOST_PENDING} requests wait for a second person")
        until = event.time + WAIT_MS
        pending[name] = PendingRequest(principal, is_admin, until)
        held = RequestHeld(request=event.identity, principal=principal, needs=needs, expires_at=until)
        return (Emit(VERDICTS, held, scope),)

    def _signing_keys(self, principal: str) -> list[str]:
        return [id_ for id_, key in self.keys.items() if key.principal == principal and not key.is_revoked]

    def _record_creator(self, creator: str, principal: str) -> None:
        if creator != principal and creator not in (creators := self.creators.setdefault(principal, [])):
            creators.append(creator)

    def _lose(self, principal: str, now: int, *, had_two: bool) -> None:
        """Forget what waits of one who has lost a right; no admin is the only one by that alone."""
        for name in [name for name, request in self.pending.items() if request.principal == principal]:
            del self.pending[name]
        if had_two and not self.has_independent_admins():
            self.two_until = now + _AFTER_LOSS_MS

    def _check_admin_left(self, without_key: str = "", without_role: tuple[str, str] = ("", "")) -> None:
        """The keyring never loses its last admin: nobody could let another one in."""
        owners = {key.principal for id_, key in self.keys.items() if not key.is_revoked and id_ != without_key}
        name, entry = without_role
        for principal in owners:
            is_left_out = principal == name and entry == "admin@*"
            if self.has_role(principal, "admin", EVERYWHERE) and not is_left_out:
                return
        raise Reject("last_admin", "nobody could change the keyring afterwards: make another admin first")

    def _ancestors(self, principal: str) -> set[str]:
        found: set[str] = set()
        due = [principal]
        while due:
            for creator in self.creators.get(due.pop(), ()):
                if creator not in found and creator != principal:
                    found.add(creator)
                    due.append(creator)
        return found


def _digest(data: Data) -> str:
    """Digest of what is wanted, whoever signs it, and why."""
    own = {name: value for name, value in _OF_THE_FIRST_ALONE.items() if name in type(data).model_fields}
    return sha256(data.TYPE.encode() + encode_payload(data.model_copy(update=own))[0]).hexdigest()
