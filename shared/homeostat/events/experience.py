"""What there is to learn from: traces of training, drift, judgements, outcomes, weights."""

from typing import ClassVar, Literal

from pydantic import Field

from homeostat.events.base import Arm, Data, Digest, Name, Ratio, Subject, Text
from homeostat.events.bounds import (
    MOST_ARMS,
    MOST_LABELS,
    Amount,
    Count,
    Duration,
    Labels,
    Latency,
    Number,
    Scalar,
    Seconds,
    Single,
    Size,
    Whole,
)
from homeostat.events.costs import DEFAULT_CURRENCY, CostItem, Currency, Reward, SliChange

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
        most_seconds: Training time that no arm may exceed; one whose 95 % upper bound does is left out.
    """

    TYPE: ClassVar[str] = "homeostat.family.registered.v1"
    parent: Name | None = None
    recipe: Name = "default"
    arms: tuple[Arm, ...] = Field(min_length=1, max_length=MOST_ARMS)
    baseline: Name
    wait_labels: Labels = 80
    horizon_labels: int = Field(default=200, ge=10, le=MOST_LABELS)
    price_per_retrain: Amount = 0.0
    n_shadows: int = Field(default=3, ge=0, le=MOST_ARMS)
    steps: tuple[Ratio, ...] = Field(default=(0.1, 0.5), max_length=MOST_ARMS)
    soak_labels: Labels = 40
    most_seconds: Duration | None = None


class EpisodeRecorded(Data):
    """A training run, from a training job: task, settings, curve, cost.

    Args:
        episode: Id of the run.
        task: Learning task it is a run of (a data set, a search), where there are several runs of one.
        configuration: Name of what was run; `hyperparameters` say what it is.
        rows: Rows it was trained on.
        held_out: The task is reserved for meta-validation: scored, never learned from.
        model: What it trained, if a known model.
        meta_features: Descriptors of the task.
        hyperparameters: As run.
        initial_weights: Artifact it started from.
        loss_curve: Loss per report, in order.
        metric: Name of the metric of `result`.
        is_loss: Less of it is better.
        result: Final value of the metric.
        seconds: Wall time.
        latency_seconds: Mean time of a prediction of what was trained, where the job has measured it.
        cost: In the budget's currency.
        environment: Versions of code, libraries and hardware.
        seed: Of the run.
    """

    TYPE: ClassVar[str] = "homeostat.episode.recorded.v1"
    episode: Name
    task: Name | None = None
    configuration: Name | None = None
    rows: Count = 0
    held_out: bool = False
    model: Subject | None = None
    meta_features: dict[Name, Number] = Field(default_factory=dict)
    hyperparameters: dict[str, Scalar] = Field(default_factory=dict)
    initial_weights: Digest | None = None
    loss_curve: tuple[Single, ...] = ()
    metric: Name = "accuracy"
    is_loss: bool = False
    result: Number
    seconds: Seconds
    latency_seconds: Latency | None = None
    cost: Amount = 0.0
    environment: dict[str, str] = Field(default_factory=dict)
    seed: Whole | None = None


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
    minutes_to_repair: Size | None = None


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
        money: What training it cost, by the price list.
        currency: Of the money.
        latency_change: Mean of (arm's latency - champion's), seconds, over requests that both answered; None if no
            latency is known.
        reward: What it would be worth if it served; None where the model has no hourly value and latency no price.
        sources: Provenance of the rows behind it, sorted; their influence is capped, and taken back with distrust. Of
            more than can be told apart, names that several share (`events.sources.shared_name`).
        signers: Public key by source, of those whose rows were all signed with that key.
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
    money: float = Field(default=0.0, ge=0.0)
    currency: Currency = DEFAULT_CURRENCY
    latency_change: float | None = None
    reward: Reward | None = None
    sources: tuple[str, ...] = ()
    signers: dict[str, Digest] = Field(default_factory=dict)


class OutcomeMeasured(Data):
    """What an action did.

    Args:
        action: The action.
        kind: Of the action.
        model: The model.
        arm: The arm that was drawn.
        state: How it ended.
        verdict: In business terms, net of cost.
        gain: Payoff of what now serves against the old champion, per labelled row that both answered since the
            promotion: rows before it have led to it and would flatter it.
        gain_low: Lower end of the 90 % interval.
        gain_high: Upper end.
        cost: In units of the metric, from the price in force.
        n_labels: Rows behind it.
        exposed: Requests a rejected candidate answered.
        reason: Why the verdict, one sentence.
        money: What it cost, all arms.
        currency: Of the money.
        is_billed: The money is what was charged; otherwise it is seconds times prices.
        items: The estimate, arm by arm.
        latency_change: Seconds of mean latency that it added, over requests that both answered; None if unknown.
        reward: In money; None where neither quality nor latency has a price.
        indicators: What the service's own indicators did at the promotion, unless something else changed since:
            unpaired, so not what the verdict rests on.
        is_final: Nothing but a bill will revise it.
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
    reason: Text = ""
    money: float = Field(default=0.0, ge=0.0)
    currency: Currency = DEFAULT_CURRENCY
    is_billed: bool = False
    items: tuple[CostItem, ...] = ()
    latency_change: float | None = None
    reward: Reward | None = None
    indicators: tuple[SliChange, ...] = ()
    is_final: bool = True


class OutcomeRevised(OutcomeMeasured):
    """An outcome measured again: late labels, the holdback or a bill have changed it."""

    TYPE: ClassVar[str] = "homeostat.outcome.revised.v1"
