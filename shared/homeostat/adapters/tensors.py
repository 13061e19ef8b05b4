"""Inputs and answers of a model, as the protocols of inference servers write them, row by row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from homeostat.adapters.cells import numbers
from homeostat.adapters.errors import UnreadablePayload
from homeostat.adapters.naming import as_name
from homeostat.adapters.node import Node
from homeostat.events.columns import Floats

_PLANE: Final = 2
"""Dimensions of rows and columns."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What n requests asked.

    Args:
        names: d.
        values: (n, d).
    """

    names: list[str] = field(default_factory=list)
    values: Floats = field(default_factory=lambda: np.empty((0, 0)))


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered.

    Args:
        prediction: (n,): values, or the index of the likeliest class.
        score: (n,): its probability; None where no probabilities were answered.
        version: That answered, if the answer says so.
    """

    prediction: Floats
    score: Floats | None = None
    version: str = ""


def inputs_of(request: Node) -> Inputs:
    """Read a request: `instances` (V1, TensorFlow), `inputs` (V2, Open Inference Protocol) or `data` (Seldon).

    Raises:
        UnreadablePayload: It is none, or its rows are not all numbers.
    """
    if (tensors := request.maybe("inputs")) is not None and isinstance(tensors.value, list):
        return _of_columns({tensor["name"].text(): _tensor(tensor) for tensor in tensors.items()}, tensors)
    instances = request.maybe("instances")
    if instances is not None:
        rows = instances.items()
        if rows and all(isinstance(row.value, dict) for row in rows):
            names = list(rows[0].value)
            table = np.array([[row[name].finite() for name in names] for row in rows]).reshape(len(rows), len(names))
            return Inputs([as_name(name) for name in names], table)
        return _of_columns({"": _array(instances)}, instances)
    data = request["data"]
    names = [name.text() for name in data["names"].items()] if data.maybe("names") is not None else []
    return _of_columns({"": _seldon(data)}, data, names)


def answers_of(response: Node, classes: Sequence[str] = ()) -> Answers:
    """Read a response: `predictions` (V1), `outputs` (V2; the first one counts) or `data` (Seldon).

    Several numbers for a row are probabilities of classes: the likeliest is the prediction.

    Args:
        response: The document.
        classes: Names that stand for their index.

    Raises:
        UnreadablePayload: It is none.
    """
    if (outputs := response.maybe("outputs")) is not None and isinstance(outputs.value, list) and outputs.items():
        version = response.maybe("model_version")
        answers = _answers(_tensor(outputs.items()[0], classes), outputs)
        return Answers(answers.prediction, answers.score, "" if version is None else str(version.value))
    predictions = response.maybe("predictions")
    if predictions is not None:
        return _answers(_array(predictions, classes), predictions)
    return _answers(_seldon(response["data"], classes), response["data"])


def _answers(found: Floats, where: Node) -> Answers:
    if found.ndim == 1 or (found.ndim == _PLANE and found.shape[1] == 1):
        return Answers(found.reshape(-1))
    if found.ndim != _PLANE or found.shape[1] == 0:
        raise UnreadablePayload(
            where.path, f"has the shape {found.shape}; rows of numbers or of probabilities are read"
        )
    return Answers(found.argmax(axis=1).astype(np.float64), found.max(axis=1))


def _of_columns(columns: dict[str, Floats], where: Node, names: Sequence[str] = ()) -> Inputs:
    """Lay tensors of n rows side by side; one with several columns has its own name with a number behind."""
    sizes = {len(column) for column in columns.values() if column.ndim}
    if len(sizes) != 1:
        raise UnreadablePayload(where.path, f"has {sorted(sizes)} rows: each input should have one row per request")
    (n,) = sizes
    found: list[str] = []
    for name, column in columns.items():
        width = int(np.prod(column.shape[1:], dtype=np.int64))
        is_named = width == 1 and bool(name)
        found += [as_name(name)] if is_named else [f"{as_name(name) or 'x'}{index}" for index in range(width)]
    values = np.hstack([column.reshape(n, -1) for column in columns.values()])
    return Inputs([as_name(name) for name in names] if len(names) == len(found) else found, values)


def _tensor(tensor: Node, classes: Sequence[str] = ()) -> Floats:
    shape = [int(size.finite()) for size in tensor["shape"].items()]
    flat = _array(tensor["data"], classes).reshape(-1)
    if int(np.prod(shape, dtype=np.int64)) != len(flat):
        raise UnreadablePayload(tensor.path, f"has {len(flat)} elements for the shape {shape}")
    return flat.reshape(shape)


def _seldon(data: Node, classes: Sequence[str] = ()) -> Floats:
    tensor = data.maybe("tensor")
    if tensor is None:
        return _array(data["ndarray"], classes)
    shape = [int(size.finite()) for size in tensor["shape"].items()]
    flat = _array(tensor["values"])
    if int(np.prod(shape, dtype=np.int64)) != len(flat):
        raise UnreadablePayload(tensor.path, f"has {len(flat)} elements for the shape {shape}")
    return flat.reshape(shape)


def _array(found: Node, classes: Sequence[str] = ()) -> Floats:
    """Read nested lists of numbers, or of names of classes."""
    found.items()
    try:
        array: Any = np.array(found.value)
    except ValueError:
        raise UnreadablePayload(found.path, "has rows of different lengths") from None
    if array.dtype.kind in "biuf":
        return np.asarray(array, np.float64)
    read, faults = numbers(array.reshape(-1), classes)
    if faults:
        raise UnreadablePayload(found.path, f"element {min(faults)}: {faults[min(faults)]}")
    return read.reshape(array.shape)
