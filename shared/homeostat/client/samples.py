"""From arrays and rows to columnar payloads, in events that are neither too long nor too large."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.client.times import durations_of, seconds_of
from homeostat.client.values import Column, column, floats, ids
from homeostat.codec.columns import MAX_ROWS, check_labels, check_samples
from homeostat.core import Reject
from homeostat.events.columns import F4, F8, Answer, Labels, Role, Samples
from homeostat.events.logs import MAX_RECORD_BYTES

__all__ = ["Column", "labels_of", "samples_of"]

_TARGET_BYTES: Final = MAX_RECORD_BYTES // 2
"""Of one event: leaves room for what intake adds."""

_MOST_BYTES: Final = MAX_RECORD_BYTES - 20_000
"""Of one row: with the headers and what intake adds it is still a record."""

_ID_BYTES: Final = 5
"""Of msgpack around an id, and around a row number."""

_ANSWER_BYTES: Final = 16 * 16
"""What intake adds to a label: prediction and score of 16 versions at the most."""


def samples_of(
    version: str,
    role: Role,
    request: Sequence[str],
    *,
    time: object,
    prediction: ArrayLike,
    features: Mapping[str, Column] | None = None,
    score: Column | None = None,
    label: Column | None = None,
    latency_seconds: object = None,
    inputs: ArrayLike | None = None,
    captured: Sequence[int] | None = None,
) -> Iterator[Samples]:
    """Lay rows out as one or more payloads.

    Args:
        version: Version that answered.
        role: What it was.
        request: n ids: strings, integers or UUIDs.
        time: n, or one for all; see `times.seconds_of`.
        prediction: n.
        features: n numbers each; None or NaN is missing.
        score: n or None.
        label: n or None.
        latency_seconds: n or None; seconds, or timedelta64 of any unit.
        inputs: (k, width) model inputs of the captured rows.
        captured: k row numbers, rising; None with `inputs` means every row (k = n).

    Raises:
        Reject: `payload_invalid`: the columns do not fit together; `out_of_range`: a number has no place in float32;
            `output_too_large`: a single row is larger than a record may be.
    """
    requests = ids(request)
    n = len(requests)
    columns = {
        "time": seconds_of("time", time, n),
        "prediction": column("prediction", prediction, n),
        "score": np.full(n, np.nan, F8) if score is None else column("score", score, n),
    }
    for name, values in (("label", label), ("latency_seconds", durations_of(latency_seconds))):
        if values is not None:
            columns[name] = column(name, values, n)  # type: ignore[arg-type]  # what is no column is refused there
    matrix = {name: column(f"feature {name}", values, n, F4) for name, values in (features or {}).items()}
    rows, kept = _captured(inputs, captured, n)
    step = _rows_at_once(requests, 8 * len(columns) + 4 * len(matrix), [version, *matrix], kept.shape[1])
    for start in range(0, max(n, 1), step):
        part = slice(start, start + step)
        first, last = np.searchsorted(rows, [start, start + step])
        yield check_samples(
            Samples(
                version=version,
                role=role,
                request=requests[part],
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


def labels_of(
    request: Sequence[str],
    *,
    label: ArrayLike,
    time: object,
    version: str | None = None,
    role: Role = "champion",
    prediction: ArrayLike | None = None,
    score: Column | None = None,
    predicted: object = None,
) -> Iterator[Labels]:
    """Lay late truths out as one or more payloads.

    Args:
        request: n ids.
        label: n.
        time: n, or one for all; see `times.seconds_of`.
        version: Version that answered, if the labels bring what it answered.
        role: What it was.
        prediction: n; comes with `version`.
        score: n or None.
        predicted: When it answered: n, one for all, or None.

    Raises:
        Reject: `payload_invalid`: the columns do not fit together.
    """
    requests = ids(request)
    n = len(requests)
    times, labels = seconds_of("time", time, n), column("label", label, n)
    if (version is None) != (prediction is None) or (version is None and not (score is None and predicted is None)):
        raise Reject("payload_invalid", "version and prediction come together; score and predicted come with them")
    if version is not None and prediction is not None:
        answers = column("prediction", prediction, n)
        scores = np.full(n, np.nan, F8) if score is None else column("score", score, n)
        lags = None if predicted is None else times - seconds_of("predicted", predicted, n)
    step = _rows_at_once(requests, 24 + _ANSWER_BYTES, [], 0)
    for start in range(0, max(n, 1), step):
        part = slice(start, start + step)
        late = Labels(request=requests[part], label=labels[part].tobytes(), time=times[part].tobytes())
        if version is not None:
            said = Answer(version, role, answers[part].tobytes(), scores[part].tobytes())
            lag = b"" if lags is None else lags[part].tobytes()
            late = msgspec.structs.replace(late, answers=[said], lag_seconds=lag)
        yield check_labels(late)


def _rows_at_once(requests: Sequence[str], number_bytes: int, names: Sequence[str], width: int) -> int:
    """How many rows fit into one event."""
    is_ascii = "".join(requests).isascii()
    widest = (1 if is_ascii else 4) * max(map(len, requests), default=0) + _ID_BYTES
    row_bytes = number_bytes + widest + (F4.itemsize * width + _ID_BYTES if width else 0)
    name_bytes = sum(4 * len(str(name)) + _ID_BYTES for name in names)
    if name_bytes + row_bytes > _MOST_BYTES:
        fit = max(0, (_MOST_BYTES - name_bytes - row_bytes) // F4.itemsize + width)
        what = f"inputs has {width} numbers a row, of which {fit} fit: capture fewer of them, or leave inputs out"
        raise Reject(
            "output_too_large",
            f"one row takes {name_bytes + row_bytes} bytes, a record has at most {MAX_RECORD_BYTES}; "
            f"{what if width else 'publish fewer columns'}",
        )
    return max(1, min(MAX_ROWS, (_TARGET_BYTES - name_bytes) // row_bytes))


def _captured(
    inputs: ArrayLike | None, captured: Sequence[int] | None, n: int
) -> tuple[NDArray[np.int64], NDArray[np.floating[Any]]]:
    if inputs is None:
        if captured is not None and len(captured):
            raise Reject("payload_invalid", "captured rows need their inputs")
        return np.empty(0, np.int64), np.empty((0, 0), F4)
    kept = floats("inputs", inputs, F4)
    rows = np.arange(n) if captured is None else np.asarray(captured)
    if rows.ndim != 1 or (rows.dtype.kind not in "iu" and len(rows)):
        raise Reject("payload_invalid", f"captured is row numbers, not {rows.dtype} of the shape {rows.shape}")
    if kept.ndim != 2 or len(kept) != len(rows):
        raise Reject("payload_invalid", f"inputs has the shape {kept.shape} for {len(rows)} captured rows")
    rows = rows.astype(np.int64)
    if len(rows) and (rows[0] < 0 or rows[-1] >= n or (np.diff(rows) <= 0).any()):
        raise Reject("payload_invalid", f"captured is rising row numbers within 0..{n - 1}")
    return rows, kept
