"""Rows of whatever a model takes: arrays, mappings of columns, data frames, Arrow; without knowing pandas or Arrow."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.core import Reject
from homeostat.inputs import array_of


def n_rows(x: Any) -> int:
    """Number of rows of a batch of inputs."""
    if isinstance(x, Mapping):
        return len(next(iter(x.values()), ()))
    return int(x.num_rows) if is_arrow(x) else len(x)


def is_arrow(x: Any) -> bool:
    """Whether it is an Arrow table or record batch."""
    return hasattr(x, "num_rows") and hasattr(x, "schema")


def take(x: Any, rows: NDArray[np.intp]) -> Any:
    """Return some rows of a batch, in the form that it has.

    Args:
        x: A mapping of columns, a data frame, an Arrow table, an array, or a sequence of rows.
        rows: Row numbers, (k,).
    """
    if is_arrow(x):
        return x.take(rows)
    if isinstance(x, Mapping):
        return {name: array_of(column)[rows] for name, column in x.items()}
    if hasattr(x, "iloc"):
        return x.iloc[rows]
    return x[rows] if isinstance(x, np.ndarray) else [x[row] for row in rows]


def named(x: Any, names: Sequence[str] = ()) -> Mapping[str, Any]:
    """Return the columns by name, whatever they hold: a mapping, or a data frame, which is read as one.

    Args:
        x: n rows.
        names: Of the columns of an array, in order.

    Raises:
        Reject: `inputs_invalid`: an array has other columns than are named.
    """
    if is_arrow(x):
        return {name: _arrow_array(x.column(name)) for name in x.schema.names}
    if isinstance(x, Mapping) or hasattr(x, "iloc"):
        found: Mapping[str, Any] = x
        return found
    matrix = np.asarray(x, None if isinstance(x, np.ndarray) else object)
    if matrix.ndim != 2 or matrix.shape[1] != len(names):
        raise Reject("inputs_invalid", f"inputs of the shape {matrix.shape} for {len(names)} named columns")
    return dict(zip(names, matrix.T, strict=True))


def columns(x: Any, names: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Return the columns that are numbers, by name; missing values are NaN.

    Args:
        x: n rows.
        names: Of the columns of an array, in order; of a mapping or a data frame those that are wanted, or none for
            all.

    Raises:
        Reject: `inputs_invalid`: an array has other columns than are named, rows without columns are no numbers, or a
            named column is not there.
    """
    if is_arrow(x) or isinstance(x, Mapping) or hasattr(x, "iloc"):
        x = named(x)
        there = [str(name) for name in x]
        lost = sorted(set(names) - set(there))
        if lost:
            raise Reject("inputs_invalid", f"there is no column {', '.join(lost)}; there are {', '.join(there)}")
        found = {name: _numbers(x[name]) for name in names or there}
        return {name: column for name, column in found.items() if column is not None}
    try:
        matrix = np.asarray(x, np.float64)
    except (TypeError, ValueError) as error:
        raise Reject("inputs_invalid", f"rows that are no numbers, and have no columns: {error}") from None
    if matrix.ndim != 2 or (names and matrix.shape[1] != len(names)):
        raise Reject("inputs_invalid", f"inputs of the shape {matrix.shape} for {len(names)} named columns")
    return dict(zip(names, matrix.T, strict=False))


def joined(parts: Sequence[Mapping[str, NDArray[np.float64]]]) -> dict[str, NDArray[np.float64]]:
    """Put the columns of several batches one below the other; what a batch has not is NaN there."""
    names: Iterable[str] = dict.fromkeys(name for part in parts for name in part)
    lengths = [len(next(iter(part.values()), ())) for part in parts]
    return {
        name: np.concatenate(
            [part.get(name, np.full(n, np.nan)) for part, n in zip(parts, lengths, strict=True)] or [np.empty(0)]
        )
        for name in names
    }


def _arrow_array(column: Any) -> NDArray[Any]:
    """Return an Arrow column; a null of a dictionary is missing only once it is decoded (pyarrow 26)."""
    is_dictionary = hasattr(column.type, "index_type")
    plain = column.cast(column.type.value_type) if is_dictionary else column
    array: NDArray[Any] = plain.to_numpy(zero_copy_only=False)
    return array


def _numbers(column: Any) -> NDArray[np.float64] | None:
    values = np.asarray(column)
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    try:
        return np.array([np.nan if value is None else value for value in values], np.float64)
    except (TypeError, ValueError):
        return None  # categories and texts
