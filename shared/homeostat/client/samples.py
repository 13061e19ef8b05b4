"""From arrays and rows to columnar payloads, in events that are neither too long nor too large."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.codec.columns import MAX_ROWS, check_labels, check_samples
from homeostat.core import Reject
from homeostat.events.columns import F4, F8, Labels, Role, Samples
from homeostat.events.logs import MAX_RECORD_BYTES

Column = ArrayLike | Sequence[float | None]
"""Numbers, one per row; None or NaN is missing."""

_TARGET_BYTES: Final = MAX_RECORD_BYTES // 2
"""Columns of one event; leaves room for names, ids and headers."""

_ROW_FIELDS: Final = ("request", "time", "prediction", "score", "label", "latency_seconds", "inputs")
_BATCH_ROWS: Final = 1000


def samples_of(
    version: str,
    role: Role,
    request: Sequence[str],
    *,
    time: ArrayLike,
    prediction: ArrayLike,
    features: Mapping[str, Column] | None = None,
    score: Column | None = None,
    label: Column | None = None,
    latency_seconds: Column | None = None,
    inputs: ArrayLike | None = None,
    captured: Sequence[int] | None = None,
) -> Iterator[Samples]:
    """Lay rows out as one or more payloads.

    Args:
        version: Version that answered.
        role: What it was.
        request: n ids.
        time: n, or one for all; seconds since the epoch.
        prediction: n.
        features: n numbers each; None or NaN is missing.
        score: n or None.
        label: n or None.
        latency_seconds: n or None.
        inputs: (k, width) model inputs of the captured rows.
        captured: k row numbers, rising; None with `inputs` means every row (k = n).

    Raises:
        Reject: `payload_invalid`: the columns do not fit together.
    """
    n = len(request)
    columns = {
        "time": np.full(n, time, F8) if np.ndim(time) == 0 else _column("time", time, n),
        "prediction": _column("prediction", prediction, n),
        "score": np.full(n, np.nan, F8) if score is None else _column("score", score, n),
    }
    for name, values in (("label", label), ("latency_seconds", latency_seconds)):
        if values is not None:
            columns[name] = _column(name, values, n)
    matrix = {name: _column(f"feature {name}", values, n, F4) for name, values in (features or {}).items()}
    rows, kept = _captured(inputs, captured, n)
    row_bytes = 8 * len(columns) + 4 * len(matrix) + (4 * kept.shape[1] if len(rows) else 0) + 24
    step = max(1, min(MAX_ROWS, _TARGET_BYTES // row_bytes))
    for start in range(0, max(n, 1), step):
        part = slice(start, start + step)
        first, last = np.searchsorted(rows, [start, start + step])
        yield check_samples(
            Samples(
                version=version,
                role=role,
                request=[str(id_) for id_ in request[part]],
                features=list(matrix),
                values=b"".join(column[part].tobytes() for column in matrix.values()),
                captured=[int(row) - start for row in rows[first:last]],
                inputs=kept[first:last].tobytes() if last > first else b"",
                time=columns["time"][part].tobytes(),
                prediction=columns["prediction"][part].tobytes(),
                score=columns["score"][part].tobytes(),
                label=columns["label"][part].tobytes() if "label" in columns else b"",
                latency_seconds=columns["latency_seconds"][part].tobytes() if "latency_seconds" in columns else b"",
            )
        )


def labels_of(request: Sequence[str], *, label: ArrayLike, time: ArrayLike) -> Iterator[Labels]:
    """Lay late truths out as one or more payloads.

    Args:
        request: n ids.
        label: n.
        time: n, or one for all; seconds since the epoch.

    Raises:
        Reject: `payload_invalid`.
    """
    n = len(request)
    times = np.full(n, time, F8) if np.ndim(time) == 0 else _column("time", time, n)
    labels = _column("label", label, n)
    for start in range(0, max(n, 1), MAX_ROWS):
        part = slice(start, start + MAX_ROWS)
        ids = [str(id_) for id_ in request[part]]
        yield check_labels(Labels(request=ids, label=labels[part].tobytes(), time=times[part].tobytes()))


def columns_of_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Turn rows into keyword arguments of `publish_samples`, some hundred rows at a time.

    A row names `prediction` and, if known, request, time, score, label, latency_seconds, inputs; every other
    name is a feature. What only some rows have is missing in the others.
    """
    batch: list[Mapping[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH_ROWS:
            yield _columns(batch)
            batch = []
    if batch:
        yield _columns(batch)


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns: dict[str, Any] = {
        name: [row.get(name) for row in rows] for name in names if name in _ROW_FIELDS and name != "inputs"
    }
    columns["features"] = {name: [row.get(name) for row in rows] for name in names if name not in _ROW_FIELDS}
    captured = [number for number, row in enumerate(rows) if row.get("inputs") is not None]
    if captured:
        columns |= {"captured": captured, "inputs": [rows[number]["inputs"] for number in captured]}
    for name in ("request", "time"):
        if None in columns.get(name, ()):
            raise Reject("payload_invalid", f"either every row names its {name}, or none does")
    if None in columns.get("prediction", (None,)):
        raise Reject("payload_invalid", "every row needs a prediction")
    return columns


def _column(name: str, values: Column, n: int, dtype: np.dtype[np.floating[Any]] = F8) -> NDArray[np.floating[Any]]:
    if isinstance(values, Sequence) and None in values:
        values = [np.nan if value is None else value for value in values]
    try:
        column = np.ascontiguousarray(values, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise Reject("payload_invalid", f"{name} is numbers: {error}") from None
    if column.shape != (n,):
        raise Reject("payload_invalid", f"{name} has the shape {column.shape} for {n} requests")
    return column


def _captured(
    inputs: ArrayLike | None, captured: Sequence[int] | None, n: int
) -> tuple[NDArray[np.int64], NDArray[np.floating[Any]]]:
    if inputs is None:
        if captured:
            raise Reject("payload_invalid", "captured rows need their inputs")
        return np.empty(0, np.int64), np.empty((0, 0), F4)
    kept = np.ascontiguousarray(inputs, dtype=F4)
    rows = np.arange(n) if captured is None else np.asarray(captured, np.int64)
    if kept.ndim != 2 or len(kept) != len(rows):
        raise Reject("payload_invalid", f"inputs has the shape {kept.shape} for {len(rows)} captured rows")
    if len(rows) and (rows[0] < 0 or rows[-1] >= n or (np.diff(rows) <= 0).any()):
        raise Reject("payload_invalid", f"captured is rising row numbers within 0..{n - 1}")
    return rows, kept
