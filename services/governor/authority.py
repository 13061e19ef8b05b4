"""Who may ask for what: signatures against the keyring, roles against the request."""

from base64 import b64decode
from typing import Final

from governor.state import Key, State
from homeostat.audit.signing import key_id, read_signed, verify
from homeostat.codec import encode_payload
from homeostat.core import Event, Reject
from homeostat.core.event import identity
from homeostat.events import MODELS, Data, KeyRegistered

IMPLIED: Final = {
    "admin": ("admin", "operator", "approver"),
    "operator": ("operator",),
    "approver": ("approver",),
    "notary": ("notary",),
}


def authorise(state: State, event: Event, data: Data, role: str, scope: str) -> str:
    """Return the principal that signed a request and holds the role.

    Args:
        state: Keyring and roles.
        event: The request as intake passed it on.
        data: Its payload.
        role: Needed role.
        scope: Where it is needed.

    Raises:
        Reject: `unsigned`, `signature_invalid`, `key_unknown`, `key_revoked`, `replayed`, `role_missing`.
    """
    key = _signer(state, event, data)
    if not has_role(state, key.principal, role, scope):
        raise Reject("role_missing", f"{key.principal} needs the role {role} in {scope}")
    return key.principal


def has_role(state: State, principal: str, role: str, scope: str) -> bool:
    """Whether a principal holds a role in a scope, directly or by a wider role."""
    granted = state.roles.get(principal, ())
    return any(
        role in IMPLIED[name] and place in (scope, "*")
        for name, _, place in (entry.partition("@") for entry in granted)
    )


def is_root(state: State) -> bool:
    """Whether the next key is the first of the log: it needs no signature, whoever starts the system holds it."""
    return not state.keys


def check_key(state: State, data: KeyRegistered) -> None:
    """Let only keys in that are what they say, and none that was revoked.

    Raises:
        Reject: `key_invalid`, `key_revoked`.
    """
    named = key_id(bytes.fromhex(data.public_key))
    if data.key != named:
        raise Reject("key_invalid", f"the id of this public key is {named}, not {data.key}")
    if (known := state.keys.get(data.key)) is not None and known.is_revoked:
        raise Reject("key_revoked", f"key {data.key} is revoked for good: register a new one")


def remember(state: State, data: object, now: int, limit: int) -> None:
    """Take note of a signed request that was obeyed; the door forgets sooner than this."""
    provenance = getattr(data, "provenance", None)
    if provenance is None or provenance.signature is None:
        return
    state.heard[identity(provenance.source, provenance.id)] = now
    while len(state.heard) > limit:
        del state.heard[next(iter(state.heard))]


def _signer(state: State, event: Event, data: Data) -> Key:
    provenance = data.provenance
    if provenance is None or provenance.signature is None or provenance.signed is None or provenance.key is None:
        raise Reject("unsigned", "requests are signed: use the homeostat command, or sign as docs/requests.md says")
    key = state.keys.get(provenance.key)
    if key is None:
        raise Reject("key_unknown", f"key {provenance.key} is not in the keyring")
    if key.is_revoked:
        raise Reject("key_revoked", f"key {provenance.key} is revoked")
    signed = b64decode(provenance.signed)
    if not verify(key.public, provenance.signature, signed):
        raise Reject("signature_invalid", f"the signature is not one of key {provenance.key}")
    _check_same(event, data, signed)
    if identity(provenance.source, provenance.id) in state.heard:
        raise Reject("replayed", f"request {provenance.id} was obeyed before: sign a new one")
    return key


def _check_same(event: Event, data: Data, signed: bytes) -> None:
    """What was signed must be what arrived: type, subject, source, id and payload."""
    assert data.provenance is not None
    try:
        type_, subject, source, id_, content = read_signed(signed)
        said = MODELS[type_].model_validate_json(content)
    except (ValueError, KeyError):
        raise Reject("signature_invalid", "the signed bytes cannot be read") from None
    same = encode_payload(said) == encode_payload(data.model_copy(update={"provenance": None}))
    arrived = (data.TYPE, event.subject, data.provenance.source, data.provenance.id)
    if (type_, subject, source, id_) != arrived or not same:
        raise Reject("signature_invalid", "the signature covers another event")
