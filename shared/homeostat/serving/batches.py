"""Batches and answers as bytes: msgpack with raw little-endian inputs, or JSON."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from homeostat.core import Reject
from homeostat.events.columns import F4
from homeostat.serving.answers import Answers

JSON: Final = "application/json"
MSGPACK: Final = "application/msgpack"
MAX_ROWS: Final = 10_000
"""Rows of one batch: the event that tells of it has no more."""


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """n requests.

    Args:
        request: Their ids, n.
        inputs: n x width float32, little-endian, row by row.
        width: Numbers in one input.
    """

    request: list[str]
    inputs: bytes
    width: int


class JsonBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """n requests for people: `inputs` has one list of numbers for each."""

    request: list[str]
    inputs: list[list[float]]


_batch = msgspec.msgpack.Decoder(Batch)
_json_batch = msgspec.json.Decoder(JsonBatch)


def is_msgpack(content_type: str) -> bool:
    """Whether a body of this content type is msgpack; anything else is JSON."""
    return content_type.partition(";")[0].strip().lower() in (MSGPACK, "application/x-msgpack")


def encode_batch(request: Sequence[str], x: NDArray[np.float32]) -> bytes:
    """Lay n requests with their (n, width) inputs out as msgpack."""
    return msgspec.msgpack.encode(Batch(list(request), np.ascontiguousarray(x, F4).tobytes(), x.shape[1]))


def decode_batch(content_type: str, body: bytes) -> tuple[list[str], NDArray[np.float32]]:
    """Read a batch.

    Returns:
        n ids, and (n, width) float32 inputs, read only.

    Raises:
        Reject: `batch_invalid`.
    """
    try:
        if is_msgpack(content_type):
            batch = _batch.decode(body)
            request, x = batch.request, np.frombuffer(batch.inputs, F4).reshape(len(batch.request), batch.width)
        else:
            rows = _json_batch.decode(body)
            with np.errstate(over="ignore"):  # what float32 does not hold is infinite, and refused below
                request, x = rows.request, np.array(rows.inputs, F4, ndmin=2)
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise Reject("batch_invalid", f"request and inputs do not fit: {error}") from None
    if not 1 <= len(request) <= MAX_ROWS:
        raise Reject("batch_invalid", f"a batch has 1 to {MAX_ROWS} requests, not {len(request)}")
    if not np.isfinite(x).all():
        raise Reject("batch_invalid", "inputs must be finite as float32")
    return request, x


def encode_answers(content_type: str, answers: Answers) -> tuple[bytes, str]:
    """Lay answers out in the form the batch came in; also return its content type."""
    if is_msgpack(content_type):
        return msgspec.msgpack.encode(answers), MSGPACK
    return msgspec.json.encode(answers), JSON
