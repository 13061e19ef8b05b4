"""What the drift detector says: changes, the evidence for them, and the model's description under drift."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from homeostat.events.base import Data, Name, Range, Ratio, Subject, Value

OPERATIONAL: Final = frozenset({"latency_seconds"})
"""Watched columns that say something of the machine that serves: no training changes them."""


class DriftDetected(Data):
    """A model's data or concept has moved. Opens a story.

    Args:
        model: The model.
        version: Its champion.
        kind: Whether the inputs moved or the errors rose.
        detector: Name of the detector.
        statistic: Its value.
        threshold: The limit it crossed.
        magnitude: Size in units of the signal before: standard deviations of a row, or error rate difference.
        features: Guilty ones, most guilty first.
        onset: Where the drift is thought to begin; `last` is what fired.
        is_recheck: Found by the level check, not by a change.
        error_before: Error rate of the reference, if labelled.
        error_after: Error rate since the onset, if labelled.
        log2_e: Base-2 logarithm of the e-value against "nothing has moved"; None where the detector has none.
        guarantee: What the threshold promises where nothing moves: labelled or served rows between two false alarms
            of this model on average; 0 where there is no promise.
        reference_rows: Rows that said what is normal.
        is_synthetic: The rows since the onset are marked as injected: nothing learns from it unless asked.
        is_noisy: A fifth of the rows since the onset or more say little: values missing, repeated, or noise.
    """

    TYPE: ClassVar[str] = "homeostat.drift.detected.v1"
    model: Subject
    version: Name
    kind: Literal["data", "concept"]
    detector: Name
    statistic: float
    threshold: float
    magnitude: float
    features: tuple[str, ...] = ()
    onset: Range
    is_recheck: bool = False
    error_before: Ratio | None = None
    error_after: Ratio | None = None
    log2_e: float | None = None
    guarantee: float = Field(default=0.0, ge=0.0)
    reference_rows: int = Field(default=0, ge=0)
    is_synthetic: bool = False
    is_noisy: bool = False

    @property
    def is_operational(self) -> bool:
        """Whether nothing has moved but what no training changes."""
        return self.kind == "data" and bool(self.features) and OPERATIONAL.issuperset(self.features)


class EvidenceUpdated(Data):
    """How strongly a model speaks for a change, below the guarantee of `drift.detected`.

    The last one told is an e-value: at most 1 in the mean where nothing has moved, at any time within half an epoch of
    10,000 rows; who looks for longer has one more chance of being wrong per epoch. So e-BH over the models of a family
    keeps its false discovery rate on them, per epoch. A `drift.detected` has the e-value of what it
    found, and from then on, as from a `drift.cleared`, a promotion or a deployment, the evidence begins anew against
    the rows that follow: what was told before no longer counts, and what is told then speaks of another change.

    Args:
        model: The model.
        version: Its champion.
        stream: Where most of the evidence lies.
        log2_e: Base-2 logarithm of the e-value, rounded down; below 4 it no longer speaks for a change.
        rows: Rows of that stream since its reference.
    """

    TYPE: ClassVar[str] = "homeostat.evidence.updated.v1"
    model: Subject
    version: Name
    stream: Literal["inputs", "labels", "errors"]
    log2_e: float
    rows: int = Field(ge=0)


class DriftCleared(Data):
    """The level is back where it was before the drift.

    Args:
        model: The model.
        version: Its champion.
        error: Error rate of the last window.
    """

    TYPE: ClassVar[str] = "homeostat.drift.cleared.v1"
    model: Subject
    version: Name
    error: Ratio


class ProfileUpdated(Data):
    """Meta-features of a model under drift: each time the labels since the onset double, once if none comes in time.

    Args:
        model: The model.
        version: Its champion.
        meta_features: By name, by the schema in `meta_features`.
        labels_since_onset: Labelled rows since the onset.
        window: From the onset to here.
        error_before: Error rate of the reference.
        error_after: Error rate since the onset.
        is_noisy: As in `drift.detected`, by now: nothing should be adapted to these rows.
        is_overdue: Labels of these rows do not come in time: what is known without them, once of a drift. The shift and
            the scores are as ever; what errors would say is 0. A model that never had a label is not waited for, any
            other one for twice as long as its labels usually take.
        is_last: No other profile of this drift follows: what so many labels have not mended is the new normal.
        sources: Clients whose rows are in it.
    """

    TYPE: ClassVar[str] = "homeostat.profile.updated.v1"
    model: Subject
    version: Name
    meta_features: dict[Name, float]
    labels_since_onset: int = Field(ge=0)
    window: Range | None = None
    error_before: Ratio | None = None
    error_after: Ratio | None = None
    is_noisy: bool = False
    is_overdue: bool = False
    is_last: bool = False
    sources: tuple[str, ...] = ()


class RateGrade(Value):
    """How one alarm rate has done over an incident and the calm before it.

    Args:
        rate: Stated alarm rate.
        is_hit: It has raised an alarm in the incident.
        false_alarms: Windows with an alarm in the calm.
    """

    rate: Ratio
    is_hit: bool
    false_alarms: int = Field(ge=0)


class ThresholdGraded(Data):
    """An incident is over: what each of several alarm rates would have said of it.

    All are tracked on the same values as the threshold that alerts, so they can be compared. An incident lasts from the
    onset of a drift until its level is back or another champion serves.

    Args:
        model: The model.
        signal: That is alerted on.
        calm_windows: Windows outside of incidents since the grades before.
        incident_windows: Windows since the incident was noticed.
        grades: By rate, rising.
    """

    TYPE: ClassVar[str] = "homeostat.threshold.graded.v1"
    model: Subject
    signal: Name
    calm_windows: int = Field(ge=0)
    incident_windows: int = Field(ge=0)
    grades: tuple[RateGrade, ...]
