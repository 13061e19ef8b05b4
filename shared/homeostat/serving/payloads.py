"""From what a process has served to what it publishes: many small batches become few events."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.client.samples import labels_of, samples_of
from homeostat.events import Labels, Samples
from homeostat.inputs import Inputs
from homeostat.serving.answering import Predictor, VersionAnswer
from homeostat.serving.canary import drawn
from homeostat.serving.deployment import Role
from homeostat.serving.rows import columns, joined, named, take
from homeostat.serving.versions import Versions


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that were answered together.

    Args:
        versions: That were loaded then.
        request: n ids.
        x: n rows, as they came.
        answers: Of the versions.
        at: When, seconds since the epoch.
    """

    versions: Versions[Predictor]
    request: list[str]
    x: Any
    answers: tuple[VersionAnswer, ...]
    at: float

    def __len__(self) -> int:
        return len(self.request)

    def with_answers(self, more: Sequence[VersionAnswer]) -> "Batch":
        """Return the same with more answers."""
        return replace(self, answers=(*self.answers, *more))


@dataclass(frozen=True, slots=True)
class Labelled:
    """Truths.

    Args:
        request: n ids.
        label: n numbers.
        at: When they became known, seconds since the epoch.
    """

    request: list[str]
    label: NDArray[np.float64]
    at: float

    def __len__(self) -> int:
        return len(self.request)


@dataclass(frozen=True, slots=True)
class Layout:
    """How rows become columns.

    Args:
        features: Watched columns; see `rows.columns`. With `inputs` they are not asked for.
        capture: Share of the requests whose inputs are kept.
        numbers: Turns predictions into numbers.
        inputs: Columns that are kept, if they are not all numbers.
    """

    features: Sequence[str]
    capture: float
    numbers: Callable[[NDArray[Any]], NDArray[np.float64]]
    inputs: Inputs | None = None

    def watched_and_kept(
        self, parts: Sequence[tuple[Any, NDArray[np.intp]]]
    ) -> tuple[Mapping[str, NDArray[np.floating[Any]]], NDArray[np.floating[Any]]]:
        """Return the watched columns of some rows, and their inputs, (n, width); NaN in those that cannot be kept.

        Args:
            parts: Batches of inputs, and rows of each.

        Raises:
            Reject: `inputs_invalid`.
        """
        if self.inputs is not None:
            names = self.inputs.names
            matrix = np.concatenate([self.inputs.encode(named(take(x, rows), names)) for x, rows in parts])
            return self.inputs.features(matrix), matrix
        table = joined([_rows(columns(x, self.features), rows) for x, rows in parts])
        return table, np.column_stack(list(table.values())) if table else np.empty((0, 0))


def payloads(batches: Sequence[Batch | Labelled], layout: Layout) -> Iterator[Iterator[Samples | Labels]]:
    """Lay batches out as payloads: the answers of one version and role together, then the labels.

    Args:
        batches: In the order in which they came.
        layout: Of the rows.

    Returns:
        For each version and role, and for the labels, its payloads. Each by itself may raise `Reject` as it is read:
        `inputs_invalid`, `label_unknown`, or as `samples_of` does.
    """
    found: dict[tuple[str, Role], list[tuple[Batch, VersionAnswer]]] = {}
    for batch in batches:
        if isinstance(batch, Batch):
            for answer in batch.answers:
                found.setdefault((answer.version, answer.role), []).append((batch, answer))
    for (version, role), parts in found.items():
        yield _samples(version, role, parts, layout)
    labels = [batch for batch in batches if isinstance(batch, Labelled)]
    if labels:
        request = [id_ for batch in labels for id_ in batch.request]
        at = np.concatenate([np.full(len(batch), batch.at) for batch in labels])
        yield labels_of(request, label=np.concatenate([batch.label for batch in labels]), time=at)


def _samples(
    version: str, role: Role, parts: Sequence[tuple[Batch, VersionAnswer]], layout: Layout
) -> Iterator[Samples]:
    request = [batch.request[row] for batch, answer in parts for row in answer.rows]
    table: Mapping[str, NDArray[np.floating[Any]]] = {}
    captured: list[int] | None = None
    inputs: NDArray[np.floating[Any]] | None = None
    if role == "champion":  # the inputs of a request are the same for all
        table, matrix = layout.watched_and_kept([(batch.x, answer.rows) for batch, answer in parts])
        if matrix.size:
            kept = np.flatnonzero(drawn("capture", request, layout.capture) & np.isfinite(matrix).all(axis=1))
            if len(kept):
                captured, inputs = kept.tolist(), matrix[kept]
    yield from samples_of(
        version,
        role,
        request,
        time=np.concatenate([np.full(len(answer.rows), batch.at) for batch, answer in parts]),
        prediction=np.concatenate([layout.numbers(answer.prediction) for _, answer in parts]),
        score=np.concatenate([answer.score for _, answer in parts]),
        latency_seconds=np.concatenate([np.full(len(answer.rows), answer.seconds) for _, answer in parts]),
        features=table,
        captured=captured,
        inputs=inputs,
    )


def _rows(table: Mapping[str, NDArray[np.float64]], rows: NDArray[np.intp]) -> dict[str, NDArray[np.float64]]:
    return {name: column[rows] for name, column in table.items()}
