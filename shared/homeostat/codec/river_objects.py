"""River's objects as data: what each was made with, and what it has learned. No code is stored, and none is run.

River is an extra: nothing of it is imported before a state holds one of its objects.
"""

from typing import Final

import msgspec

from homeostat.codec.river_detectors import Adwin, HddmA, HddmW, Kswin, PageHinkleyTest
from homeostat.codec.river_models import Regression, Scaler

_Stored = Adwin | Kswin | PageHinkleyTest | HddmA | HddmW | Regression | Scaler
_OF: Final[dict[str, type[_Stored]]] = {
    "ADWIN": Adwin,
    "KSWIN": Kswin,
    "PageHinkley": PageHinkleyTest,
    "HDDMA": HddmA,
    "HDDMW": HddmW,
    "LinearRegression": Regression,
    "StandardScaler": Scaler,
}
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Stored)


def encode_river(value: object) -> bytes:
    """Return an object of river as data.

    Raises:
        NotImplementedError: Of this class, or of what it was made with, nothing is known here.
    """
    stored = _OF.get(type(value).__name__)
    if stored is None:
        raise NotImplementedError(f"a state cannot hold a river {type(value).__name__}")
    return _encoder.encode(stored.of(value))


def decode_river(raw: bytes) -> object:
    """Return the object that `encode_river` was given.

    Raises:
        Exception: Whatever is wrong with the data; nothing of it has run.
    """
    stored = _decoder.decode(raw)
    made: object = stored.make()
    if _encoder.encode(stored.of(made)) != raw:
        raise ValueError(f"no state of {type(made).__name__}")
    return made
