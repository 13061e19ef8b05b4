"""Where an admitted payload came from, with the proof if there is one."""

from base64 import b64encode
from typing import TypeVar

import msgspec

from homeostat.audit.signing import key_id, signed_bytes
from homeostat.core import Event, Reject
from homeostat.core.identity import scope_of
from homeostat.events import Data, Labels, Provenance, Samples
from homeostat.services.intake.claims import is_proof

D = TypeVar("D", bound=Data)
C = TypeVar("C", Samples, Labels)


def provenance_of(event: Event, redacted: tuple[str, ...] = ()) -> Provenance:
    """Say who sent an event of a door; the signature is carried, not judged: the governor has the keyring."""
    if redacted:
        return Provenance(scope_of(event.subject), event.source, event.id, redacted=redacted)
    if event.signature is None:
        return Provenance(scope_of(event.subject), event.source, event.id, event.key_id)
    signed = signed_bytes(event.type, event.subject, event.source, event.id, event.content)
    return Provenance(
        scope_of(event.subject), event.source, event.id, event.key_id, event.signature, b64encode(signed).decode()
    )


def proven_provenance(event: Event, redacted: tuple[str, ...] = ()) -> Provenance | None:
    """Say who sent an observation or a trace that is signed and brings its key; None for any other.

    The folds that learn have no keyring to check a signature with: the door checks it against the key in the header
    `public-key` and passes that key on, in place of signature and signed bytes, which would be longer than the payload.
    Whose key it is they hear from the governor.

    Raises:
        Reject: `signature_invalid`.
    """
    public = event.public_key
    if public is None:
        return None
    try:
        named = key_id(bytes.fromhex(public))
    except ValueError:
        named = None
    if named is None or event.key_id != named:
        raise Reject("signature_invalid", "key-id is the first 16 hex digits of the sha256 of the header public-key")
    signed = signed_bytes(event.type, event.subject, event.source, event.id, event.content)
    if event.signature is None or not is_proof(public, event.signature, signed):
        raise Reject("signature_invalid", f"the signature is not one of key {named} over this event")
    scope = scope_of(event.subject)
    return Provenance(scope, event.source, event.id, named, signer=public.lower(), redacted=redacted or None)


def unsigned(event: Event) -> Provenance:
    """Say what an event led to that its sender has not said, let alone signed."""
    return Provenance(scope_of(event.subject), event.source, event.id)


def with_provenance(data: D, event: Event, redacted: tuple[str, ...] = ()) -> D:
    """Return a copy of a payload that says where it came from.

    Args:
        data: Not changed.
        event: That brought it.
        redacted: Fields whose personal data were taken out.
    """
    return data.model_copy(update={"provenance": provenance_of(event, redacted)})


def with_proven_provenance(data: D, event: Event, redacted: tuple[str, ...] = ()) -> D:
    """The same for an observation or a trace. Without its key, a signature is carried and proves nothing.

    Args:
        data: Not changed.
        event: That brought it.
        redacted: Fields whose personal data were taken out.

    Raises:
        Reject: `signature_invalid`.
    """
    provenance = proven_provenance(event, redacted) or provenance_of(event, redacted)
    return data.model_copy(update={"provenance": provenance})


def columns_with_provenance(columns: C, event: Event, redacted: tuple[str, ...] = ()) -> C:
    """The same for columns; a signature without its key is not even carried.

    Args:
        columns: Not changed.
        event: That brought them.
        redacted: Fields whose personal data were taken out.

    Raises:
        Reject: `signature_invalid`.
    """
    provenance = proven_provenance(event, redacted)
    if provenance is None:
        scope = scope_of(event.subject)
        provenance = Provenance(scope, event.source, event.id, event.key_id, redacted=redacted or None)
    return msgspec.structs.replace(columns, provenance=provenance)
