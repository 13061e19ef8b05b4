"""Who may ask for what: signatures against the keyring, roles against the request."""

from base64 import b64decode
from typing import Final

from governor.state import Key, State
from homeostat.audit.signing import read_signed, verify
from homeostat.codec import encode_payload
from homeostat.core import Event, Reject
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
        Reject: `unsigned`, `signature_invalid`, `key_unknown`, `key_revoked`, `role_missing`.
    """
    key = _signer(state, data)
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


def is_root(state: State, data: KeyRegistered) -> bool:
    """Whether this is the first key of the log: it needs no signature, whoever starts the system holds it."""
    return not state.keys


def _signer(state: State, data: Data) -> Key:
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
    _check_same(data, signed)
    return key


def _check_same(data: Data, signed: bytes) -> None:
    """What was signed must be what arrived: type, source, id and payload."""
    assert data.provenance is not None
    try:
        type_, _, source, id_, content = read_signed(signed)
        said = MODELS[type_].model_validate_json(content)
    except (ValueError, KeyError):
        raise Reject("signature_invalid", "the signed bytes cannot be read") from None
    same = encode_payload(said) == encode_payload(data.model_copy(update={"provenance": None}))
    if type_ != data.TYPE or (source, id_) != (data.provenance.source, data.provenance.id) or not same:
        raise Reject("signature_invalid", "the signature covers another event")
