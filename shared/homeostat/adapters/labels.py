"""Labels that lie in a warehouse: rows of a query, or of a CSV export."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

import numpy as np

from homeostat.adapters.cells import is_empty, moments, numbers
from homeostat.adapters.errors import UnreadablePayload
from homeostat.adapters.event import AdaptedEvent
from homeostat.adapters.target import Target
from homeostat.client.samples import labels_of
from homeostat.client.values import ids

COLUMNS: Final = ("request", "label", "time")
"""Names that a result must have, in any order; others are left out."""

_BATCH: Final = 5000


class Cursor(Protocol):
    """What is used of a cursor of the Python Database API 2.0 (PEP 249), after `execute`."""

    @property
    def description(self) -> Any:
        """Columns of the result: the first item of each is its name."""

    def fetchmany(self, size: int, /) -> Sequence[Sequence[Any]]:
        """Return the next rows, none at the end."""


def from_cursor(cursor: Cursor, target: Target, batch: int = _BATCH) -> Iterator[AdaptedEvent]:
    """Read the result of a query that was executed, batch by batch.

    Rows without a label are left out: nobody knows it yet.

    Args:
        cursor: Its columns are named `request`, `label`, `time` (`SELECT order_id AS request, …`). Read to its end.
        target: Model that the labels are about.
        batch: Rows of one event, 1 to 10,000.

    Raises:
        UnreadablePayload: A column is missing, or a cell cannot be read.
    """
    names = [str(column[0]).lower() for column in cursor.description or ()]
    at: dict[str, int] = {name: names.index(name) for name in COLUMNS if name in names}
    _check(at)
    first = 1
    while rows := cursor.fetchmany(batch):
        yield from _events([[row[at[name]] for row in rows] for name in COLUMNS], first, target)
        first += len(rows)


def table(payload: bytes, target: Target) -> list[AdaptedEvent]:
    """Read a CSV export with the columns `request`, `label` and `time`.

    Args:
        payload: UTF-8, with a header.
        target: Model that the labels are about.

    Raises:
        UnreadablePayload: A column is missing, or a cell cannot be read.
    """
    try:
        reader = csv.DictReader(io.StringIO(payload.decode("utf-8-sig"), newline=""))
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadablePayload("payload", f"is no CSV in UTF-8: {error}") from None
    _check({name: 0 for name in COLUMNS if name in (reader.fieldnames or ())})
    parts = (rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH))
    return [
        event
        for number, part in enumerate(parts)
        for event in _events([[row[name] for row in part] for name in COLUMNS], number * _BATCH + 1, target)
    ]


def _check(found: dict[str, int]) -> None:
    for name in COLUMNS:
        if name not in found:
            raise UnreadablePayload(name, f"is no column of the result; it needs {', '.join(COLUMNS)}")


def _events(columns: list[list[Any]], first: int, target: Target) -> Iterator[AdaptedEvent]:
    request, label, time = columns
    truths, wrong = numbers(label, target.classes)
    times, late = moments(time)
    known = np.flatnonzero(~np.isnan(truths)).tolist()
    for name, faults in (("label", wrong), ("time", {row: why for row, why in late.items() if row in known})):
        for row in sorted(faults):
            raise UnreadablePayload(f"{name}, row {first + row}", faults[row])
    for row in known:
        if is_empty(request[row]) or np.isnan(times[row]):
            raise UnreadablePayload(f"row {first + row}", "needs a request and a time with its label")
    if not known:
        return
    named = ids([request[row] if isinstance(request[row], str | int) else str(request[row]) for row in known])
    for labels in labels_of(named, label=truths[known], time=times[known]):
        yield AdaptedEvent(round(1000 * float(times[known].max())), target.subject, labels)
