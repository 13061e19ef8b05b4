"""Snapshots of states are data: msgpack of dataclasses, numpy arrays, payloads, and what river's objects have learned.

Pieces of a state are numbers in it, and each is encoded by itself. Whatever the bytes are, nothing in them is run.
"""

import re
from typing import Any, Final, TypeVar

import msgspec
import numpy as np
from pydantic import BaseModel

from homeostat.codec.river_objects import decode_river, encode_river
from homeostat.core import Halt
from homeostat.core.snapshot import Pieces

S = TypeVar("S")
_NOTHING: Final = object()
_ARRAY: Final = 1
_PICKLE: Final = 2
"""Taken by the form of earlier versions; never read."""

_RIVER: Final = 3
_DTYPE: Final = re.compile(r"[<|][biuf][1248]")
"""Numbers: an array of objects would be code."""


class StateInvalid(Halt):
    """Bytes that are no state of the class: damaged, forged, or of another version."""


def _encode(value: object) -> object:
    if isinstance(value, np.ndarray):
        if not _DTYPE.fullmatch(value.dtype.str):
            raise NotImplementedError(f"a state cannot hold an array of {value.dtype}")
        header = f"{value.dtype.str}:{','.join(map(str, value.shape))};".encode()
        return msgspec.msgpack.Ext(_ARRAY, header + np.ascontiguousarray(value).tobytes())
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, Pieces):
        return [value.n, sorted(value.held)]
    if type(value).__module__.startswith("river."):
        return msgspec.msgpack.Ext(_RIVER, encode_river(value))
    raise NotImplementedError(f"a state cannot hold a {type(value).__name__}")


def _extend(code: int, data: memoryview) -> object:
    raw = bytes(data)
    if code == _RIVER:
        return decode_river(raw)
    if code != _ARRAY:
        raise StateInvalid("it holds a pickle, which is never read" if code == _PICKLE else f"extension {code}")
    header, _, body = raw.partition(b";")
    dtype, _, shape = header.decode().partition(":")
    if not _DTYPE.fullmatch(dtype):
        raise StateInvalid(f"an array of {dtype[:20]!r}")
    return np.frombuffer(body, dtype).reshape([int(n) for n in shape.split(",") if n]).copy()


def _decode(type_: type[object], value: Any) -> Any:
    if issubclass(type_, BaseModel):
        return type_.model_validate(value)
    if issubclass(type_, Pieces):
        return type_(value[0], dict.fromkeys(value[1]))
    return value


_encoder = msgspec.msgpack.Encoder(enc_hook=_encode)  # keeps the order of dicts: rings live in them


def encode_state(state: object) -> bytes:
    """Return the bytes of a state; the same history gives the same bytes."""
    return _encoder.encode(state)


def decode_state(raw: bytes, type_: type[S]) -> S:
    """Return the state that `raw` was made of; fields that it lacks have their defaults.

    Args:
        raw: Of `encode_state`, perhaps of another version.
        type_: Class of the state.

    Raises:
        StateInvalid: Other bytes, another class, or one with fields that this one has not: a state that has lost what
            it knew is worse than none.
    """
    try:
        state = msgspec.msgpack.decode(raw, type=type_, dec_hook=_decode, ext_hook=_extend)
        again = encode_state(state)
        lost = "" if again == raw else _lost(msgspec.msgpack.decode(raw), msgspec.msgpack.decode(again))
    except Exception as error:  # a decoder of parts raises whatever it likes; the bytes may be anybody's
        raise StateInvalid(f"{type(error).__name__}: {str(error)[:300]}") from error
    if lost:
        raise StateInvalid(f"this version has no place for {lost[:300]}")
    return state


def _lost(stored: object, again: object, where: str = "") -> str:
    """Return the first place in what was stored that is not the same in what was read of it; empty if all is."""
    if isinstance(stored, dict) and isinstance(again, dict):
        places = ((stored[name], again.get(name, _NOTHING), f"{where}.{name}") for name in stored)
    elif isinstance(stored, list) and isinstance(again, list) and len(stored) == len(again):
        places = ((one, other, f"{where}[{n}]") for n, (one, other) in enumerate(zip(stored, again, strict=True)))
    else:
        is_nan = stored != stored and again != again
        return "" if stored == again or is_nan else where.lstrip(".") or "it"
    return next((lost for one, other, place in places if (lost := _lost(one, other, place))), "")
