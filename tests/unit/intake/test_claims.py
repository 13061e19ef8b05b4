"""Signatures at the doors that take only what is signed."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from homeostat.audit.keys import Key
from homeostat.audit.signing import key_id
from homeostat.client.event_builder import EventBuilder
from homeostat.codec import Record, decode_event
from homeostat.events import FreezeSet
from homeostat.events.logs import REQUESTS
from homeostat.services.intake.claims import check_proof, is_proof
from homeostat.services.intake.provenance import proven_provenance


def test_a_signature_is_verified_once() -> None:
    """What the host asks of the headers and the step of the event is one proof of one curve."""
    private = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
    public = private.public_key().public_bytes_raw()
    key = Key("ann", key_id(public), public.hex(), private)
    made = EventBuilder("/ann").build(REQUESTS, "acme", FreezeSet(scope="acme"), key=key)
    record = Record(REQUESTS, "t", 0, 0, 0, made.key, made.value, made.headers)
    is_proof.cache_clear()

    check_proof(record, None, 0)
    provenance = proven_provenance(decode_event(record, time=0, emitter="/e", is_door=True))

    assert provenance is not None
    assert (is_proof.cache_info().hits, is_proof.cache_info().misses) == (1, 1)
