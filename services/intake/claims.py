"""What is seen of a signature before anything is decoded: that it is one of the key that the record brings.

Anybody may write a door, as much as the broker takes. What nobody signed must not keep what somebody did from the law.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from homeostat.audit.signing import key_id, signed_bytes, verify
from homeostat.codec import Record
from homeostat.core import Reject

UNPROVEN: Final = 500
"""Of what names a key without bringing it, so much is passed on in a window: the law looks at each of them."""

WINDOW_MS: Final = 10_000

_COVERED: Final = ("ce_type", "ce_source", "ce_id")


@dataclass(slots=True)
class Unproven:
    """How many requests whose signature the door could not check went on lately, part of a state.

    Args:
        since: Beginning of the window, broker time, ms.
        n: In it.
    """

    since: int = 0
    n: int = 0

    def is_spent(self, now: int) -> bool:
        """Whether no further one goes on now."""
        return now - self.since < WINDOW_MS and self.n >= UNPROVEN

    def take(self, now: int) -> None:
        """Count one."""
        if now - self.since >= WINDOW_MS:
            self.since, self.n = now, 0
        self.n += 1


def check_proof(record: Record, unproven: Unproven | None, now: int) -> None:
    """Check the signature of a record that brings its key; let what does not bring it pass up to a bound.

    Args:
        record: With a claim.
        unproven: What has passed; None for nothing.
        now: Broker time, ms.

    Raises:
        Reject: `signature_invalid`, `too_many_requests`.
    """
    headers = dict(record.headers)
    if is_proven(headers):
        public, signature = headers["public-key"], headers["signature"]
        if not _is_named(public, headers["key-id"]):
            raise Reject(
                "signature_invalid", "key-id is the first 16 hex digits of the sha256 of the header public-key"
            )
        type_, source, id_ = (headers[name].decode(errors="replace") for name in _COVERED)
        subject = (record.key or b"").decode()
        signed = signed_bytes(type_, subject, source, id_, record.value or b"")
        if not is_proof(public.decode(errors="replace"), signature.decode(), signed):
            raise Reject("signature_invalid", "the signature is not one of the key in the header public-key")
    elif unproven is not None and unproven.is_spent(now):
        raise Reject(
            "too_many_requests",
            f"{UNPROVEN} requests in {WINDOW_MS // 1000} s named a key and did not bring it: send the header "
            "public-key, as the homeostat command does, and no flood of others keeps yours out",
        )


@lru_cache(maxsize=1)  # the host asks before it decodes, the step after: the second answer costs no curve
def is_proof(public: str, signature: str, signed: bytes) -> bool:
    """Whether a signature is the key's, of these bytes; see `verify`.

    Args:
        public: Key in hex.
        signature: Base64.
        signed: Bytes that it covers.
    """
    return verify(public, signature, signed)


def is_proven(headers: dict[str, bytes]) -> bool:
    """Whether the door can check a signature by what the record brings; a structured event is left to the law."""
    return all(headers.get(name) is not None for name in ("public-key", *_COVERED))


@lru_cache(maxsize=256)
def _is_named(public: bytes, named: bytes) -> bool:
    try:
        return key_id(bytes.fromhex(public.decode())) == named.decode()
    except ValueError:
        return False
