"""What there is to learn from: traces of training, drift, judgements, outcomes, weights."""

from typing import ClassVar, Literal

from pydantic import Field

from homeostat.events.base import Arm, Data, Digest, Name, Range, Ratio, Scalar, Subject, Text

Verdict = Literal["approved", "denied", "held", "expired"]
OutcomeVerdict = Literal["gain", "cost", "regression", "inconclusive"]


class FamilyRegistered(Data):
    """A family of models that learn from each other, and what may be done to them.

    Args:
        parent: Family whose prior this one starts from.
        recipe: Name of the training recipe; what it runs is in the retrain actuator's settings.
        arms: Catalogue of adaptations; `skip` is always there.
        baseline: Arm of the rule that Homeostat is compared with.
        wait_labels: Labelled rows since the onset before a retrain is proposed.
        horizon_labels: Labelled rows over which a payoff is measured.
        price_per_retrain: Declared price of one retrain, in units of the metric over the horizon.
        n_shadows: Alternatives trained and scored beside the chosen arm.
        steps: Weights of the canary, rising; after the last it is promoted.
        soak_labels: Labelled rows a step lasts at least.
    """

    TYPE: ClassVar[str] = "homeostat.family.registered.v1"
    parent: Name | None = None
    recipe: Name = "default"
    arms: tuple[Arm, ...] = Field(min_length=1)
    baseline: Name
    wait_labels: int = Field(default=80, ge=1)
    horizon_labels: int = Field(default=200, ge=10)
    price_per_retrain: float = Field(default=0.0, ge=0.0)
    n_shadows: int = Field(default=3, ge=0)
    steps: tuple[Ratio, ...] = (0.1, 0.5)
    soak_labels: int = Field(default=40, ge=1)


class EpisodeRecorded(Data):
    """A training run, from a training job: task, settings, curve, cost.

    Args:
        episode: Id of the run.
        model: What it trained, if a known model.
        meta_features: Descriptors of the task.
        hyperparameters: As run.
        initial_weights: Artifact it started from.
        loss_curve: Loss per report, in order.
        metric: Name of the metric of `result`.
        result: Final value of the metric.
        seconds: Wall time.
        cost: In the budget's currency.
        environment: Versions of code, libraries and hardware.
        seed: Of the run.
    """

    TYPE: ClassVar[str] = "homeostat.episode.recorded.v1"
    episode: Name
    model: Subject | None = None
    meta_features: dict[Name, float] = Field(default_factory=dict)
    hyperparameters: dict[str, Scalar] = Field(default_factory=dict)
    initial_weights: Digest | None = None
    loss_curve: tuple[float, ...] = ()
    metric: Name = "accuracy"
    result: float
    seconds: float = Field(ge=0.0)
    cost: float = Field(default=0.0, ge=0.0)
    environment: dict[str, str] = Field(default_factory=dict)
    seed: int | None = None


class IncidentRecorded(Data):
    """An incident: symptoms, cause, fix.

    Args:
        incident: Id.
        symptoms: What was seen.
        cause: What it was, if found.
        fix: What was done, step by step.
        minutes_to_repair: Time to repair.
    """

    TYPE: ClassVar[str] = "homeostat.incident.recorded.v1"
    incident: Name
    symptoms: tuple[Text, ...] = Field(min_length=1)
    cause: Text = ""
    fix: tuple[Text, ...] = ()
    minutes_to_repair: float | None = Field(default=None, ge=0.0)


class DriftDetected(Data):
    """A model's data or concept has moved. Opens a story.

    Args:
        model: The model.
        version: Its champion.
        kind: Whether the inputs moved or the errors rose.
        detector: Name of the detector.
        statistic: Its value.
        threshold: The limit it crossed.
        magnitude: Size in units of the signal before: standard deviations, or error rate difference.
        features: Guilty ones, most guilty first.
        onset: Where the drift is thought to begin; `last` is what fired.
        is_recheck: Found by the level check, not by a change.
        error_before: Error rate of the reference, if labelled.
        error_after: Error rate since the onset, if labelled.
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
    """Meta-features of a model under drift, each time the labels since the onset double, and once at rest.

    Args:
        model: The model.
        version: Its champion.
        meta_features: By name, bounded to [-3, 3] after scaling; the schema is the detector's version.
        labels_since_onset: Labelled rows since the onset; 0 at rest.
        window: From the onset to here.
        error_before: Error rate of the reference.
        error_after: Error rate since the onset.
    """

    TYPE: ClassVar[str] = "homeostat.profile.updated.v1"
    model: Subject
    version: Name
    meta_features: dict[Name, float]
    labels_since_onset: int = Field(ge=0)
    window: Range | None = None
    error_before: Ratio | None = None
    error_after: Ratio | None = None


class CandidateEvaluated(Data):
    """Payoff of one arm of an action, against the champion of its start, on the same labelled traffic.

    Args:
        action: The action.
        model: The model.
        arm: The arm.
        version: What it trained.
        payoff: Mean of (champion's error - arm's error) per labelled row.
        standard_error: Of `payoff`.
        n_labels: Rows behind it.
        was_canary: It served traffic; otherwise it was a shadow.
        seconds: Training time.
    """

    TYPE: ClassVar[str] = "homeostat.candidate.evaluated.v1"
    action: str
    model: Subject
    arm: Name
    version: Name
    payoff: float
    standard_error: float = Field(ge=0.0)
    n_labels: int = Field(ge=0)
    was_canary: bool = False
    seconds: float = Field(default=0.0, ge=0.0)


class OutcomeMeasured(Data):
    """What an action did.

    Args:
        action: The action.
        kind: Of the action.
        model: The model.
        arm: The arm that was drawn.
        state: How it ended.
        verdict: In business terms, net of cost.
        gain: Champion-relative payoff of what now serves, per labelled row.
        gain_low: Lower end of the 90 % interval.
        gain_high: Upper end.
        cost: In units of the metric, from the price in force.
        n_labels: Rows behind it.
        exposed: Requests a rejected candidate answered.
    """

    TYPE: ClassVar[str] = "homeostat.outcome.measured.v1"
    action: str
    kind: Literal["retrain", "rollout", "threshold", "meta_training"]
    model: Subject
    arm: Name
    state: Literal["promoted", "aborted", "skipped", "failed", "expired"]
    verdict: OutcomeVerdict
    gain: float
    gain_low: float
    gain_high: float
    cost: float = Field(ge=0.0)
    n_labels: int = Field(ge=0)
    exposed: int = Field(default=0, ge=0)


class OutcomeRevised(OutcomeMeasured):
    """An outcome measured again when late labels came."""

    TYPE: ClassVar[str] = "homeostat.outcome.revised.v1"
