"""Facts of the telemetry door and the timeline: what production shows."""

from typing import ClassVar, Self

import msgspec
from pydantic import Field, model_validator

from homeostat.events.base import Data, Digest, Layer, Name, SliLayer, Subject, Text
from homeostat.events.bounds import (
    Count,
    Delay,
    Duration,
    Millis,
    Moment,
    Number,
    Scalar,
    Single,
)
from homeostat.events.columns import F4, Answer, Labels, Role, Samples, pack


class SamplesObserved(Data):
    """JSON form of `Samples` at the door: n >= 1 rows that one version served, column by column.

    Args:
        version: Version that answered.
        role: What it was at that time.
        request: Ids of the requests, n.
        time: Seconds since the epoch, n.
        features: One column of n numbers per monitored feature; null is missing.
        prediction: n; a class index or a value.
        score: n confidences, or empty.
        label: n truths where known (null where not), or empty.
        latency_seconds: n, or empty.
        captured: Rows whose model input follows in `inputs`.
        inputs: One list of `input_width` numbers per captured row.
        is_synthetic: The rows are injected, or changed on purpose.
        contract: Number of the contract that the rows were written for; refused if another one holds. 0 for any.
    """

    TYPE: ClassVar[str] = Samples.TYPE
    version: Name
    role: Role = "champion"
    request: list[str] = Field(min_length=1)
    time: list[Moment]
    features: dict[Name, list[Single | None]] = Field(default_factory=dict)
    prediction: list[Number]
    score: list[Number | None] = Field(default_factory=list)
    label: list[Number | None] = Field(default_factory=list)
    latency_seconds: list[Delay | None] = Field(default_factory=list)
    captured: list[Count] = Field(default_factory=list)
    inputs: list[list[Single]] = Field(default_factory=list)
    is_synthetic: bool = False
    contract: Count = 0

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        n = len(self.request)
        for name in ("time", "prediction"):
            if len(getattr(self, name)) != n:
                raise ValueError(f"{name} has {len(getattr(self, name))} values for {n} requests")
        for name in ("score", "label", "latency_seconds"):
            if len(getattr(self, name)) not in (0, n):
                raise ValueError(f"{name} has {len(getattr(self, name))} values for {n} requests")
        for name, column in self.features.items():
            if len(column) != n:
                raise ValueError(f"feature {name} has {len(column)} values for {n} requests")
        if len(self.inputs) != len(self.captured) or len({len(row) for row in self.inputs}) > 1:
            raise ValueError("inputs needs one row of equal length for each entry of captured")
        if any(not 0 <= row < n for row in self.captured):
            raise ValueError(f"captured names a row outside 0..{n - 1}")
        return self

    def columns(self) -> Samples:
        """Lay the rows out as the hot payload."""
        n = len(self.request)
        return Samples(
            version=self.version,
            role=self.role,
            request=self.request,
            time=pack(self.time),
            features=list(self.features),
            values=b"".join(pack(column, F4) for column in self.features.values()),
            prediction=pack(self.prediction),
            score=pack(self.score or [None] * n),
            label=pack(self.label) if self.label else b"",
            latency_seconds=pack(self.latency_seconds) if self.latency_seconds else b"",
            captured=self.captured,
            inputs=b"".join(pack(row, F4) for row in self.inputs),
            is_synthetic=self.is_synthetic,
            contract=self.contract,
        )


class LabelsObserved(Data):
    """JSON form of `Labels` at the door: truths that came late.

    With `version` and `prediction` they bring the answer they are about, and nothing has to be remembered for them.

    Args:
        request: Ids of the requests, n >= 1.
        label: n.
        time: When each became known, seconds since the epoch, n.
        version: Version that answered; labels of several versions are several events.
        role: What it was at that time.
        prediction: n; what it answered.
        score: n confidences, or empty.
        predicted: When it answered, seconds since the epoch, n, or empty: the lag is counted from there.
    """

    TYPE: ClassVar[str] = Labels.TYPE
    request: list[str] = Field(min_length=1)
    label: list[Number]
    time: list[Moment]
    version: Name | None = None
    role: Role = "champion"
    prediction: list[Number] = Field(default_factory=list)
    score: list[Number | None] = Field(default_factory=list)
    predicted: list[Moment] = Field(default_factory=list)

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        n = len(self.request)
        if not n == len(self.label) == len(self.time):
            raise ValueError(f"{n} requests, {len(self.label)} labels, {len(self.time)} times")
        for name in ("prediction", "score", "predicted"):
            if len(getattr(self, name)) not in (0, n):
                raise ValueError(f"{name} has {len(getattr(self, name))} values for {n} requests")
        if (self.version is None) != (not self.prediction):
            raise ValueError("version and prediction come together, or not at all")
        if self.version is None and (self.score or self.predicted):
            raise ValueError("score and predicted come with version and prediction")
        return self

    def columns(self) -> Labels:
        """Lay the rows out as the hot payload."""
        labels = Labels(request=self.request, label=pack(self.label), time=pack(self.time))
        if self.version is None:
            return labels
        score = pack(self.score or [None] * len(self.request))
        answer = Answer(self.version, self.role, pack(self.prediction), score)
        lag = (
            pack([time - then for time, then in zip(self.time, self.predicted, strict=True)]) if self.predicted else b""
        )
        return msgspec.structs.replace(labels, answers=[answer], lag_seconds=lag)


class DeploymentObserved(Data):
    """Somebody, not Homeostat, changed what serves.

    Args:
        version: The new champion.
        artifact: Its weights, if they are in the artifact store.
        reason: For people.
        is_noticed: Nobody said so: the drift detector saw the answers. Whatever comes through the door is said.
        model: `scope/model`; set by intake, because copies lie under other keys.
        valid_until: Of a signature over it, as of every request: where deployments must be signed, it counts once,
            until then.
    """

    TYPE: ClassVar[str] = "homeostat.deployment.observed.v1"
    version: Name
    artifact: Digest | None = None
    reason: Text = ""
    is_noticed: bool = False
    model: Subject | None = None
    valid_until: Millis | None = None


class SliObserved(Data):
    """A service level indicator of the model's service.

    Args:
        name: For example `latency_seconds`, `revenue`, `cost`.
        layer: What it speaks of.
        value: Its value over the window.
        window_seconds: Length of the window.
        measured: When the window ended, ms since the epoch, of a value that is published long after.
    """

    TYPE: ClassVar[str] = "homeostat.sli.observed.v1"
    name: Name
    layer: SliLayer
    value: Number
    window_seconds: Duration
    measured: Millis | None = None


class SignalObserved(Data):
    """A signal of any of the ten telemetry layers.

    Layer, name and attributes together name a series: the values of one series are compared with each other, and with
    those of no other one.

    Args:
        layer: Where it was measured.
        name: Name of the signal.
        value: Its value.
        unit: Of the value, UCUM or empty.
        attributes: What tells this series from others of that name: a node, a zone. Their order does not matter. Not
            what is new with each value, like the id of a request; no personal data.
        measured: When it was measured, ms since the epoch, of a value that is published long after.
    """

    TYPE: ClassVar[str] = "homeostat.signal.observed.v1"
    layer: Layer
    name: Name
    value: Number
    unit: str = ""
    attributes: dict[Name, Scalar] = Field(default_factory=dict)
    measured: Millis | None = None
