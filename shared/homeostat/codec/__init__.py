"""Bytes: CloudEvents headers, canonical payloads, states, schemas."""

from homeostat.codec.decode import decode_event
from homeostat.codec.encode import encode_emit, encode_payload
from homeostat.codec.record import Headers, Output, Record
from homeostat.codec.state import decode_state, encode_state

__all__ = [
    "Headers",
    "Output",
    "Record",
    "decode_event",
    "decode_state",
    "encode_emit",
    "encode_payload",
    "encode_state",
]
