"""When something was, in whatever form people have it: as seconds since the epoch, UTC."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.client.values import is_missing
from homeostat.core import Reject
from homeostat.events.columns import F8, Floats

_SECOND: Final = np.timedelta64(1, "s")
_ADVICE: Final = "seconds since the epoch, datetime64, datetime or pandas times"


def seconds_of(name: str, times: object, n: int) -> Floats:
    """Turn event times into seconds since the epoch.

    A datetime or pandas time without a time zone is read as UTC, as numpy and pandas do; datetime64 has none. Numbers
    are seconds: milliseconds and the like are refused later, because as seconds they are beyond the year 9999.

    Args:
        name: Of the column, for messages.
        times: n of them, or one for all: numbers, datetime64 of any unit, `datetime`, `date`, pandas Timestamp,
            Series or DatetimeIndex, or a sequence of these.
        n: Number of rows.

    Returns:
        (n,) float64; NaN for what is missing (NaT, None).

    Raises:
        Reject: `payload_invalid`: no times, or another number of them.
    """
    array = _array(name, times)
    if array.dtype.kind == "O":
        array = np.array([_seconds(name, one) for one in array.ravel()], F8).reshape(array.shape)
    elif array.dtype.kind == "M":
        array = _of_datetime64(array)
    elif array.dtype.kind not in "iuf":
        raise Reject("payload_invalid", f"{name} is {_ADVICE}, not {array.dtype}")
    if array.ndim == 0:
        return np.full(n, array, F8)
    if array.shape != (n,):
        raise Reject("payload_invalid", f"{name} has the shape {array.shape} for {n} rows; one for all, or one each")
    return np.ascontiguousarray(array, F8)


def durations_of(values: object) -> object:
    """Turn durations (timedelta64 of any unit, `timedelta`, pandas) into seconds; leave everything else as it is."""
    if isinstance(values, timedelta):
        return values.total_seconds()
    if isinstance(values, np.ndarray | np.generic) or hasattr(values, "__array__"):
        array = np.asarray(values)
        return array if array.dtype.kind != "m" else np.where(np.isnat(array), np.nan, array / _SECOND)
    if isinstance(values, list | tuple):
        return [durations_of(one) if isinstance(one, timedelta | np.timedelta64) else one for one in values]
    return values


def _array(name: str, times: object) -> NDArray[np.generic]:
    try:
        if isinstance(times, np.ma.MaskedArray):
            if times.dtype.kind == "M":
                return np.asarray(np.ma.filled(times, np.datetime64("NaT")))
            return np.asarray(np.ma.filled(times.astype(F8), np.nan))
        return np.asarray(times)
    except (TypeError, ValueError, OverflowError) as error:
        raise Reject("payload_invalid", f"{name} is {_ADVICE}: {error}") from None


def _of_datetime64(array: NDArray[np.generic]) -> Floats:
    """Whole seconds and what is left, so that no unit overflows or loses digits."""
    whole = array.astype("datetime64[s]")
    with np.errstate(invalid="ignore"):
        seconds = whole.astype(np.int64) + (array - whole) / _SECOND
    return np.where(np.isnat(array), np.nan, seconds).astype(F8)


def _seconds(name: str, one: object) -> float:
    if is_missing(one):  # pandas' NaT is a datetime
        return np.nan
    if isinstance(one, datetime):
        return (one if one.tzinfo is not None else one.replace(tzinfo=UTC)).timestamp()
    if isinstance(one, date):
        return datetime(one.year, one.month, one.day, tzinfo=UTC).timestamp()
    if isinstance(one, np.datetime64):
        return float(_of_datetime64(np.asarray(one)))
    if isinstance(one, str | bytes | bool | np.bool_):
        raise Reject("payload_invalid", f"{name} is {_ADVICE}, not {type(one).__name__}")
    try:
        return float(one)  # type: ignore[arg-type]  # what has no float says so
    except (TypeError, ValueError, OverflowError) as error:
        raise Reject("payload_invalid", f"{name} is {_ADVICE}: {error}") from None
