"""Few-shot tasks at the door: shapes, sizes and values of their arrays."""

import math
from base64 import b64decode
from binascii import Error as Base64Error
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from homeostat.core import Reject
from homeostat.events import Array, TaskRecorded

ARRAYS: Final = ("support_x", "support_y", "query_x", "query_y")
_ITEM_BYTES: Final = {"float32": 4, "float64": 8, "int64": 8}


def check_task(task: TaskRecorded, limit_bytes: int) -> None:
    """Check a task: it has all four arrays or none; those in the artifact store are known by their shape only.

    Args:
        task: As sent.
        limit_bytes: Largest inline array, decoded.

    Raises:
        Reject: `task_invalid`, `array_too_large`.
    """
    arrays = {name: array for name in ARRAYS if (array := getattr(task, name)) is not None}
    if not arrays:
        return
    if len(arrays) < len(ARRAYS):
        missing = ", ".join(name for name in ARRAYS if name not in arrays)
        raise Reject("task_invalid", f"a task has all four arrays or none; {missing} is missing")
    for part in ("support", "query"):
        x, y = arrays[f"{part}_x"], arrays[f"{part}_y"]
        if len(x.shape) != 2 or min(x.shape) < 1 or y.shape != x.shape[:1]:
            raise Reject("task_invalid", f"{part}_x is (n, d) and {part}_y (n,), not {x.shape} and {y.shape}")
        if x.dtype == "int64" or (y.dtype == "int64") != (task.n_classes > 0):
            raise Reject("task_invalid", f"{part}_x is float; {part}_y is int64 with classes, float without")
    if arrays["support_x"].shape[1] != arrays["query_x"].shape[1]:
        raise Reject("task_invalid", "support_x and query_x have another number of columns each")
    for name, array in arrays.items():
        values = _values(name, array, limit_bytes)
        if values is not None:
            _check_values(name, values, task.n_classes)


def _values(name: str, array: Array, limit_bytes: int) -> NDArray[Any] | None:
    """Decode an inline array; None for one in the artifact store."""
    if (array.data is None) == (array.artifact is None):
        raise Reject("task_invalid", f"{name} has either data or artifact")
    if array.data is None:
        return None
    n_bytes = math.prod(array.shape) * _ITEM_BYTES[array.dtype]
    if max(n_bytes, len(array.data) * 3 // 4 - 2) > limit_bytes:
        raise Reject("array_too_large", f"{name} is over {limit_bytes} bytes: put it into the artifact store")
    try:
        raw = b64decode(array.data, validate=True)
    except (Base64Error, ValueError):
        raise Reject("task_invalid", f"{name}.data is not Base64") from None
    if len(raw) != n_bytes:
        raise Reject("task_invalid", f"{name} has {len(raw)} bytes, {array.dtype} {array.shape} needs {n_bytes}")
    return np.frombuffer(raw, np.dtype(array.dtype).newbyteorder("<"))


def _check_values(name: str, values: NDArray[Any], n_classes: int) -> None:
    if not np.isfinite(values).all():
        raise Reject("task_invalid", f"{name} must be finite")
    if name.endswith("_y") and n_classes and not (values.min() >= 0 and values.max() < n_classes):
        raise Reject("task_invalid", f"{name} must be class indices from 0 to {n_classes - 1}")
