"""Facts of the telemetry door and the timeline: what production shows."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from homeostat.events.base import Data, Digest, Name, Subject, Text, Tier, Value
from homeostat.events.bounds import Amount, Count, Delay, Duration, Moment, Number, Scalar, Single, Size
from homeostat.events.columns import F4, Labels, Role, Samples, pack

Layer = Literal[
    "edge", "network", "service", "application", "data", "iaas", "kubernetes", "serverless", "ci_cd", "observability"
]

Detector = Literal[
    "martingale", "page_hinkley_of_means", "betting", "adwin", "page_hinkley", "kswin", "hddm_a", "hddm_w"
]
Watched = Literal["prediction", "score", "latency_seconds", "label"]


class FeatureContract(Value):
    """What a monitored feature may be.

    Args:
        name: Name in `SamplesObserved.features`.
        low: Least allowed value, or None.
        high: Greatest allowed value, or None.
        required: Whether a row without it is refused; otherwise it counts as missing.
    """

    name: Name
    low: Number | None = None
    high: Number | None = None
    required: bool = False


class DetectorWishes(Value):
    """What the drift detector shall be like for one model; None leaves it to the detector's settings.

    What changes them begins the detector's memory of the champion anew.

    Args:
        members: Detectors that are switched on.
        columns: What is watched beside the features. Prediction and score of a model that learns while it serves move
            by themselves: leave them out there.
        run_length: Rows between two false alarms of martingale and betting, on average at least.
        guilty_rate: False discovery rate among the features that such an alarm names.
        psi_thresholds: Population stability index that is told as exceeded, by name of a feature or column.
        slices: Features by whose values errors are told apart.
        is_seasonal: What the time of day does to the columns is learned and taken off.
    """

    members: tuple[Detector, ...] | None = Field(default=None, max_length=8)
    columns: tuple[Watched, ...] | None = Field(default=None, max_length=4)
    run_length: float | None = Field(default=None, ge=1e3, le=1e30)
    guilty_rate: float | None = Field(default=None, ge=1e-6, le=0.5)
    psi_thresholds: dict[Name, Size] | None = Field(default=None, max_length=1000)
    slices: tuple[Name, ...] | None = Field(default=None, max_length=8)
    is_seasonal: bool | None = None


class ModelRegistered(Data):
    """A model is known to the system; samples are admitted from here on.

    Args:
        family: Models that learn from each other.
        kind: What `prediction` is.
        classes: Names of the classes, for people.
        features: Contract of the monitored features; others are refused.
        input_width: Length of a captured model input, 0 for none.
        champion: Version that serves now.
        artifact: Its weights, if they are in the artifact store.
        owner: Who answers for it.
        tier: Risk of changing it automatically.
        personal_features: Names that must never enter; refused, or dropped.
        on_personal: What to do with a sample that carries one.
        hourly_value: Worth of one point of accuracy for an hour, for the reward.
        detector: What its drift detector shall be like, where that is not what the detector's settings say.
        model: `scope/model`; set by intake, because copies lie under other keys.
    """

    TYPE: ClassVar[str] = "homeostat.model.registered.v1"
    family: Name
    kind: Literal["classifier", "regressor"] = "classifier"
    classes: tuple[str, ...] = ()
    features: tuple[FeatureContract, ...] = ()
    input_width: Count = 0
    champion: Name
    artifact: Digest | None = None
    owner: Text = ""
    tier: Tier = "low"
    personal_features: tuple[str, ...] = ()
    on_personal: Literal["refuse", "redact"] = "refuse"
    hourly_value: Amount = 0.0
    detector: DetectorWishes | None = None
    model: Subject | None = None


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
        )


class LabelsObserved(Data):
    """JSON form of `Labels` at the door: truths that came late.

    Args:
        request: Ids of the requests, n >= 1.
        label: n.
        time: When each became known, seconds since the epoch, n.
    """

    TYPE: ClassVar[str] = Labels.TYPE
    request: list[str] = Field(min_length=1)
    label: list[Number]
    time: list[Moment]

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if not len(self.request) == len(self.label) == len(self.time):
            raise ValueError(f"{len(self.request)} requests, {len(self.label)} labels, {len(self.time)} times")
        return self

    def columns(self) -> Labels:
        """Lay the rows out as the hot payload."""
        return Labels(request=self.request, label=pack(self.label), time=pack(self.time))


class DeploymentObserved(Data):
    """Somebody, not Homeostat, changed what serves.

    Args:
        version: The new champion.
        artifact: Its weights, if they are in the artifact store.
        reason: For people.
        model: `scope/model`; set by intake, because copies lie under other keys.
    """

    TYPE: ClassVar[str] = "homeostat.deployment.observed.v1"
    version: Name
    artifact: Digest | None = None
    reason: Text = ""
    model: Subject | None = None


class SliObserved(Data):
    """A service level indicator of the model's service.

    Args:
        name: For example `latency_seconds`, `revenue`, `cost`.
        layer: What it speaks of.
        value: Its value over the window.
        window_seconds: Length of the window.
    """

    TYPE: ClassVar[str] = "homeostat.sli.observed.v1"
    name: Name
    layer: Literal["latency", "business", "cost", "availability"]
    value: Number
    window_seconds: Duration


class SignalObserved(Data):
    """A signal of any of the ten telemetry layers.

    Args:
        layer: Where it was measured.
        name: Name of the signal.
        value: Its value.
        unit: Of the value, UCUM or empty.
        attributes: Anything that names the place; no personal data.
    """

    TYPE: ClassVar[str] = "homeostat.signal.observed.v1"
    layer: Layer
    name: Name
    value: Number
    unit: str = ""
    attributes: dict[Name, Scalar] = Field(default_factory=dict)


__all__ = [
    "DeploymentObserved",
    "Detector",
    "DetectorWishes",
    "FeatureContract",
    "LabelsObserved",
    "Layer",
    "ModelRegistered",
    "SamplesObserved",
    "SignalObserved",
    "SliObserved",
    "Subject",
    "Watched",
]
