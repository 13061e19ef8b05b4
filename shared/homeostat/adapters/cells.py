"""Columns of somebody else's table as numbers, moments and texts; what cannot be read is named by its row."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from homeostat.adapters.errors import quoted
from homeostat.client.times import seconds_of
from homeostat.core import Reject
from homeostat.events.bounds import LAST_SECOND
from homeostat.events.columns import F8, Floats

TimeUnit = Literal["s", "ms", "us", "ns"]
PER_SECOND: Final[dict[TimeUnit, float]] = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}

Column = Sequence[Any] | NDArray[Any]
Faults = dict[int, str]
"""What is wrong, by row."""

_EMPTY: Final = frozenset({"", "nan", "null", "none", "na", "n/a"})
_TRUTHS: Final = {"true": 1.0, "false": 0.0}


def is_empty(value: object) -> bool:
    """Whether a cell holds nothing: None, NaN, NaT, blank, or a word for it (`null`, `NA`)."""
    if value is None or value != value:  # NaN and NaT differ from themselves
        return True
    return isinstance(value, str) and value.strip().lower() in _EMPTY


def numbers(values: Column, classes: Sequence[str] = ()) -> tuple[Floats, Faults]:
    """Read a column of numbers, truth values, or names of classes.

    Args:
        values: n cells: numbers, texts that spell them, truth values, names of classes.
        classes: Names that stand for their index; () where names stand for nothing.

    Returns:
        (n,) float64, NaN for cells that are empty or wrong; and what is wrong, by row.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf" and not classes:
        found = values.astype(F8)
        return np.where(np.isinf(found), np.nan, found), dict.fromkeys(np.flatnonzero(np.isinf(found)), "is infinite")
    if not classes and (plain := _all_plain(values)) is not None:
        return plain, {}
    place = {name: float(index) for index, name in enumerate(classes)}
    return _each(values, lambda value: _number(value, place))


def _number(value: Any, place: dict[str, float]) -> float:
    if place and not isinstance(value, float) and str(value) in place:
        return place[str(value)]
    if isinstance(value, str):
        if (truth := _TRUTHS.get(value.strip().lower())) is not None:
            return truth
        try:
            value = float(value)
        except ValueError:
            names = f", nor one of the classes {', '.join(place)}" if place else ""
            raise ValueError(f"{quoted(value)} is no number{names}") from None
    found = float(value)
    if not np.isfinite(found):
        raise ValueError(f"{quoted(value)} is not finite")
    return found


def moments(values: Column, unit: TimeUnit = "s") -> tuple[Floats, Faults]:
    """Read a column of times.

    Args:
        values: n cells: ISO 8601 texts, numbers since the epoch in `unit`, datetimes, datetime64. What has no time zone
            is UTC.
        unit: Of numbers.

    Returns:
        (n,) float64, seconds since the epoch, NaN for cells that are empty or wrong; and what is wrong, by row.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        return seconds_of("time", values, len(values)), {}
    plain = _all_plain(values)
    if plain is not None and plain.min(initial=0.0) >= 0.0 and plain.max(initial=0.0) / PER_SECOND[unit] <= LAST_SECOND:
        return plain / PER_SECOND[unit], {}
    return _each(values, lambda value: moment(value, unit))


def moment(value: Any, unit: TimeUnit = "s") -> float:
    """Read one time as seconds since the epoch.

    Raises:
        ValueError: It is none, or not within the years 1970 to 9999.
    """
    if isinstance(value, datetime | date | np.datetime64):
        seconds = float(seconds_of("time", value, 1)[0])
    else:
        try:
            seconds = float(value) / PER_SECOND[unit]
        except (TypeError, ValueError):
            seconds = _of_text(value)
    if not 0.0 <= seconds <= LAST_SECOND:
        raise ValueError(f"{quoted(value)} in {unit} is no time between 1970 and 9999; is it in another unit?")
    return seconds


def _of_text(value: object) -> float:
    try:
        return float(seconds_of("time", datetime.fromisoformat(str(value).strip().replace(" UTC", "Z")), 1)[0])
    except (ValueError, OverflowError, Reject):
        raise ValueError(f"{quoted(value)} is no time: ISO 8601, or a number since the epoch") from None


def _all_plain(values: Column) -> Floats | None:
    """Read all cells at once, where each spells a finite number; it is ten times as fast."""
    try:
        found = np.array(values).astype(F8)
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found).all() else None


def _each(values: Column, read: Callable[[Any], float]) -> tuple[Floats, Faults]:
    found, faults = np.full(len(values), np.nan, F8), Faults()
    for row, value in enumerate(values.tolist() if isinstance(values, np.ndarray) else values):
        if is_empty(value):
            continue
        try:
            found[row] = read(value)
        except (TypeError, ValueError) as error:
            faults[row] = str(error)
    return found, faults
