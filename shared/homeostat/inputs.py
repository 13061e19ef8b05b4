"""Named columns of a model's inputs as the row of numbers that is kept to train on, and back: imports numpy alone.

    inputs = Inputs(age=Number(may_be_missing=True), city=Category("Rome", "Oslo"), title=Text())

The server encodes what it keeps, the recipe decodes what it gets; both say the same `Inputs`, best from one module.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from homeostat.core.errors import Reject

OTHER: Final = "(other)"
"""What a value decodes to that is none of the categories; it may be new, so it is kept."""

_MOST_BUCKETS: Final = 1 << 24
"""Integers that float32 holds exactly."""


class Kind(ABC):
    """What a column holds, and how many numbers it takes."""

    width: int = 1

    @abstractmethod
    def encode(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return (n, width) finite numbers of n values; raise ValueError if one has no place."""

    @abstractmethod
    def decode(self, numbers: NDArray[np.float32]) -> NDArray[Any]:
        """Return n values of (n, width) numbers."""


@dataclass(frozen=True)
class Number(Kind):
    """Integers, floats, truth values.

    Args:
        may_be_missing: Whether None and NaN are kept, as NaN; takes a second number that says so. Else rows in which
            it is missing are not kept.
    """

    may_be_missing: bool = False

    @property
    def width(self) -> int:  # type: ignore[override]
        """Numbers that a value takes."""
        return 2 if self.may_be_missing else 1

    def encode(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return values, and whether each is missing."""
        with np.errstate(over="ignore"):
            numbers = _floats(values).astype(np.float32)
        if np.isinf(numbers).any():
            raise ValueError("a number is infinite as float32")
        if not self.may_be_missing:
            return numbers[:, None]
        is_missing = np.isnan(numbers)
        return np.column_stack([np.where(is_missing, 0.0, numbers), is_missing]).astype(np.float32)

    def decode(self, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32, NaN where it is missing."""
        return np.where(numbers[:, 1] > 0, np.float32(np.nan), numbers[:, 0]) if self.may_be_missing else numbers[:, 0]


class Category(Kind):
    """One of some names; a missing value is kept as None, any other name as `OTHER`.

    Args:
        names: In an order that stays: a new one is added at the end, with a new contract of the model.
    """

    def __init__(self, *names: object) -> None:
        self.names = tuple(str(name) for name in names)
        self._codes = {name: code for code, name in enumerate(self.names)}

    def encode(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return the place among the names, their number for another one, -1 for a missing one."""
        other = len(self.names)
        codes = [-1 if _is_missing(value) else self._codes.get(str(value), other) for value in values.tolist()]
        return np.array(codes, np.float32)[:, None]

    def decode(self, numbers: NDArray[np.float32]) -> NDArray[np.object_]:
        """Return names, `OTHER` and None."""
        said = np.array([*self.names, OTHER, None], object)
        return said[np.clip(numbers[:, 0], -1, len(self.names)).astype(np.intp)]


@dataclass(frozen=True)
class Text(Kind):
    """Any text, of which only a hash is kept: nobody reads it in a log, and equal texts stay equal.

    Args:
        buckets: Different hashes, in [2, 2^24].
    """

    buckets: int = 1 << 16

    def __post_init__(self) -> None:
        if not 2 <= self.buckets <= _MOST_BUCKETS:
            raise ValueError(f"buckets is in [2, {_MOST_BUCKETS}], not {self.buckets}")

    def encode(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return the bucket of each text, -1 for a missing one."""
        return np.array(
            [-1 if _is_missing(value) else self.bucket(str(value)) for value in values.tolist()], np.float32
        )[:, None]

    def decode(self, numbers: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return buckets, int64; -1 is missing."""
        return numbers[:, 0].astype(np.int64)

    def bucket(self, text: str) -> int:
        """Return the bucket of a text, the same on every machine."""
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) % self.buckets


class Inputs:
    """The columns of a model, in order.

    Args:
        columns: What each holds, by a name that is an identifier.
        others: The same for names that are none.
    """

    def __init__(self, others: Mapping[str, Kind] | None = None, /, **columns: Kind) -> None:
        self.columns: dict[str, Kind] = {**(others or {}), **columns}
        if not self.columns:
            raise ValueError("inputs have at least one column")
        ends = np.cumsum([kind.width for kind in self.columns.values()]).tolist()
        self._slices = {
            name: slice(end - kind.width, end) for (name, kind), end in zip(self.columns.items(), ends, strict=True)
        }
        self.width: int = ends[-1]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.columns)

    @property
    def watched(self) -> tuple[str, ...]:
        """Names of the columns that a drift detector can watch: numbers, and places among categories."""
        return tuple(name for name, kind in self.columns.items() if not isinstance(kind, Text))

    def encode(self, table: Mapping[str, Sequence[Any] | NDArray[Any]]) -> NDArray[np.float32]:
        """Lay columns out as numbers.

        Args:
            table: n values by name; further columns are left out.

        Returns:
            (n, width); NaN only for a number that is missing and must not be.

        Raises:
            Reject: `inputs_invalid`: a column is not there, or holds what has no place in it.
        """
        parts = []
        for name, kind in self.columns.items():
            if name not in table:
                raise Reject("inputs_invalid", f"there is no column {name}; there are {', '.join(map(str, table))}")
            try:
                parts.append(kind.encode(array_of(table[name])))
            except (TypeError, ValueError) as error:
                what = type(kind).__name__.lower()
                raise Reject("inputs_invalid", f"column {name} is a {what}, and is not: {error}") from None
        return np.concatenate(parts, axis=1)

    def decode(self, x: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Return the columns of what was encoded: the argument of `pandas.DataFrame` and of `pyarrow.table`.

        Args:
            x: (n, width).

        Raises:
            Reject: `inputs_invalid`: of another width: it was kept under another contract.
        """
        if x.ndim != 2 or x.shape[1] != self.width:
            raise Reject("inputs_invalid", f"inputs of the shape {x.shape}; these columns take {self.width} numbers")
        return {name: kind.decode(x[:, self._slices[name]]) for name, kind in self.columns.items()}

    def features(self, x: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return the watched columns of what was encoded as numbers; NaN is missing."""
        return {name: _watchable(self.columns[name], x[:, self._slices[name]]) for name in self.watched}


def array_of(values: Any) -> NDArray[Any]:
    """Return values as an array; of texts among which one is missing as objects, which numpy would make a text."""
    found = np.asarray(values)
    is_spelled = found.dtype.kind in "US" and not isinstance(values, np.ndarray)
    return np.asarray(values, object) if is_spelled else found


def _watchable(kind: Kind, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    if isinstance(kind, Number):
        return kind.decode(numbers)
    return np.where(numbers[:, 0] < 0, np.float32(np.nan), numbers[:, 0])


def _floats(values: NDArray[Any]) -> NDArray[np.float64]:
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    return np.array([np.nan if _is_missing(value) else value for value in values.tolist()], np.float64)


def _is_missing(value: Any) -> bool:
    """None, NaN, pandas' NA and NaT: what does not equal itself, or says nothing about it."""
    is_same = value == value
    return value is None or not isinstance(is_same, bool | np.bool_) or not is_same
