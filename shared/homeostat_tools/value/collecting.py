"""From events to rows: what champions answered, with inputs and labels, of a live system or of files."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

from homeostat.client.logs import Logs
from homeostat.core import Payload, Reject
from homeostat.events import Labels, ModelRegistered, Samples
from homeostat.events.columns import f8
from homeostat.events.logs import TIMELINE
from homeostat_tools.cli.rendering import attributes, event_of
from homeostat_tools.history import read_folder
from homeostat_tools.value.rows import Floats, Kind, ModelRows

_MOSTLY: Final = 0.9
"""Share of the labelled rows whose input must be captured for inputs to be taken instead of features."""

_READ: Final = (Samples.TYPE, Labels.TYPE, ModelRegistered.TYPE)


class Places(Sequence[str]):
    """Where rows lie, written out when asked for.

    Args:
        records: Of each record, its place.
        record: (n,) index of the record of each row.
        request: (n,) id of each row's request.
    """

    def __init__(self, records: Sequence[str], record: NDArray[np.intp], request: Sequence[str]) -> None:
        self._records, self._record, self._request = records, record, request

    def __len__(self) -> int:
        return len(self._record)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...
    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        if isinstance(at, slice):
            return Places(self._records, self._record[at], self._request[at])
        return f"{self._records[self._record[at]]} request {self._request[at]}"


@dataclass(slots=True)
class _Collected:
    """Of one model; a list has one element per record, or per row where it says so."""

    kind: Kind = "classifier"
    names: list[str] = field(default_factory=list)
    records: list[str] = field(default_factory=list)
    version: list[str] = field(default_factory=list)
    time: list[Floats] = field(default_factory=list)
    prediction: list[Floats] = field(default_factory=list)
    matrix: list[NDArray[np.float32]] = field(default_factory=list)
    inline: list[Floats] = field(default_factory=list)
    request: list[str] = field(default_factory=list)
    row_of: dict[str, int] = field(default_factory=dict)
    inputs: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    labels: dict[int, tuple[float, float]] = field(default_factory=dict)
    n: int = 0

    def add_samples(self, data: Samples, place: str, at: float | None) -> None:
        if data.role != "champion" or data.is_synthetic:
            return
        self.names = self.names or list(data.features)
        found = dict(zip(data.features, data.matrix(), strict=True))
        missing = np.full(data.n_rows, np.nan, np.float32)
        self.matrix.append(np.array([found.get(name, missing) for name in self.names], np.float32).T)
        self.records.append(place)
        self.version.append(data.version)
        self.time.append(f8(data.time) if at is None else np.full(data.n_rows, at))
        self.prediction.append(f8(data.prediction))
        self.inline.append(f8(data.label) if data.label else np.full(data.n_rows, np.nan))
        self.request += data.request
        for row, request in enumerate(data.request):
            self.row_of.setdefault(request, self.n + row)
        for row, x in zip(data.captured, data.captured_inputs(), strict=True):
            self.inputs[self.n + row] = x
        self.n += data.n_rows

    def add_labels(self, data: Labels, at: float | None) -> None:
        for request, label, time in zip(data.request, f8(data.label), f8(data.time), strict=True):
            row = self.row_of.get(request)
            if row is not None:
                self.labels[row] = (float(label), float(time) if at is None else at)

    def rows(self, model: str) -> ModelRows:
        sizes = [len(times) for times in self.time]
        time, label = np.concatenate(self.time), np.concatenate(self.inline)
        label_time = np.where(np.isfinite(label), time, np.inf)
        for row, (value, at) in self.labels.items():
            label[row], label_time[row] = value, max(at, time[row])
        x, names, kept = self._inputs(label)
        kept = kept[np.argsort(time[kept], kind="stable")]
        record = np.repeat(np.arange(len(sizes)), sizes)
        return ModelRows(
            model,
            self.kind,
            time[kept],
            x[kept],
            names,
            np.concatenate(self.prediction)[kept],
            label[kept],
            label_time[kept],
            Places(self.records, record[kept], [self.request[row] for row in kept]),
            [self.version[at] for at in record[kept]],
        )

    def _inputs(self, label: Floats) -> tuple[NDArray[np.float32], Sequence[str], NDArray[np.intp]]:
        """Return inputs, their names, and the rows that have them: captured ones where labels have them, else features.

        Of inputs only rows that were captured are kept: a model that never saw an input cannot be asked.
        """
        labelled = np.flatnonzero(np.isfinite(label))
        widths = {len(x) for x in self.inputs.values()}
        n_captured = sum(int(row) in self.inputs for row in labelled)
        if len(widths) == 1 and len(labelled) and n_captured >= _MOSTLY * len(labelled):
            width = widths.pop()
            x = np.full((self.n, width), np.nan, np.float32)
            kept = np.array(sorted(self.inputs), np.intp)
            x[kept] = np.array([self.inputs[int(row)] for row in kept])
            return x, [f"input_{n}" for n in range(width)], kept
        return np.concatenate(self.matrix), self.names, np.arange(self.n)


Observed = tuple[str, Payload, str, float | None]
"""Subject, payload and place of an event; its time in seconds where that is to count instead of what it says."""


def rows_of_events(observed: Iterable[Observed], kind: Kind = "classifier") -> dict[str, ModelRows]:
    """Put the events of models together, in the order in which they came; return the rows by model.

    Args:
        observed: Samples, labels and registrations; others say nothing.
        kind: Of models that nobody registers.
    """
    found: dict[str, _Collected] = {}
    for subject, data, place, at in observed:
        match data:
            case Samples():
                found.setdefault(subject, _Collected(kind)).add_samples(data, place, at)
            case Labels():
                found.setdefault(subject, _Collected(kind)).add_labels(data, at)
            case ModelRegistered():
                found.setdefault(subject, _Collected(kind)).kind = data.kind
            case _:
                continue
    return {model: collected.rows(model) for model, collected in sorted(found.items()) if collected.n}


def of_logs(
    logs: Logs,
    *,
    models: Sequence[str] = (),
    since: int | None = None,
    until: int | None = None,
    progress: Callable[[int], None] = lambda n: None,
) -> Iterator[Observed]:
    """Yield what `rows_of_events` takes from the timeline of a live system.

    The broker's time counts, for rows and labels: decisions were made in it.

    Args:
        logs: Where from.
        models: `scope/model`; none: all.
        since: Broker time, ms.
        until: Broker time, ms.
        progress: Told how many records are read.
    """
    for n, record in enumerate(logs.read([TIMELINE]), 1):
        progress(n)
        about = attributes(record)
        if about.type not in _READ or (models and about.subject not in models):
            continue
        is_outside = (since is not None and record.timestamp < since) or (
            until is not None and record.timestamp > until
        )
        if is_outside and about.type != ModelRegistered.TYPE:
            continue
        try:
            data = event_of(record).data
        except Reject:
            continue
        yield about.subject, data, f"{record.topic}[{record.partition}] {record.offset}", record.timestamp / 1000.0


def of_folder(
    folder: Path, *, models: Sequence[str] = (), since: int | None = None, until: int | None = None
) -> Iterator[Observed]:
    """Yield what `rows_of_events` takes from a folder of tables; rows that cannot be read are left out.

    Args:
        folder: With `history.toml`, see `homeostat_tools.history`.
        models: `scope/model`; none: all.
        since: Time of the event, ms.
        until: Time of the event, ms.

    Raises:
        UnreadablePayload: There is no mapping or no table in it, or a file cannot be read.
    """
    for event in read_folder(folder, lambda unreadable: None):
        is_outside = (since is not None and event.time < since) or (until is not None and event.time > until)
        if not is_outside and (not models or event.subject in models):
            yield event.subject, event.data, event.id, None
