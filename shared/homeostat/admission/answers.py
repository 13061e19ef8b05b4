"""Whether what a version answered, and what was true, can be of the model: known classes, scores in their range."""

from functools import lru_cache
from typing import Final

import numpy as np

from homeostat.core import Reject
from homeostat.events import Labels, ModelRegistered, Samples
from homeostat.events.columns import FEW, f8

_ROUNDING: Final = 1e-6
"""By which a sum of float32 probabilities may miss its range."""

_FEW: Final = 128
"""Rows up to which a set of Python's is faster."""


def check_answers(samples: Samples, contract: ModelRegistered) -> None:
    """Check predictions, inline labels and scores; NaN is a missing one.

    Raises:
        Reject: `class_unknown`, `out_of_range`.
    """
    if contract.classes and contract.kind == "classifier":
        check_classes("prediction", samples.prediction, contract)
        if samples.label:
            check_classes("label", samples.label, contract)
    check_scores(samples.score, contract)


def check_label_answers(labels: Labels, contract: ModelRegistered) -> None:
    """Check late labels, and the answers that they bring.

    Raises:
        Reject: `class_unknown`, `out_of_range`.
    """
    is_classed = bool(contract.classes) and contract.kind == "classifier"
    if is_classed:
        check_classes("label", labels.label, contract)
    for answer in labels.answers:
        if is_classed:
            check_classes(f"prediction of {answer.version}", answer.prediction, contract)
        check_scores(answer.score, contract)


def check_classes(name: str, column: bytes, contract: ModelRegistered) -> None:
    """Take indices of the registered classes, and NaN.

    Args:
        name: Of the column.
        column: float64, little endian.
        contract: Of the model: its classes.

    Raises:
        Reject: `class_unknown`.
    """
    n = len(contract.classes)
    values = f8(column)
    if len(values) <= _FEW and set(values.tolist()) <= _indices(n):  # faster than numpy; a NaN is equal to nothing
        return
    is_index = (values >= 0) & (values < n) & (values == np.floor(values))
    if np.count_nonzero(is_index) == len(values):
        return
    unknown = np.flatnonzero(~is_index & ~np.isnan(values))
    if len(unknown):
        raise Reject(
            "class_unknown",
            f"{name}, row {unknown[0]}: {values[unknown[0]]:g} is no index of the {n} classes that are registered; "
            f"{len(unknown)} values are none",
        )


@lru_cache(maxsize=256)
def _indices(n: int) -> frozenset[float]:
    return frozenset(map(float, range(n)))


def check_scores(column: bytes, contract: ModelRegistered) -> None:
    """Take scores in the contract's range, in [0, 1] of a classifier where it says nothing, and NaN.

    Raises:
        Reject: `out_of_range`.
    """
    low, high = contract.score_low, contract.score_high
    if contract.kind == "classifier":
        low, high = -_ROUNDING if low is None else low, 1.0 + _ROUNDING if high is None else high
    low, high = -np.inf if low is None else low, np.inf if high is None else high
    score = f8(column)
    if len(score) <= FEW and not any(x < low or x > high for x in score.tolist()):
        return
    if np.fmin.reduce(score) < low or np.fmax.reduce(score) > high:
        rows = np.flatnonzero((score < low) | (score > high))
        raise Reject(
            "out_of_range",
            f"score, row {rows[0]}: {score[rows[0]]:.9g} is not in [{low:.6g}, {high:.6g}]; {len(rows)} are not. "
            "A score that is no probability has score_low and score_high in its registration",
        )
