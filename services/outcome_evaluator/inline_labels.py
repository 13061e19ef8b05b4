"""Labels that come inside samples: the answers of the versions to one request, each in its own event."""

from dataclasses import dataclass, field
from math import nan

import numpy as np
from numpy.typing import NDArray

from homeostat.events import Samples
from homeostat.events.columns import f8
from homeostat.services.outcome_evaluator.bounded_map import evict

Floats = NDArray[np.float64]


@dataclass(slots=True)
class AnsweredRequest:
    """A request while an action is measured.

    Args:
        label: Truth, NaN while it is not known.
        predictions: By version.
    """

    label: float = nan
    predictions: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JoinedRows:
    """What an event makes comparable: m rows with label and reference.

    Args:
        request: m ids.
        label: (m,).
        predictions: By version, (m,); NaN for what was compared before or was not said.
    """

    request: list[str]
    label: Floats
    predictions: dict[str, Floats]


@dataclass(slots=True)
class InlineLabels:
    """Answers and labels of the last requests of a model whose labels come inside samples.

    Intake joins labels that come by themselves. A label inside samples stays with the answer of one version: the
    answers of the others to the same request are other events, and only who compares versions needs them side by side.

    Args:
        is_used: A label came inside samples.
        by_request: The oldest first and evicted.
    """

    is_used: bool = False
    by_request: dict[str, AnsweredRequest] = field(default_factory=dict)

    def update(self, samples: Samples, reference: str, limit: int) -> JoinedRows | None:
        """Keep what one version said; return what can be compared from now on, each version once per request.

        Args:
            samples: With or without labels.
            reference: Version that the others are compared with.
            limit: Requests kept, >= 1, or as many as an event has.
        """
        n_before = len(self.by_request)
        found: list[tuple[str, AnsweredRequest, list[str]]] = []
        labels = f8(samples.label).tolist() if samples.label else [nan] * samples.n_rows
        for request, prediction, label in zip(samples.request, f8(samples.prediction).tolist(), labels, strict=True):
            row = self.by_request.setdefault(request, AnsweredRequest())
            is_first = samples.version not in row.predictions
            is_opened = (row.label != row.label and label == label) or (is_first and samples.version == reference)
            if row.label != row.label:
                row.label = label
            if is_first:
                row.predictions[samples.version] = prediction
            fresh = list(row.predictions) if is_opened else [samples.version] * is_first
            if row.label == row.label and reference in row.predictions and any(name != reference for name in fresh):
                found.append((request, row, fresh))
        joined = _side_by_side(found, reference) if found else None
        evict(self.by_request, limit, n_before, samples.n_rows)
        return joined

    def reset(self) -> None:
        """Forget every request; labels go on coming inside samples."""
        self.by_request = {}


def _side_by_side(found: list[tuple[str, AnsweredRequest, list[str]]], reference: str) -> JoinedRows:
    versions = dict.fromkeys([reference, *(name for *_, fresh in found for name in fresh)])
    predictions = {
        name: np.array([row.predictions[name] if name in (reference, *fresh) else nan for _, row, fresh in found])
        for name in versions
    }
    truth = np.array([row.label for _, row, _ in found])
    return JoinedRows([request for request, *_ in found], truth, predictions)
