"""From what a process has served to what it publishes: many small batches become few events."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.client.samples import labels_of, samples_of
from homeostat.events import Labels, Samples
from homeostat.serving.answering import Predictor, VersionAnswer
from homeostat.serving.canary import drawn
from homeostat.serving.deployment import Role
from homeostat.serving.rows import columns, joined
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


def payloads(
    batches: Sequence[Batch | Labelled],
    features: Sequence[str],
    capture: float,
    numbers: Callable[[NDArray[Any]], NDArray[np.float64]],
) -> Iterator[Iterator[Samples | Labels]]:
    """Lay batches out as payloads: the answers of one version and role together, then the labels.

    Args:
        batches: In the order in which they came.
        features: Watched columns; see `rows.columns`.
        capture: Share of the requests whose inputs are kept.
        numbers: Turns predictions into numbers.

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
        yield _samples(version, role, parts, features, capture, numbers)
    labels = [batch for batch in batches if isinstance(batch, Labelled)]
    if labels:
        request = [id_ for batch in labels for id_ in batch.request]
        at = np.concatenate([np.full(len(batch), batch.at) for batch in labels])
        yield labels_of(request, label=np.concatenate([batch.label for batch in labels]), time=at)


def _samples(
    version: str,
    role: Role,
    parts: Sequence[tuple[Batch, VersionAnswer]],
    features: Sequence[str],
    capture: float,
    numbers: Callable[[NDArray[Any]], NDArray[np.float64]],
) -> Iterator[Samples]:
    request = [batch.request[row] for batch, answer in parts for row in answer.rows]
    table: dict[str, NDArray[np.float64]] = {}
    captured: list[int] | None = None
    inputs: NDArray[np.float64] | None = None
    if role == "champion":  # the inputs of a request are the same for all
        table = joined([_rows(columns(batch.x, features), answer.rows) for batch, answer in parts])
        matrix = np.column_stack(list(table.values())) if table else np.empty((len(request), 0))
        kept = np.flatnonzero(drawn("capture", request, capture) & np.isfinite(matrix).all(axis=1))
        if len(kept) and table:
            captured, inputs = kept.tolist(), matrix[kept]
    yield from samples_of(
        version,
        role,
        request,
        time=np.concatenate([np.full(len(answer.rows), batch.at) for batch, answer in parts]),
        prediction=np.concatenate([numbers(answer.prediction) for _, answer in parts]),
        score=np.concatenate([answer.score for _, answer in parts]),
        latency_seconds=np.concatenate([np.full(len(answer.rows), answer.seconds) for _, answer in parts]),
        features=table,
        captured=captured,
        inputs=inputs,
    )


def _rows(table: Mapping[str, NDArray[np.float64]], rows: NDArray[np.intp]) -> dict[str, NDArray[np.float64]]:
    return {name: column[rows] for name, column in table.items()}
