"""What a model is registered with: its contract, and what its drift detector shall be like."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, StringConstraints

from homeostat.events.base import Data, Digest, Name, Subject, Text, Tier, Value
from homeostat.events.bounds import LEAST, Amount, Count, Duration, Number, Size

Detector = Literal[
    "martingale", "page_hinkley_of_means", "betting", "adwin", "page_hinkley", "kswin", "hddm_a", "hddm_w"
]
Watched = Literal["prediction", "score", "latency_seconds", "label"]


MOST_CONTRACTS: Final = 10**9
"""Of a model, one after the other."""

Versions = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127}\*?$")]
"""A version, or the beginning of several with a `*` behind."""


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


class DetectorOverrides(Value):
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
        is_seasonal: Whether days and weeks move the columns: then only jumps, and hours unlike all before, are shifts.
        rise: Error rate above the best level that the level check takes for a drift, in (0, 1]: small where one more
            error in a hundred rows hurts. Where labels are few, or errors frequent, chance alone moves the level
            further than that, and then what chance does counts.
    """

    members: tuple[Detector, ...] | None = Field(default=None, max_length=8)
    columns: tuple[Watched, ...] | None = Field(default=None, max_length=4)
    run_length: float | None = Field(default=None, ge=1e3, le=1e30)
    guilty_rate: float | None = Field(default=None, ge=1e-6, le=0.5)
    psi_thresholds: dict[Name, Size] | None = Field(default=None, max_length=1000)
    slices: tuple[Name, ...] | None = Field(default=None, max_length=8)
    is_seasonal: bool | None = None
    rise: float | None = Field(default=None, ge=LEAST, le=1.0)


class ModelRegistered(Data):
    """A model is known to the system; samples are admitted from here on.

    Args:
        family: Models that learn from each other.
        kind: What `prediction` is.
        classes: Names of the classes; a prediction or a label of a classifier that is none of their indices is refused.
        features: Contract of the monitored features; others are refused. Without any, intake learns their names from
            the first rows and publishes the registration with them.
        input_width: Length of a captured model input, 0 for none.
        champion: Version that serves now.
        artifact: Its weights, if they are in the artifact store.
        owner: Who answers for it.
        tier: Risk of changing it automatically.
        rollout: Hand that changes what it serves: `self` for one that is not ours, or its name. As long as signed law
            names no such hand nothing is trained or rolled out. None: whoever the law names, else ours. What the first
            registration says stays; `model.configured` changes it.
        personal_features: Names that must never enter; refused, or dropped.
        on_personal: What to do with a sample that carries one, or whose request ids hold personal data.
        hourly_value: Worth of one point of accuracy for an hour, for the reward.
        detector: What its drift detector shall be like, where that is not what the detector's settings say.
        label_window_seconds: How long answers wait for labels that come without them; 7 days if nothing is said.
        label_memory_mib: Memory for the answers that wait; beyond it a sample of the requests is kept. 640 if nothing
            is said: a day at 100 requests a second.
        versions: Versions whose samples are taken, beside the champion and what is deployed: names, or their beginnings
            with a `*` behind. None: any, and a champion that nobody announced is told.
        score_low: Least score; 0 of a classifier if nothing is said.
        score_high: Greatest score; 1 of a classifier if nothing is said.
        contract_version: Number of the contract: kind, classes, features, width, personal names, versions and scores.
            Without one intake gives 1 to the first and the next number to each change. A number stands for one content,
            and they count on by one.
        learned_rows: Rows that the names of the features were learned from; set by intake.
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
    rollout: Name | None = None
    personal_features: tuple[str, ...] = ()
    on_personal: Literal["refuse", "redact"] = "refuse"
    hourly_value: Amount = 0.0
    detector: DetectorOverrides | None = None
    label_window_seconds: Duration | None = None
    label_memory_mib: int | None = Field(default=None, ge=1, le=65_536)
    versions: tuple[Versions, ...] | None = Field(default=None, max_length=1000)
    score_low: Number | None = None
    score_high: Number | None = None
    contract_version: int | None = Field(default=None, ge=1, le=MOST_CONTRACTS)
    learned_rows: Count | None = None
    model: Subject | None = None
