"""Checks of the columnar payloads at a door, and Arrow as one more way in."""

import re
from functools import lru_cache
from typing import Final

import numpy as np

from homeostat.core import Reject
from homeostat.events.columns import F4, Labels, Samples, f8, pack

MAX_ROWS: Final = 10_000
"""Rows of one event: one event is one step, and a step must be short."""

_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127}")
_OPTIONAL: Final = ("label", "latency_seconds")

_KNOWN: Final = 64
"""Longer lists of names are not remembered, so that nobody can fill the memory with them."""


def check_samples(samples: Samples) -> Samples:
    """Return the samples if their columns fit together.

    Raises:
        Reject: `payload_invalid`.
    """
    n = len(samples.request)
    if not 1 <= n <= MAX_ROWS:
        raise Reject("payload_invalid", f"an event has 1 to {MAX_ROWS} rows, not {n}")
    if not (len(samples.time) == len(samples.prediction) == len(samples.score) == 8 * n):
        raise _length(samples, ("time", "prediction", "score"))
    if len(samples.label) not in (0, 8 * n) or len(samples.latency_seconds) not in (0, 8 * n):
        raise _length(samples, ("label", "latency_seconds"))
    if len(samples.values) != 4 * n * len(samples.features):
        raise Reject(
            "payload_invalid", f"values has {len(samples.values)} bytes for {len(samples.features)} x {n} float32"
        )
    if len(set(samples.features)) != len(samples.features):
        raise Reject("payload_invalid", "a feature is named twice")
    names = (samples.version, *samples.features)
    (_check_once if len(names) <= _KNOWN else _check_names)(names)
    if samples.captured and (
        len(samples.inputs) % (4 * len(samples.captured)) or not 0 <= min(samples.captured) <= max(samples.captured) < n
    ):
        raise Reject(
            "payload_invalid", f"inputs has {len(samples.inputs)} bytes for {len(samples.captured)} captured rows"
        )
    if bool(samples.inputs) and not samples.captured:
        raise Reject("payload_invalid", "inputs without captured rows")
    if samples.provenance is not None:
        raise Reject("payload_invalid", "provenance is set by intake, not by the sender")
    if np.count_nonzero(np.isfinite(f8(samples.prediction + samples.time))) < 2 * n:  # one pass, and no slow all()
        raise Reject("payload_invalid", "time and prediction must be finite")
    return samples


def _length(samples: Samples, names: tuple[str, ...]) -> Reject:
    """Name the first column, of which there is one, that does not have a value per row; an empty one may be meant."""
    n = samples.n_rows
    sizes = {name: len(getattr(samples, name)) for name in names}
    name = next(name for name, size in sizes.items() if size != 8 * n and (size or name not in _OPTIONAL))
    return Reject("payload_invalid", f"{name} has {sizes[name]} bytes for {n} float64 rows")


def _check_names(names: tuple[str, ...]) -> None:
    if not all(_NAME.fullmatch(name) for name in names):
        raise Reject("payload_invalid", "version and features are names: letters, digits, _ . -, at most 128")


_check_once = lru_cache(maxsize=1024)(_check_names)  # a model sends the same names with every event


def check_labels(labels: Labels) -> Labels:
    """Return the labels if their columns fit together.

    Raises:
        Reject: `payload_invalid`.
    """
    n = len(labels.request)
    if not 1 <= n <= MAX_ROWS:
        raise Reject("payload_invalid", f"an event has 1 to {MAX_ROWS} labels, not {n}")
    if len(labels.label) != 8 * n or len(labels.time) != 8 * n:
        raise Reject("payload_invalid", f"label and time need {8 * n} bytes each, as float64")
    if labels.answers or labels.lag_seconds or labels.provenance is not None:
        raise Reject("payload_invalid", "answers, lag and provenance are set by intake, not by the sender")
    if not (np.isfinite(f8(labels.label)).all() and np.isfinite(f8(labels.time)).all()):
        raise Reject("payload_invalid", "label and time must be finite")
    return labels


def samples_of_arrow(value: bytes) -> Samples:
    """Read an Arrow IPC stream.

    Columns request, time, prediction, score, label, latency_seconds; all others are features.

    The schema's metadata names `version` and `role`. Needs the extra `arrow`.

    Raises:
        Reject: `payload_invalid`, or `content_type_unknown` where pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise Reject("content_type_unknown", "Arrow needs the extra: pip install 'homeostat[arrow]'") from None
    try:
        table = pa.ipc.open_stream(value).read_all()
    except pa.ArrowException as error:
        raise Reject("payload_invalid", f"not an Arrow IPC stream: {error}") from None
    metadata = {key.decode(): text.decode() for key, text in (table.schema.metadata or {}).items()}
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    missing = [name for name in ("request", "time", "prediction") if name not in columns]
    if missing or "version" not in metadata:
        raise Reject("payload_invalid", f"Arrow table lacks {', '.join(missing) or 'the metadata key version'}")
    own = ("request", "time", "prediction", "score", "label", "latency_seconds")
    features = [name for name in columns if name not in own]
    role = metadata.get("role", "champion")
    if role not in ("champion", "canary", "shadow"):
        raise Reject("payload_invalid", f"role is champion, canary or shadow, not {role!r}")
    n = table.num_rows
    return Samples(
        version=metadata["version"],
        role=role,
        request=[str(request) for request in columns["request"]],
        time=pack(columns["time"]),
        features=features,
        values=b"".join(pack(columns[name], F4) for name in features),
        prediction=pack(columns["prediction"]),
        score=pack(columns.get("score") or [None] * n),
        label=pack(columns["label"]) if "label" in columns else b"",
        latency_seconds=pack(columns["latency_seconds"]) if "latency_seconds" in columns else b"",
    )
