"""Signatures cover an event whole and nothing else."""

import hashlib
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from homeostat.audit.signing import key_id, read_signed, sign, signed_bytes, verify

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes_raw()

attributes = st.tuples(st.text(), st.text(), st.text(), st.text(), st.binary())


@given(attributes)
def test_a_signature_verifies_over_what_was_signed(event: tuple[str, str, str, str, bytes]) -> None:
    """What the key signed, its public half confirms."""
    signed = signed_bytes(*event)

    assert verify(PUBLIC.hex(), sign(PRIVATE, signed), signed)


@given(attributes, attributes)
def test_different_events_have_different_signed_bytes(
    one: tuple[str, str, str, str, bytes], other: tuple[str, str, str, str, bytes]
) -> None:
    """The layout is injective: no attribute can borrow bytes from its neighbour."""
    assert (signed_bytes(*one) == signed_bytes(*other)) == (one == other)


def test_moving_a_byte_between_attributes_breaks_the_signature() -> None:
    """Length prefixes tell `ab`,`c` from `a`,`bc`."""
    signature = sign(PRIVATE, signed_bytes("t", "ab", "c", "1", b""))

    assert not verify(PUBLIC.hex(), signature, signed_bytes("t", "a", "bc", "1", b""))


def test_the_encoding_is_dsse_pae() -> None:
    """The outer layout is the one of the DSSE specification."""
    assert signed_bytes("http://example.com/HelloWorld", "", "", "", b"hi").startswith(
        b"DSSEv1 29 http://example.com/HelloWorld 34 "
    )


@given(st.text(), st.text(), st.binary())
def test_garbage_never_verifies_and_never_raises(public: str, signature: str, signed: bytes) -> None:
    """A key or signature that cannot be read is a no, not a crash."""
    assert not verify(public, signature, signed)


@given(st.binary(min_size=64, max_size=64))
def test_another_signature_does_not_verify(raw: bytes) -> None:
    """Only the key's own signature passes."""
    assert not verify(PUBLIC.hex(), b64encode(raw).decode(), b"content")


def test_a_key_is_named_by_its_hash() -> None:
    """The id is the head of the sha256 of the raw public key."""
    assert key_id(PUBLIC) == hashlib.sha256(PUBLIC).hexdigest()[:16]


@given(attributes)
def test_signed_bytes_are_read_back(event: tuple[str, str, str, str, bytes]) -> None:
    """What was signed can be shown to a person."""
    assert read_signed(signed_bytes(*event)) == event


@given(st.binary(), st.integers(0, 60))
def test_other_bytes_are_not_read(raw: bytes, cut: int) -> None:
    """Neither garbage nor a part of the real thing."""
    whole = signed_bytes("type", "subject", "source", "id", b"content")

    for other in (raw, whole[:cut], whole + raw if raw else whole[1:]):
        with pytest.raises(ValueError, match="not a signed event"):
            read_signed(other)
