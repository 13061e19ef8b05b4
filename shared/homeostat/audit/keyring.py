"""The keyring as governance tells it: read off the log, every registration checked against the keys before it."""

import re
from base64 import b64decode
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from homeostat.audit.said import said_in
from homeostat.audit.signing import verify
from homeostat.codec import Record, decode_event
from homeostat.core import Event, Reject
from homeostat.events import (
    Data,
    EventRefused,
    KeyRegistered,
    KeyRevoked,
    RequestHeld,
    RoleGranted,
    RoleRevoked,
)
from homeostat.events.logs import GOVERNANCE

_KEYRING: Final = frozenset((KeyRegistered.TYPE, KeyRevoked.TYPE, RoleGranted.TYPE, RoleRevoked.TYPE))

_GOVERNOR: Final = re.compile(rf"/homeostat/governor/{re.escape(GOVERNANCE)}/.+/0")
"""The id of a topic is Base64: a slash may be in it."""


def is_governors(source: str) -> bool:
    """Whether a source is that of the governor's fold."""
    return _GOVERNOR.fullmatch(source) is not None


@dataclass(slots=True)
class Registered:
    """A key of the keyring.

    Args:
        public: 32 bytes in hex.
        principal: Whose.
        until: Offset on governance of its revocation; None while it may sign.
        until_ms: Broker time of it.
    """

    public: str
    principal: str
    until: int | None = None
    until_ms: int | None = None


@dataclass(slots=True)
class Keyring:
    """Keys by id, and what their principals may do.

    Args:
        keys: By id, revoked ones too.
        roles: `role@scope` by principal.
    """

    keys: dict[str, Registered] = field(default_factory=dict)
    roles: dict[str, set[str]] = field(default_factory=dict)

    def with_role(self, role: str) -> dict[str, Registered]:
        """Keys, revoked ones too, whose principal has a role anywhere."""
        named = {who for who, granted in self.roles.items() if any(one.partition("@")[0] == role for one in granted)}
        return {id_: key for id_, key in self.keys.items() if key.principal in named}

    def signer(self, event: Event) -> str | None:
        """Principal whose key has signed a request, as intake passed it on; None if nobody's has, or it was revoked."""
        data = event.data
        provenance = getattr(data, "provenance", None)
        if not isinstance(data, Data) or provenance is None or not provenance.signed or not provenance.signature:
            return None
        key = self.keys.get(provenance.key or "")
        if key is None or (key.until is not None and key.until < event.position.offset):
            return None
        is_signed = verify(key.public, provenance.signature, b64decode(provenance.signed))
        return key.principal if is_signed and _is_same(event, provenance.signed) else None


def read_keyring(governance: Iterable[Record], refused: Collection[int] = (), held: Collection[str] = ()) -> Keyring:
    """Follow the keyring from the first record of governance on.

    The first key is the root of an empty keyring; every later word counts only with the signature of a key that was in
    it before. What the governor refused does not count.

    Args:
        governance: Its one partition, in offset order.
        refused: Offsets that the governor refused.
        held: Identities of requests that waited for a second person: it is the second one's that counts.
    """
    keyring = Keyring()
    for event in _events(governance):
        if event.position.offset in refused or event.identity in held:
            continue
        is_root = not keyring.keys and isinstance(event.data, KeyRegistered)
        if not is_root and keyring.signer(event) is None:
            continue
        match event.data:
            case KeyRegistered() as registered:
                keyring.keys[registered.key] = Registered(registered.public_key, registered.principal)
                granted = keyring.roles.setdefault(registered.principal, set())
                granted.update(f"{role}@*" for role in registered.roles)
            case KeyRevoked() as revoked if (key := keyring.keys.get(revoked.key)) is not None:
                key.until, key.until_ms = event.position.offset, event.time
            case RoleGranted() as grant:
                keyring.roles.setdefault(grant.principal, set()).add(f"{grant.role}@{grant.scope}")
            case RoleRevoked() as taken:
                keyring.roles.get(taken.principal, set()).discard(f"{taken.role}@{taken.scope}")
    return keyring


def refused_offsets(quarantine: Iterable[Record]) -> set[int]:
    """Offsets of governance that the governor refused.

    Only its own word counts, and only on what it was about to answer: whoever else may write the quarantine, as every
    door does, could take the law out of force for all who read it so.

    Args:
        quarantine: All of it, in any order.
    """
    found = set[int]()
    for event in _own(quarantine, EventRefused):
        data = event.data
        assert isinstance(data, EventRefused)
        if data.log == GOVERNANCE and event.id.partition(".")[0] == str(data.offset):
            found.add(data.offset)
    return found


def held_requests(verdicts: Iterable[Record]) -> set[str]:
    """Identities of requests that the governor held for a second person.

    Args:
        verdicts: All of them, in any order.
    """
    held = (event.data for event in _own(verdicts, RequestHeld))
    return {data.request for data in held if isinstance(data, RequestHeld)}


def _own(records: Iterable[Record], type_: type[Data]) -> Iterator[Event]:
    """What the governor has said of a type."""
    for record in records:
        headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
        if headers.get("ce_type") != type_.TYPE or not is_governors(headers.get("ce_source", "")):
            continue
        try:
            yield decode_event(record, time=record.timestamp, emitter="", is_door=False)
        except Reject:
            continue  # of a version that this one cannot read


def public_of(keys: Mapping[str, Registered]) -> dict[str, str]:
    """Public keys in hex by id."""
    return {id_: key.public for id_, key in keys.items()}


def _events(records: Iterable[Record]) -> Iterator[Event]:
    for record in records:
        if (dict(record.headers).get("ce_type") or b"").decode(errors="replace") not in _KEYRING:
            continue
        try:
            yield decode_event(record, time=record.timestamp, emitter="", is_door=False)
        except Reject:
            continue  # of a version that this one cannot read


def _is_same(event: Event, signed: str) -> bool:
    """Whether what was signed is what lies there: type, subject and payload."""
    data = event.data
    assert isinstance(data, Data)
    try:
        said = said_in(signed)
    except ValueError:
        return False
    return said.subject == event.subject and said.is_payload_of(data)
