"""Labels that come inside samples: the answers of the versions to one request, each in its own event."""

from dataclasses import dataclass, field
from math import nan

import numpy as np
from numpy.typing import NDArray

from homeostat.events import Samples
from homeostat.events.columns import f8

Floats = NDArray[np.float64]


@dataclass(slots=True)
class Row:
    """A request while an action is measured.

    Args:
        label: Truth, NaN while it is not known.
        predictions: By version.
        is_counted: Some candidate was compared on it.
    """

    label: float = nan
    predictions: dict[str, float] = field(default_factory=dict)
    is_counted: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """What an event makes comparable: m rows with label and reference.

    Args:
        label: (m,).
        predictions: By version, (m,); NaN for what was compared before or was not said.
        is_new: (m,) whether no candidate was compared on the row before.
    """

    label: Floats
    predictions: dict[str, Floats]
    is_new: NDArray[np.bool_]


def join(rows: dict[str, Row], samples: Samples, reference: str, limit: int) -> Compared | None:
    """Keep what one version said; return what can be compared from now on, each version once per request.

    Args:
        rows: By request, the oldest first; changed in place, at most `limit` are kept.
        samples: With or without labels.
        reference: Version that the others are compared with.
        limit: >= 1.
    """
    found: list[tuple[Row, list[str], bool]] = []
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
            found.append((row, fresh, not row.is_counted))
            row.is_counted = True
    while len(rows) > limit:
        del rows[next(iter(rows))]
    if not found:
        return None
    versions = dict.fromkeys([reference, *(name for _, fresh, _ in found for name in fresh)])
    predictions = {
        name: np.array([row.predictions[name] if name in (reference, *fresh) else nan for row, fresh, _ in found])
        for name in versions
    }
    return Compared(np.array([row.label for row, *_ in found]), predictions, np.array([new for *_, new in found]))


def _labels(samples: Samples) -> list[float]:
    return f8(samples.label).tolist() if samples.label else [nan] * samples.n_rows
