"""Who may ask for what: signatures against the keyring, roles against the request."""

from base64 import b64decode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from homeostat.audit.said import said_in
from homeostat.audit.signing import key_id, verify
from homeostat.codec.encode import rfc3339
from homeostat.core import Event, Reject
from homeostat.core.identity import scope_of
from homeostat.events import Data, KeyRegistered
from homeostat.events.requests import LONGEST_VALIDITY_MS
from homeostat.services.governor.key import Key
from homeostat.services.governor.keyring import Keyring

_SLACK_MS: Final = 3_600_000
"""Clocks of people differ from the broker's."""

_BUCKET_MS: Final = 3_600_000

MOST_LIVE: Final = 10_000
"""Signatures of one key that count or have counted and are still valid."""


class Unproven(Reject):
    """Nobody who may speak here has signed it; nothing is remembered of it."""


@dataclass(slots=True)
class SpentSignatures:
    """Signed requests that have counted, for as long as they are valid: then their time is over anyway.

    Args:
        by_hour: Digest of what was signed and its key, by the hour until which it is valid.
        n_by_key: How many of them there are, by key.
    """

    by_hour: dict[int, dict[str, str]] = field(default_factory=dict)
    n_by_key: dict[str, int] = field(default_factory=dict)

    def check_fresh(self, event: Event, data: Data, key: Key) -> None:
        """See that a signature counts now: it counts once, and for a time that is signed with it.

        Args:
            event: For the broker's time.
            data: The request, with its provenance.
            key: Of the signer.

        Raises:
            Unproven: `signature_expired`, `replayed`, `too_many_requests`.
        """
        assert data.provenance is not None
        until = _valid_until(data)
        if not event.time <= until <= event.time + LONGEST_VALIDITY_MS + _SLACK_MS:
            raise Unproven(
                "signature_expired",
                "valid_until is part of what is signed: in the future, and at most 7 days away; sign a new request"
                f" (it says {rfc3339(until)}, the broker {rfc3339(event.time)}: see your clock)",
            )
        if _digest(data) in self.by_hour.get(until // _BUCKET_MS, ()):
            raise Unproven("replayed", f"request {data.provenance.id} has counted before: sign a new one")
        if self.n_by_key.get(data.provenance.key or "", 0) >= MOST_LIVE:
            raise Unproven("too_many_requests", f"{key.principal} has {MOST_LIVE} requests that are valid: wait")

    def spend(self, data: Data, now: int) -> None:
        """Take note that a signature has counted, whatever came of it; it never counts again."""
        provenance = data.provenance
        assert provenance is not None
        assert provenance.key is not None
        self.by_hour.setdefault(_valid_until(data) // _BUCKET_MS, {})[_digest(data)] = provenance.key
        self.n_by_key[provenance.key] = self.n_by_key.get(provenance.key, 0) + 1
        for hour in [hour for hour in self.by_hour if (hour + 1) * _BUCKET_MS <= now]:
            for key in self.by_hour.pop(hour).values():
                self.n_by_key[key] -= 1
                if not self.n_by_key[key]:
                    del self.n_by_key[key]


def authorize(keyring: Keyring, data: Data, role: str, scope: str) -> str:
    """Return the principal that signed a request and holds the role.

    Args:
        keyring: Keys and roles.
        data: A request that `authenticate` has let in: a signature is looked at once, before anything else.
        role: Needed role; empty: none.
        scope: Where it is needed.

    Raises:
        Reject: `role_missing`.
    """
    assert data.provenance is not None
    principal = keyring.keys[data.provenance.key or ""].principal
    if role and not keyring.has_role(principal, role, scope):
        raise Reject("role_missing", f"{principal} needs the role {role} in {scope}")
    return principal


def authenticate(keyring: Keyring, spent: SpentSignatures, event: Event, data: Data) -> str:
    """Return the principal that signed a request which counts now; nothing else is looked at before.

    Args:
        keyring: Keys.
        spent: Signatures that count no more.
        event: As it arrived.
        data: Its payload, as it was signed.

    Raises:
        Unproven: `unsigned`, `signature_invalid`, `key_unknown`, `key_revoked`, `signature_expired`, `replayed`,
            `too_many_requests`.
    """
    key = signer(keyring, event, data)
    spent.check_fresh(event, data, key)
    return key.principal


def signer(keyring: Keyring, event: Event, data: Data) -> Key:
    """Return the key of the keyring that signed what arrived, whatever it may do.

    Args:
        keyring: Keys.
        event: As it arrived.
        data: Its payload.

    Raises:
        Unproven: `unsigned`, `signature_invalid`, `key_unknown`, `key_revoked`.
    """
    id_ = data.provenance.key if data.provenance is not None else None
    key = keyring.keys.get(id_ or "")
    if id_ is not None and key is None:
        raise Unproven("key_unknown", f"key {id_} is not in the keyring")
    if key is not None and key.is_revoked:
        raise Unproven("key_revoked", f"key {id_} is revoked")
    check_signature(event, data, key.public if key is not None else "")
    assert key is not None
    return key


def check_signature(event: Event, data: Data, public_key: str) -> None:
    """See that the key has signed type, subject, source, id and payload as they arrived.

    Args:
        event: As it arrived.
        data: Its payload, with the signature and the signed bytes as provenance.
        public_key: Hex.

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


def check_root(spent: SpentSignatures, event: Event, data: KeyRegistered) -> str:
    """Return the owner of the first key of the log, which signs itself: whoever starts the system holds it.

    Args:
        spent: Signatures that count no more.
        event: As it arrived.
        data: Its payload.

    Raises:
        Unproven: It has not.
        Reject: `key_invalid`.
    """
    check_signature(event, data, data.public_key)
    spent.check_fresh(event, data, Key(data.public_key, data.principal))
    check_key(data)
    assert data.provenance is not None
    if data.provenance.key != data.key:
        raise Unproven("signature_invalid", "the first key of a log is signed by itself")
    return data.principal


def check_key(data: KeyRegistered) -> None:
    """See that the id of a key is the one of its public half.

    Raises:
        Reject: `key_invalid`.
    """
    named = key_id(bytes.fromhex(data.public_key))
    if data.key != named:
        raise Reject("key_invalid", f"the id of this public key is {named}, not {data.key}")


def _valid_until(data: Data) -> int:
    until: int | None = getattr(data, "valid_until", None)
    return until or 0


def _digest(data: Data) -> str:
    """Name of what was signed: a signature has several spellings, its bytes have one."""
    assert data.provenance is not None
    return sha256(b64decode(data.provenance.signed or "")).hexdigest()
