"""Served rows in a table become events in the order of time; labels come when they were known."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from homeostat.adapters.event import AdaptedEvent
from homeostat.client.samples import samples_of
from homeostat.core import Payload
from homeostat.events import Answer, Labels, ModelRegistered
from homeostat.events.columns import F8, Floats, Role
from homeostat.events.registration import FeatureContract
from homeostat_tools.history.files import read_columns
from homeostat_tools.history.mapping import TableMapping
from homeostat_tools.history.rows import TableRows, pass_on_faults, rows_of
from homeostat_tools.history.unreadable import OnUnreadable, raise_unreadable

_MOST_ROWS: Final = 1000
"""Of one event: a step stays short."""

_Index = NDArray[np.int64]


def read_table(
    path: Path, mapping: TableMapping, on_unreadable: OnUnreadable = raise_unreadable
) -> Iterator[AdaptedEvent]:
    """Read a table of served rows as events, in the order of time.

    Each model of a mapping with a `family` is registered with its first champion, ahead of its rows. Rows come as
    `Samples`, one version and role each, together with those of the same window of `mapping.window_seconds`. A label
    that was known at once lies in its row; any other comes as `Labels`, in the window of its `label_time`, after the
    rows of that window, and brings the answers that it is about. A table without predictions gives `Labels` alone.

    The same table gives the same events, with the same ids; rows appended to it change none but those of the last
    windows. The whole table is held in memory.

    Args:
        path: `.csv`, `.csv.gz`, `.tsv` or `.parquet`.
        mapping: Which column says what.
        on_unreadable: Called for every row that gives no event, before the first event comes; the default raises.

    Raises:
        UnreadablePayload: The file cannot be read, or lacks a column that the mapping names.
        OSError: There is no such file.
    """
    table = read_columns(path)
    rows = rows_of(table, mapping, path)
    pass_on_faults(rows, table, path, on_unreadable)
    now = 0
    for at, subject, data in _payloads(rows, mapping):
        now = max(now, round(at * 1000))
        yield AdaptedEvent(now, subject, data)


def _payloads(rows: TableRows, mapping: TableMapping) -> Iterator[tuple[float, str, Payload]]:
    usable, is_late = rows.usable, np.zeros(len(rows.time), np.bool_)
    known_at = rows.time
    if "label" in rows.numbers:
        has_label = ~np.isnan(rows.numbers["label"])
        told = rows.numbers.get("label_time", np.full(len(rows.time), np.nan))
        known_at = np.where(np.isnan(told), rows.time + mapping.label_delay_seconds, told)
        is_late = has_label & ((known_at > rows.time) | ("prediction" not in rows.numbers))
    registered: set[str] = set()
    served = usable if "prediction" in rows.numbers else usable[:0]
    champions = _first_champions(rows, served)
    batches = [(window, 0, part) for window, part in _parts(rows, served, rows.time, mapping, by_version=True)]
    batches += [
        (window, 1, part) for window, part in _parts(rows, usable[is_late[usable]], known_at, mapping, by_version=False)
    ]
    for _, kind, part in sorted(batches, key=lambda batch: batch[:2]):
        subject = rows.subject[part[0]]
        if mapping.family and subject not in registered and subject in champions:
            registered.add(subject)
            yield float(rows.time[part[0]]), subject, _registration(rows, mapping, champions[subject])
        if kind == 0:
            yield float(rows.time[part].max()), subject, _samples(rows, part, is_late)
        else:
            yield float(known_at[part].max()), subject, _labels(rows, part, known_at)


def _parts(
    rows: TableRows, chosen: _Index, at: Floats, mapping: TableMapping, *, by_version: bool
) -> Iterator[tuple[int, _Index]]:
    """Group rows by window and subject (and version), in the order of time."""
    groups: dict[tuple[str, ...], list[int]] = {}
    windows = np.floor(at[chosen] / mapping.window_seconds).astype(np.int64)
    order = np.lexsort((chosen, at[chosen], windows))
    ends = np.flatnonzero(np.diff(windows[order])) + 1
    for part in np.split(order, ends) if len(order) else []:
        groups.clear()
        for row in chosen[part].tolist():
            version = (rows.role[row], rows.version[row]) if by_version else ()
            groups.setdefault((rows.subject[row], *version), []).append(row)
        for key in sorted(groups):
            for start in range(0, len(groups[key]), _MOST_ROWS):
                yield int(windows[part[0]]), np.array(groups[key][start : start + _MOST_ROWS])


def _samples(rows: TableRows, part: _Index, is_late: NDArray[np.bool_]) -> Payload:
    known = None
    if "label" in rows.numbers:
        label = np.where(is_late[part], np.nan, rows.numbers["label"][part])
        known = None if np.isnan(label).all() else label
    first = int(part[0])
    (samples,) = samples_of(
        rows.version[first],
        cast(Role, rows.role[first]),
        [rows.request[row] for row in part.tolist()],
        time=rows.time[part],
        prediction=rows.numbers["prediction"][part],
        features=dict(zip(rows.features, rows.values[:, part], strict=True)),
        score=_column(rows, "score", part),
        label=known,
        latency_seconds=_column(rows, "latency_seconds", part),
    )
    return samples


def _column(rows: TableRows, name: str, part: _Index) -> Floats | None:
    return rows.numbers[name][part] if name in rows.numbers else None


def _labels(rows: TableRows, part: _Index, known_at: Floats) -> Labels:
    """Lay labels out with what each version had answered; of a request that is there twice the first label counts."""
    place: dict[str, int] = {}
    first: list[int] = []
    for row in part.tolist():
        if rows.request[row] not in place:
            place[rows.request[row]] = len(first)
            first.append(row)
    n, said, lag = len(first), dict[tuple[Role, str], Floats](), np.full(len(first), np.nan, F8)
    for row in part.tolist() if "prediction" in rows.numbers else []:
        at, role = place[rows.request[row]], cast(Role, rows.role[row])
        answer = said.setdefault((role, rows.version[row]), np.full((2, n), np.nan, F8))
        answer[0, at] = rows.numbers["prediction"][row]
        answer[1, at] = rows.numbers["score"][row] if "score" in rows.numbers else np.nan
        if role == "champion" or np.isnan(lag[at]):
            lag[at] = known_at[row] - rows.time[row]
    return Labels(
        request=list(place),
        label=rows.numbers["label"][first].tobytes(),
        time=known_at[first].tobytes(),
        answers=[
            Answer(version, role, said[role, version][0].tobytes(), said[role, version][1].tobytes())
            for role, version in sorted(said)
        ],
        lag_seconds=lag.tobytes() if said else b"",
    )


def _first_champions(rows: TableRows, served: _Index) -> dict[str, str]:
    """Version that each model's earliest champion row names, or its earliest row."""
    found: dict[str, str] = {}
    order = sorted(served.tolist(), key=lambda row: (rows.role[row] != "champion", rows.time[row], row))
    for row in order:
        found.setdefault(rows.subject[row], rows.version[row])
    return found


def _registration(rows: TableRows, mapping: TableMapping, champion: str) -> ModelRegistered:
    assert mapping.family
    return ModelRegistered(
        family=mapping.family,
        kind=mapping.kind,
        classes=mapping.classes if mapping.kind == "classifier" else (),
        features=tuple(FeatureContract(name=name) for name in rows.features),
        champion=champion,
    )
