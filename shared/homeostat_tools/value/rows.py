"""The recorded rows of one model: what it was given, what it answered, what was true, and when that became known."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.error import ErrorScale, Unit, error_of

Floats = NDArray[np.float64]
Kind = Literal["classifier", "regressor"]

LEAST_LABELLED: Final = 300
"""Labelled rows below which no policy is played: the first window alone takes most of them."""


@dataclass(slots=True, eq=False)
class ModelRows:
    """Rows of one model in the order in which they were served.

    Args:
        model: `scope/model`.
        kind: What the answers are.
        time: (n,) seconds since the epoch, rising.
        x: (n, d) float32, what a training would see; NaN is missing; d = 0: it was not recorded.
        features: d names.
        prediction: (n,) recorded answers; NaN where there is none.
        label: (n,) truths; NaN where not known.
        label_time: (n,) seconds at which the label became known, >= time; inf where it never did.
        place: (n,) where each row lies, for whoever follows a number back.
        version: (n,) version that answered; empty where all are of one.
    """

    model: str
    kind: Kind
    time: Floats
    x: NDArray[np.float32]
    features: Sequence[str]
    prediction: Floats
    label: Floats
    label_time: Floats
    place: Sequence[str]
    version: Sequence[str] = ()
    unit: Unit = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.kind == "regressor":
            scale = ErrorScale()
            scale.update(self.prediction, self.label)
            self.unit = scale.value or float("nan")

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.time)

    @property
    def is_labelled(self) -> NDArray[np.bool_]:
        """(n,) rows with a truth."""
        return np.isfinite(self.label)

    def errors(self, prediction: Floats) -> Floats:
        """Return the error of answers to all rows, (n,) in [0, 1]; NaN without answer or truth."""
        return error_of(prediction, self.label, self.unit)

    def known_at(self, seconds: float) -> NDArray[np.intp]:
        """Return the rows whose label was known at a time, in the order of the rows."""
        return np.flatnonzero(self.is_labelled & (self.label_time <= seconds))

    def first_row_after(self, seconds: float) -> int:
        """Return the first row served after a time; n if there is none."""
        return int(np.searchsorted(self.time, seconds, side="right"))

    @property
    def versions(self) -> list[str]:
        """Versions that answered, in the order in which they first did."""
        return list(dict.fromkeys(self.version))


def unplayable(rows: ModelRows) -> str:
    """Say why no other policy can be played on rows; empty if it can."""
    n_labelled = int(rows.is_labelled.sum())
    if not n_labelled:
        return "no row has a label: no error is known, so nothing that was done or left undone can be valued"
    if n_labelled < LEAST_LABELLED:
        return f"{n_labelled} rows have a label, {LEAST_LABELLED} are needed"
    if not rows.x.shape[1]:
        return "no inputs were recorded (neither captured inputs nor features): nothing can be trained on them"
    if not np.isfinite(rows.prediction).any():
        return "no answers of the model were recorded: there is nothing to compare with"
    if rows.kind == "regressor" and not np.isfinite(float(rows.unit or 0.0)):
        return "the recorded answers are nearly always right: their errors have no scale"
    return ""
