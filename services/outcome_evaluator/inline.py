"""Labels that come inside samples: the answers of the versions to one request, each in its own event."""

from dataclasses import dataclass, field
from math import nan

import numpy as np
from numpy.typing import NDArray

from homeostat.events import Samples
from homeostat.events.columns import f8
from homeostat.services.outcome_evaluator.memory import forget

Floats = NDArray[np.float64]


@dataclass(slots=True)
class Row:
    """A request while an action is measured.

    Args:
        label: Truth, NaN while it is not known.
        predictions: By version.
    """

    label: float = nan
    predictions: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compared:
    """What an event makes comparable: m rows with label and reference.

    Args:
        request: m ids.
        label: (m,).
        predictions: By version, (m,); NaN for what was compared before or was not said.
    """

    request: list[str]
    label: Floats
    predictions: dict[str, Floats]


def join(rows: dict[str, Row], samples: Samples, reference: str, limit: int) -> Compared | None:
    """Keep what one version said; return what can be compared from now on, each version once per request.

    Args:
        rows: By request, the oldest first; changed in place, `limit` are kept, or as many as an event has.
        samples: With or without labels.
        reference: Version that the others are compared with.
        limit: >= 1.
    """
    n_before = len(rows)
    found: list[tuple[str, Row, list[str]]] = []
    for request, prediction, label in zip(
        samples.request, f8(samples.prediction).tolist(), _labels(samples), strict=True
    ):
        row = rows.setdefault(request, Row())
        is_first = samples.version not in row.predictions
        is_opened = (row.label != row.label and label == label) or (is_first and samples.version == reference)
        if row.label != row.label:
            row.label = label
        if is_first:
            row.predictions[samples.version] = prediction
        fresh = list(row.predictions) if is_opened else [samples.version] * is_first
        if row.label == row.label and reference in row.predictions and any(name != reference for name in fresh):
            found.append((request, row, fresh))
    forget(rows, limit, n_before, samples.n_rows)
    if not found:
        return None
    versions = dict.fromkeys([reference, *(name for *_, fresh in found for name in fresh)])
    predictions = {
        name: np.array([row.predictions[name] if name in (reference, *fresh) else nan for _, row, fresh in found])
        for name in versions
    }
    truth = np.array([row.label for _, row, _ in found])
    return Compared([request for request, *_ in found], truth, predictions)


def _labels(samples: Samples) -> list[float]:
    return f8(samples.label).tolist() if samples.label else [nan] * samples.n_rows
