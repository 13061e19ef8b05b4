"""Columns of numbers and ids out of whatever holds them: lists, arrays, pandas, polars, Arrow, masked arrays."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.admission.limits import REQUEST_LENGTH
from homeostat.core import Reject
from homeostat.events.columns import F4, F8

Column = ArrayLike | Sequence[float | None]
"""Numbers, one per row; None, NaN or a masked value is missing."""

_NUMBERS: Final = "biufUSO"
"""Kinds of arrays that hold numbers, texts that spell them among these; no times, no complex numbers."""


def column(name: str, values: Column, n: int, dtype: np.dtype[np.floating[Any]] = F8) -> NDArray[np.floating[Any]]:
    """Lay n numbers out as a column.

    Args:
        name: Of the column, for messages.
        values: n numbers.
        n: Number of rows.
        dtype: Of the result.

    Returns:
        (n,); NaN for what is missing.

    Raises:
        Reject: `payload_invalid`: no numbers, or not n of them; `out_of_range`: too large for the type.
    """
    found = floats(name, values, dtype)
    if found.shape != (n,):
        raise Reject("payload_invalid", f"{name} has the shape {found.shape} for {n} requests")
    return found


def floats(name: str, values: object, dtype: np.dtype[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Turn numbers of any shape into an array; see `column`.

    Args:
        name: Of the column, for the message.
        values: Anything that numpy or pandas take for numbers; masked ones become NaN.
        dtype: Of the result.
    """
    try:
        array = np.asarray(np.ma.filled(values.astype(F8), np.nan) if np.ma.isMaskedArray(values) else values)
        if array.dtype.kind not in _NUMBERS:
            raise Reject("payload_invalid", f"{name} is numbers, not {array.dtype}")
        if array.dtype.kind == "O":
            array = np.array([_number(name, one) for one in array.ravel()], F8).reshape(array.shape)
        with np.errstate(over="ignore"):
            found = np.ascontiguousarray(array, dtype)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise Reject("payload_invalid", f"{name} is numbers: {error}") from None
    if dtype == F4 and np.isinf(found).any():
        lost = np.flatnonzero(np.isinf(found) & np.isfinite(array))
        if len(lost):
            raise Reject("out_of_range", f"{name}, value {lost[0]}: must fit into float32; {len(lost)} values do not")
    return found


def is_missing(one: object) -> bool:
    """Whether it is None, or what pandas writes for it, which need not be installed."""
    return one is None or type(one).__name__ in ("NAType", "NaTType")


def _number(name: str, one: Any) -> float:
    if is_missing(one):
        return np.nan
    if isinstance(one, np.datetime64 | np.timedelta64 | complex) or hasattr(one, "isoformat"):
        raise Reject("payload_invalid", f"{name} is numbers, not {type(one).__name__}")
    return float(one)


def n_rows(prediction: object) -> int:
    """Return the number of rows.

    Raises:
        Reject: `payload_invalid`: a single number.
    """
    try:
        return len(prediction)  # type: ignore[arg-type]  # what has no length raises
    except TypeError:
        raise Reject("payload_invalid", "prediction has one number per row; of a single row too: [1]") from None


def ids(request: object) -> list[str]:
    """Turn request ids into texts: strings, integers and UUIDs are taken.

    Raises:
        Reject: `payload_invalid`: something else, or ids that are empty or too long.
    """
    if isinstance(request, str | bytes):
        raise Reject("payload_invalid", "request is a list of ids, one per row, not one text")
    try:
        found: list[str] = list(request)  # type: ignore[call-overload]  # what is no sequence is told below
        if set(map(type, found)) - {str}:
            found = [_id(one) for one in found]
    except TypeError:
        raise Reject("payload_invalid", f"request is a list of ids, not {type(request).__name__}") from None
    if found and (max(map(len, found)) > REQUEST_LENGTH or "" in found):
        raise Reject("payload_invalid", f"a request id has 1 to {REQUEST_LENGTH} characters")
    return found


def _id(one: object) -> str:
    if isinstance(one, str | int | np.integer | UUID) and not isinstance(one, bool):
        return str(one)
    raise Reject("payload_invalid", f"a request id is a string, an integer or a UUID, not {type(one).__name__}")
