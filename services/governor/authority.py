"""Who may say what: signatures against the keyring, roles against the request."""

from base64 import b64decode
from hashlib import sha256
from typing import Final

from homeostat.audit.said import said_in
from homeostat.audit.signing import key_id, verify
from homeostat.codec.encode import rfc3339
from homeostat.core import Event, Reject
from homeostat.core.identity import scope_of
from homeostat.events import Data, KeyRegistered
from homeostat.events.requests import LONGEST_VALIDITY_MS
from homeostat.services.governor.state import State
from homeostat.services.governor.words import Key

_IMPLIED: Final = {"admin": ("admin", "operator", "approver")}

_SLACK_MS: Final = 3_600_000
"""Clocks of people differ from the broker's."""

_BUCKET_MS: Final = 3_600_000

MOST_LIVE: Final = 10_000
"""Signatures of one key that count or have counted and are still valid."""


class Unproven(Reject):
    """Nobody who may speak here has said it; nothing is remembered of it."""


def authorise(state: State, data: Data, role: str, scope: str) -> str:
    """Return the principal that signed a request and holds the role.

    Args:
        state: Keyring and roles.
        data: A request that `authenticate` has let in: a signature is looked at once, before anything else.
        role: Needed role; empty: none.
        scope: Where it is needed.

    Raises:
        Reject: `role_missing`.
    """
    assert data.provenance is not None
    principal = state.keys[data.provenance.key or ""].principal
    if role and not has_role(state, principal, role, scope):
        raise Reject("role_missing", f"{principal} needs the role {role} in {scope}")
    return principal


def authenticate(state: State, event: Event, data: Data) -> str:
    """Return the principal that signed a request which counts now; nothing else is looked at before.

    Raises:
        Unproven: `unsigned`, `signature_invalid`, `key_unknown`, `key_revoked`, `signature_expired`, `replayed`,
            `too_many_requests`.
    """
    key = signer(state, event, data)
    _check_fresh(state, event, data, key)
    return key.principal


def signer(state: State, event: Event, data: Data) -> Key:
    """Return the key of the keyring that signed what arrived, whatever it may do.

    Raises:
        Unproven: `unsigned`, `signature_invalid`, `key_unknown`, `key_revoked`.
    """
    id_ = data.provenance.key if data.provenance is not None else None
    key = state.keys.get(id_ or "")
    if id_ is not None and key is None:
        raise Unproven("key_unknown", f"key {id_} is not in the keyring")
    if key is not None and key.is_revoked:
        raise Unproven("key_revoked", f"key {id_} is revoked")
    check_signature(event, data, key.public if key is not None else "")
    assert key is not None
    return key


def has_role(state: State, principal: str, role: str, scope: str) -> bool:
    """Whether a principal holds a role in a scope, directly or by a wider role."""
    granted = state.roles.get(principal, ())
    return any(
        role in _IMPLIED.get(name, (name,)) and place in (scope, "*")
        for name, _, place in (entry.partition("@") for entry in granted)
    )


def check_signature(event: Event, data: Data, public_key: str) -> None:
    """See that the key has signed type, subject, source, id and payload as they arrived.

    Raises:
        Unproven: `unsigned`, `signature_invalid`.
    """
    provenance = data.provenance
    if provenance is None or provenance.signature is None or provenance.signed is None or provenance.key is None:
        raise Unproven("unsigned", "it is to be signed: use the homeostat command, or sign as docs/requests.md says")
    if not verify(public_key, provenance.signature, b64decode(provenance.signed)):
        raise Unproven("signature_invalid", f"the signature is not one of key {provenance.key}")
    try:
        said = said_in(provenance.signed)
    except ValueError:
        raise Unproven("signature_invalid", "the signed bytes cannot be read") from None
    if (said.source, said.id) != (provenance.source, provenance.id) or not said.is_payload_of(data):
        raise Unproven("signature_invalid", "the signature covers another event")
    subject = said.subject
    if event.subject not in (subject, scope_of(subject)):  # what is about a model lies here under its scope
        raise Unproven("signature_invalid", f"the signature is for {subject!r}, not for {event.subject!r}")


def check_root(state: State, event: Event, data: KeyRegistered) -> str:
    """The first key of the log signs itself: whoever starts the system holds it.

    Raises:
        Unproven: It has not.
        Reject: `key_invalid`.
    """
    check_signature(event, data, data.public_key)
    _check_fresh(state, event, data, Key(data.public_key, data.principal))
    check_key(data)
    assert data.provenance is not None
    if data.provenance.key != data.key:
        raise Unproven("signature_invalid", "the first key of a log is signed by itself")
    return data.principal


def check_key(data: KeyRegistered) -> None:
    """Let only keys in that are what they say.

    Raises:
        Reject: `key_invalid`.
    """
    named = key_id(bytes.fromhex(data.public_key))
    if data.key != named:
        raise Reject("key_invalid", f"the id of this public key is {named}, not {data.key}")


def spend(state: State, data: Data, now: int) -> None:
    """Take note that a signature has counted, whatever came of it; it never counts again.

    It is remembered for as long as it is valid: then its time is over anyway.
    """
    provenance = data.provenance
    assert provenance is not None
    assert provenance.key is not None
    bucket = state.spent.setdefault(_valid_until(data) // _BUCKET_MS, {})
    bucket[_digest(data)] = provenance.key
    state.n_spent[provenance.key] = state.n_spent.get(provenance.key, 0) + 1
    for hour in [hour for hour in state.spent if (hour + 1) * _BUCKET_MS <= now]:
        for key in state.spent.pop(hour).values():
            state.n_spent[key] -= 1
            if not state.n_spent[key]:
                del state.n_spent[key]


def _check_fresh(state: State, event: Event, data: Data, key: Key) -> None:
    """A signature counts once, and for a time that is signed with it."""
    assert data.provenance is not None
    until = _valid_until(data)
    if not event.time <= until <= event.time + LONGEST_VALIDITY_MS + _SLACK_MS:
        raise Unproven(
            "signature_expired",
            "valid_until is part of what is signed: in the future, and at most 7 days away; sign a new request"
            f" (it says {rfc3339(until)}, the broker {rfc3339(event.time)}: see your clock)",
        )
    if _digest(data) in state.spent.get(until // _BUCKET_MS, ()):
        raise Unproven("replayed", f"request {data.provenance.id} has counted before: sign a new one")
    if state.n_spent.get(data.provenance.key or "", 0) >= MOST_LIVE:
        raise Unproven("too_many_requests", f"{key.principal} has {MOST_LIVE} requests that are valid: wait")


def _valid_until(data: Data) -> int:
    until: int | None = getattr(data, "valid_until", None)
    return until or 0


def _digest(data: Data) -> str:
    """Name of what was signed: a signature has several spellings, its bytes have one."""
    assert data.provenance is not None
    return sha256(b64decode(data.provenance.signed or "")).hexdigest()
