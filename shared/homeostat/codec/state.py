"""Snapshots of states: msgpack of dataclasses, numpy arrays, payloads; river objects as private pickles.

A pickle is only ever read from our own snapshot topic, which nobody else may write.
"""

import pickle
from typing import Any, Final, TypeVar

import msgspec
import numpy as np
from pydantic import BaseModel

S = TypeVar("S")
_ARRAY: Final = 1
_PICKLE: Final = 2
_PICKLED: Final = ("river.",)
"""Packages whose objects have no other form; pinned exactly, so that the bytes stay readable."""


def _encode(value: object) -> object:
    if isinstance(value, np.ndarray):
        header = f"{value.dtype.str}:{','.join(map(str, value.shape))};".encode()
        return msgspec.msgpack.Ext(_ARRAY, header + np.ascontiguousarray(value).tobytes())
    if isinstance(value, BaseModel):
        return value.model_dump()
    if type(value).__module__.startswith(_PICKLED):
        return msgspec.msgpack.Ext(_PICKLE, pickle.dumps(value, protocol=5))
    raise NotImplementedError(f"a state cannot hold a {type(value).__name__}")


def _extend(code: int, data: memoryview) -> object:
    raw = bytes(data)
    if code == _PICKLE:
        return pickle.loads(raw)  # noqa: S301  # our own topic, see above
    header, _, body = raw.partition(b";")
    dtype, _, shape = header.decode().partition(":")
    return np.frombuffer(body, dtype).reshape([int(n) for n in shape.split(",") if n]).copy()


def _decode(type_: type[object], value: Any) -> Any:
    if issubclass(type_, BaseModel):
        return type_.model_validate(value)
    return value


_encoder = msgspec.msgpack.Encoder(enc_hook=_encode)  # keeps the order of dicts: rings live in them


def encode_state(state: object) -> bytes:
    """Return the bytes of a state; the same history gives the same bytes."""
    return _encoder.encode(state)


def decode_state(raw: bytes, type_: type[S]) -> S:
    """Return the state that `raw` was made of.

    Raises:
        msgspec.MsgspecError: Other bytes, or another class.
    """
    return msgspec.msgpack.decode(raw, type=type_, dec_hook=_decode, ext_hook=_extend)
