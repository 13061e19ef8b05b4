"""What initial weights are learned from, and how they become known: tasks, updates, weights, priors."""

from typing import ClassVar

from pydantic import Field

from homeostat.events.base import Array, Data, Digest, Name, Subject, Text
from homeostat.events.bounds import Count, Identifier, Number, Positive, Seconds


class UpdateContributed(Data):
    """A client's meta-update, in place of raw data.

    Args:
        client: Who contributes.
        base: Weights the update is relative to.
        delta: Artifact with the differences per tensor.
        n_tasks: Tasks behind it.
    """

    TYPE: ClassVar[str] = "homeostat.update.contributed.v1"
    client: Name
    base: Digest
    delta: Digest
    n_tasks: Positive


class TaskRecorded(Data):
    """A few-shot problem. On `homeostat.tasks` with its arrays, on experience without.

    Args:
        task: Id; tasks are trained on in the order of their ids.
        n_classes: Classes; 0 for regression.
        support_x: Support set inputs, (n, d).
        support_y: Labels, (n,).
        query_x: Query set inputs, (m, d).
        query_y: Labels, (m,).
        held_out: Reserved for meta-validation.
    """

    TYPE: ClassVar[str] = "homeostat.task.recorded.v1"
    task: Name
    n_classes: Count
    support_x: Array | None = None
    support_y: Array | None = None
    query_x: Array | None = None
    query_y: Array | None = None
    held_out: bool = False


class WeightsPublished(Data):
    """Initial weights that passed their gate.

    Args:
        action: The meta-training.
        family: Whose.
        artifact: safetensors in the artifact store.
        algorithm: How they were learned.
        loss: Held-out loss after adaptation.
        gain: Held-out loss of the weights before, minus `loss`.
        gain_low: Lower end of the interval; > 0, or they were rejected.
        n_tasks: Tasks trained on.
        sources: Provenance of the tasks, sorted, with those of the weights they were continued from: weights are
            withdrawn with a distrusted source.
        seconds: Wall clock that it took, time in processes that died included.
        left_out: Tasks of the range that could not be trained on, by reason.
    """

    TYPE: ClassVar[str] = "homeostat.weights.published.v1"
    action: Identifier
    family: Subject
    artifact: Digest
    algorithm: Name
    loss: Number
    gain: Number
    gain_low: Number
    n_tasks: Positive
    sources: tuple[Identifier, ...] = ()
    seconds: Seconds = 0.0
    left_out: dict[Name, Count] = Field(default_factory=dict, max_length=16)


class WeightsRejected(Data):
    """Initial weights that did not pass; the last good ones stay.

    Args:
        action: The meta-training.
        family: Whose.
        reason: Why.
        seconds: Wall clock that it took, time in processes that died included.
        left_out: Tasks of the range that could not be trained on, by reason.
    """

    TYPE: ClassVar[str] = "homeostat.weights.rejected.v1"
    action: Identifier
    family: Subject
    reason: Text
    seconds: Seconds = 0.0
    left_out: dict[Name, Count] = Field(default_factory=dict, max_length=16)


class WeightsWithdrawn(Data):
    """Initial weights that were published must not be used any more.

    Args:
        family: Whose.
        artifact: The weights.
        source: The distrusted source that they rest on: with its trust they may be used again. None: never again.
        reason: Why.
    """

    TYPE: ClassVar[str] = "homeostat.weights.withdrawn.v1"
    family: Subject
    artifact: Digest
    source: Identifier | None = None
    reason: Text = ""


class PriorContributed(Data):
    """A family's share in its parent's prior: norm-capped sufficient statistics.

    Args:
        family: Who contributes.
        features: Names of the meta-features behind the intercept; d of them with it.
        statistics: By arm: observations, d sums of x y, d x d sums of x x^T; replaces the family's earlier share.
    """

    TYPE: ClassVar[str] = "homeostat.prior.contributed.v1"
    family: Subject
    features: tuple[Name, ...] = ()
    statistics: dict[Name, tuple[float, ...]]


class PriorPublished(Data):
    """A parent's prior, for each child.

    Args:
        parent: Whose prior it is.
        features: As contributed by the child itself.
        statistics: As contributed by the other children, summed.
    """

    TYPE: ClassVar[str] = "homeostat.prior.published.v1"
    parent: Subject
    features: tuple[Name, ...] = ()
    statistics: dict[Name, tuple[float, ...]]
