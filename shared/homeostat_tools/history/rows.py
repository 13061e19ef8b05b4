"""A table of served rows, checked: columns of one length, and what is wrong with which row."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from homeostat.adapters.cells import Column, Faults, is_empty, moments, numbers
from homeostat.adapters.errors import UnreadablePayload, quoted
from homeostat.admission.limits import REQUEST_LENGTH
from homeostat.events.bounds import LARGEST, LARGEST_SINGLE, MOST_LATENCY
from homeostat.events.columns import Floats, Role
from homeostat_tools.history.mapping import TableMapping
from homeostat_tools.history.unreadable import OnUnreadable, Unreadable

_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127}")
_SUBJECT: Final = re.compile(rf"{_NAME.pattern}/{_NAME.pattern}")
_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9_.\-]+")
_ROLES: Final = get_args(Role)


@dataclass(slots=True)
class TableRows:
    """n rows; those of `faults` are not to be used.

    Args:
        subject: n.
        version: n.
        role: n.
        request: n.
        time: (n,) seconds since the epoch.
        features: Names as they go into events.
        values: (d, n).
        numbers: (n,) each by field: prediction, score, label, label_time, latency_seconds; without those that are not
            in the table.
        faults: Field and reason by row.
    """

    subject: list[str]
    version: list[str]
    role: list[str]
    request: list[str]
    time: Floats
    features: list[str]
    values: Floats
    numbers: dict[str, Floats]
    faults: dict[int, tuple[str, str]] = field(default_factory=dict)

    @property
    def usable(self) -> NDArray[np.int64]:
        """Numbers of the rows without a fault, rising."""
        is_usable = np.ones(len(self.time), np.bool_)
        is_usable[list(self.faults)] = False
        return np.flatnonzero(is_usable)


def rows_of(table: dict[str, Column], mapping: TableMapping, path: Path) -> TableRows:
    """Read the cells of a table.

    Args:
        table: Its columns, of one length.
        mapping: Which says what.
        path: For messages, and for the ids of rows without a request.

    Raises:
        UnreadablePayload: A column that the mapping names, or needs, is not there.
    """
    names = mapping.columns
    for part in sorted(names.model_fields_set - {"features"}):
        _need(table, getattr(names, part), f"columns.{part}", path)
    _need(table, names.time, "columns.time", path)
    if mapping.subject is None and names.subject not in table:
        raise UnreadablePayload("subject", f"say whose rows they are: as scope/model, or in a column {names.subject!r}")
    faults: dict[int, tuple[str, str]] = {}
    n = len(table[names.time])
    time = _taken(names.time, moments(table[names.time], mapping.time_unit), faults)
    _refuse(faults, names.time, np.isnan(time), "is empty")
    found: dict[str, Floats] = {}
    for part in ("prediction", "score", "label", "latency_seconds"):
        if (name := getattr(names, part)) in table:
            classes = mapping.classes if part in ("prediction", "label") else ()
            found[part] = _taken(name, numbers(table[name], classes), faults)
            _refuse(faults, name, np.abs(found[part]) > LARGEST, f"is beyond ±{LARGEST:g}")
    if names.label_time in table and "label" in found:
        found["label_time"] = _taken(names.label_time, moments(table[names.label_time], mapping.time_unit), faults)
        _refuse(faults, names.label_time, found["label_time"] < time, "lies before the time of the row")
    if "prediction" in found:
        _refuse(faults, names.prediction, np.isnan(found["prediction"]), "is empty")
    if "latency_seconds" in found:
        wrong = (found["latency_seconds"] < 0.0) | (found["latency_seconds"] > MOST_LATENCY)
        _refuse(faults, names.latency_seconds, wrong, f"is not within 0 and {MOST_LATENCY:g} s")
    features, values = _features(table, mapping, faults, n, path)
    return TableRows(
        subject=_texts(table, names.subject, mapping.subject, n, faults, _SUBJECT, "is no scope/model"),
        version=_texts(table, names.version, mapping.version, n, faults, _NAME, "is no name (letters, digits, _ . -)"),
        role=_texts(table, names.role, "champion", n, faults, re.compile("|".join(_ROLES)), f"is none of {_ROLES}"),
        request=_requests(table, names.request, path, n, faults),
        time=time,
        features=features,
        values=values,
        numbers=found,
        faults=faults,
    )


def pass_on_faults(rows: TableRows, table: dict[str, Column], path: Path, on_unreadable: OnUnreadable) -> None:
    """Say what is wrong with every row that has a fault, in the order of the table.

    Args:
        rows: Read from the table.
        table: Its columns.
        path: Of it, for messages.
        on_unreadable: Called once a row.
    """
    for row in sorted(rows.faults):
        name, reason = rows.faults[row]
        content = {column: _plain(cells[row]) for column, cells in table.items()}
        on_unreadable(Unreadable(str(path), f"row {row + 1}", name, reason, content))


def _plain(cell: Any) -> Any:
    return cell if cell is None or isinstance(cell, str | int | float | bool) else str(cell)


def _need(table: dict[str, Column], name: str, what: str, path: Path) -> None:
    if name not in table:
        raise UnreadablePayload(what, f"{path.name} has no column {quoted(name)}; it has {', '.join(table)}")


def _taken(name: str, read: tuple[Floats, Faults], faults: dict[int, tuple[str, str]]) -> Floats:
    found, wrong = read
    for row, reason in wrong.items():
        faults.setdefault(int(row), (name, reason))
    return found


def _refuse(faults: dict[int, tuple[str, str]], name: str, is_wrong: NDArray[np.bool_], reason: str) -> None:
    for row in np.flatnonzero(is_wrong).tolist():
        faults.setdefault(row, (name, reason))


def _texts(
    table: dict[str, Column],
    name: str,
    default: str | None,
    n: int,
    faults: dict[int, tuple[str, str]],
    form: re.Pattern[str],
    wrong: str,
) -> list[str]:
    if name not in table or (default is not None and name == "subject"):
        return [default or ""] * n
    found = [default or "" if is_empty(cell) else str(cell).strip() for cell in table[name]]
    fits = {text: form.fullmatch(text) is not None for text in set(found)}
    for row, text in enumerate(found):
        if not fits[text]:
            faults.setdefault(row, (name, f"{quoted(text)} {wrong}"))
    return found


def _requests(table: dict[str, Column], name: str, path: Path, n: int, faults: dict[int, tuple[str, str]]) -> list[str]:
    stem = hashlib.sha256(path.name.encode()).hexdigest()[:8]
    cells = table.get(name, [None] * n)
    found = [f"{stem}-{row + 1}" if is_empty(cell) else str(cell).strip() for row, cell in enumerate(cells)]
    for row, text in enumerate(found):
        if len(text) > REQUEST_LENGTH:
            faults.setdefault(row, (name, f"is longer than {REQUEST_LENGTH} characters"))
    return found


def _features(
    table: dict[str, Column], mapping: TableMapping, faults: dict[int, tuple[str, str]], n: int, path: Path
) -> tuple[list[str], Floats]:
    """Read the features that are named, or every other column of numbers."""
    names = mapping.columns
    taken = {getattr(names, part) for part in type(names).model_fields if part != "features"}
    columns: dict[str, Floats] = {}
    for name in names.features or [name for name in table if name not in taken]:
        _need(table, name, "columns.features", path)
        found, wrong = numbers(table[name])
        if wrong and not names.features:
            continue
        columns[_name(name)] = _taken(name, (found, wrong), faults)
        _refuse(faults, name, np.abs(found) > LARGEST_SINGLE, "has no place in float32")
    return list(columns), np.array(list(columns.values())).reshape(len(columns), n)


def _name(column: str) -> str:
    """Name of a feature: a column's, without what names may not have."""
    return _NOT_IN_NAMES.sub("_", column).strip("_.-")[:128] or "feature"
