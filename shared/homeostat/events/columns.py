"""The hot payloads: columns, decoded by msgspec, arrays as raw little-endian bytes."""

from typing import ClassVar, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from homeostat.events.base import Provenance

Role = Literal["champion", "canary", "shadow"]
F4 = np.dtype("<f4")
F8 = np.dtype("<f8")
Floats = NDArray[np.float64]
FEW = 4
"""Rows up to which plain floats are faster than numpy, whose every call costs as much as ten of them."""


class Samples(msgspec.Struct, frozen=True, omit_defaults=True):
    """n >= 1 rows that one version of one model served.

    Args:
        version: Version that answered.
        role: What the version was at that time.
        request: Ids of the requests, n.
        time: Event times in seconds since the epoch, n float64.
        features: Names of the monitored features, d.
        values: d x n float32, one feature after the other; NaN is missing.
        prediction: n float64; a class index or a value.
        score: n float64; confidence in the prediction, or NaN.
        label: n float64 or empty; NaN where not known yet.
        latency_seconds: n float64 or empty.
        captured: Rows whose model input is kept, for training and diagnosis.
        inputs: len(captured) x width float32, row by row.
        is_synthetic: The rows are injected, or changed on purpose: nothing learns from them unless asked.
        contract: Number of the contract that the rows were written for; 0 for any.
    """

    TYPE: ClassVar[str] = "homeostat.samples.observed.v1"
    version: str
    role: Role
    request: list[str]
    time: bytes
    features: list[str]
    values: bytes
    prediction: bytes
    score: bytes
    label: bytes = b""
    latency_seconds: bytes = b""
    captured: list[int] = []
    inputs: bytes = b""
    is_synthetic: bool = False
    contract: int = 0
    provenance: Provenance | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.request)

    def matrix(self) -> NDArray[np.float32]:
        """Features as a (d, n) view; read only."""
        return np.frombuffer(self.values, F4).reshape(len(self.features), len(self.request))

    def champion_rows(self) -> tuple[Floats, Floats]:
        """What the champion answered and what was true, (n,) each, as far as its errors may be learned from.

        NaN where that is not known; everywhere if another version answered, or if the rows are synthetic.
        """
        if self.role != "champion" or self.is_synthetic or not self.label:
            return _unknown(self.n_rows), _unknown(self.n_rows)
        return f8(self.prediction), f8(self.label)

    def captured_inputs(self) -> NDArray[np.float32]:
        """Model inputs of the captured rows as a (len(captured), width) view; read only."""
        return np.frombuffer(self.inputs, F4).reshape(len(self.captured), -1) if self.captured else np.empty((0, 0), F4)


class Answer(msgspec.Struct, frozen=True):
    """What one version said to the requests of a `Labels`.

    Args:
        version: The version.
        role: What it was when it answered.
        prediction: n float64; NaN where it did not answer that request.
        score: n float64.
    """

    version: str
    role: Role
    prediction: bytes
    score: bytes


class Labels(msgspec.Struct, frozen=True, omit_defaults=True):
    """Truth that came late, joined by intake to every version that answered.

    Args:
        request: Ids of the requests, n.
        label: n float64.
        time: When the label became known, seconds since the epoch, n float64.
        answers: One per version, by role and version. At the door empty, or what the labels are about, so that nothing
            has to be remembered for them.
        lag_seconds: n float64: label time minus the champion's prediction time; NaN or empty where nobody knows.
    """

    TYPE: ClassVar[str] = "homeostat.labels.observed.v1"
    request: list[str]
    label: bytes
    time: bytes
    answers: list[Answer] = []
    lag_seconds: bytes = b""
    provenance: Provenance | None = None

    @property
    def n_rows(self) -> int:
        """Number of labels."""
        return len(self.request)

    def champion_rows(self) -> tuple[Floats, Floats]:
        """What the champions of the time answered and what was true, (n,) each; NaN where that is not known."""
        answered = _unknown(self.n_rows)
        for answer in self.answers:
            if answer.role == "champion":
                answered = np.where(np.isnan(answered), f8(answer.prediction), answered)
        return answered, f8(self.label)


def f8(column: bytes) -> Floats:
    """View a float64 column; read only."""
    return np.frombuffer(column, F8)


def _unknown(n: int) -> Floats:
    return np.full(n, np.nan)


def pack(values: object, dtype: np.dtype[np.floating] = F8) -> bytes:
    """Lay a sequence of numbers out as a column; None becomes NaN."""
    if isinstance(values, list) and None in values:
        values = [np.nan if v is None else v for v in values]
    return np.ascontiguousarray(values, dtype=dtype).tobytes()
