"""What is signed and how: Ed25519 over a DSSE pre-authentication encoding of an event.

Source: DSSE 1.0.2, protocol.md, "Signature definition" (PAE); RFC 8032.
"""

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_KEY_ID_DIGITS: Final = 16


def signed_bytes(type_: str, subject: str, source: str, id_: str, content: bytes) -> bytes:
    """Lay out what a signature of an event covers: `DSSEv1 <len> <type> <len> <body>`.

    The body is subject, source, id and content, each behind its length in 8 bytes, big-endian: no two
    events have the same bytes. The payload type is the CloudEvents type, so a signature of one kind of
    event is never one of another kind. Time and trace are not covered: source and id name the place.

    Args:
        type_: CloudEvents `type`.
        subject: CloudEvents `subject`, the key of the record.
        source: CloudEvents `source`.
        id_: CloudEvents `id`.
        content: The record's value, verbatim.
    """
    fields = (subject.encode(), source.encode(), id_.encode(), content)
    body = b"".join(len(field).to_bytes(8, "big") + field for field in fields)
    type_bytes = type_.encode()
    return b"DSSEv1 %d %b %d %b" % (len(type_bytes), type_bytes, len(body), body)


def sign(private: Ed25519PrivateKey, signed: bytes) -> str:
    """Return the Base64 signature of `signed`; the same input gives the same signature."""
    return b64encode(private.sign(signed)).decode()


def verify(public_key_hex: str, signature_b64: str, signed: bytes) -> bool:
    """Say whether `signature_b64` is a signature of `signed` by the key.

    Args:
        public_key_hex: 32 raw bytes in hex.
        signature_b64: Standard Base64 with padding.
        signed: What should have been signed.

    Returns:
        False for a wrong signature and for a key or signature that cannot be read.
    """
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key_hex))
        public.verify(b64decode(signature_b64, validate=True), signed)
    except (InvalidSignature, Base64Error, ValueError):
        return False
    return True


def key_id(public: bytes) -> str:
    """Name a public key: the first 16 hex digits of the sha256 of its 32 raw bytes."""
    return hashlib.sha256(public).hexdigest()[:_KEY_ID_DIGITS]


def read_signed(signed: bytes) -> tuple[str, str, str, str, bytes]:
    """Take `signed_bytes` apart: type, subject, source, id, content.

    Raises:
        ValueError: Not made by `signed_bytes`.
    """
    try:
        magic, length, rest = signed.split(b" ", 2)
        type_, rest = rest[: int(length)], rest[int(length) + 1 :]
        body = rest.split(b" ", 1)[1]
        fields = []
        while body:
            size = int.from_bytes(body[:8], "big")
            fields.append(body[8 : 8 + size])
            body = body[8 + size :]
        subject, source, id_, content = fields
    except (ValueError, IndexError):
        raise ValueError("not a signed event") from None
    if (
        magic != b"DSSEv1"
        or signed_bytes(type_.decode(), subject.decode(), source.decode(), id_.decode(), content) != signed
    ):
        raise ValueError("not a signed event")
    return type_.decode(), subject.decode(), source.decode(), id_.decode(), content
