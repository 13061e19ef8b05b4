"""What is remembered of the rows that went by: buckets, groups of labels, the open drift."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(slots=True)
class Batch:
    """One bucket of served rows, by the event that opened it.

    Args:
        index: Number of the bucket since the reset.
        id: `ce_id` of that event.
        time: Its broker time, ms.
        until: Greatest event time of its rows and of those before, seconds.
        n_labels: Labelled rows known when it was opened.
        errors: Their errors.
    """

    index: int
    id: str
    time: int
    until: float
    n_labels: int
    errors: float


@dataclass(slots=True)
class Group:
    """Consecutive labelled rows.

    Args:
        id: `ce_id` of the event that most of these rows' inputs lie in, or of the first of its bucket.
        time: Its broker time, ms.
        batch: Bucket it lies in.
        n_before: Labelled rows before the group.
        errors_before: Their errors.
        n: Rows.
        errors: Sum of their errors, each in [0, 1].
        n_wrong: Rows with an error of at least one half.
        wrong_score: Sum of the scores of those that have one.
        n_wrong_scored: Number of those.
        wrong_labels: Number of wrong rows by label; classifiers only.
    """

    id: str
    time: int
    batch: int
    n_before: int
    errors_before: float
    n: int = 0
    errors: float = 0.0
    n_wrong: int = 0
    wrong_score: float = 0.0
    n_wrong_scored: int = 0
    wrong_labels: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class OpenDrift:
    """A drift that is neither cleared nor answered by a promotion.

    Args:
        story: Identity of its `drift.detected`.
        kind: As in the event.
        id: `ce_id` of the event at the onset.
        time: Its broker time, ms.
        batch: Bucket of the onset.
        n_labels: Labelled rows before the onset.
        errors: Their errors.
        error_before: Error rate before the onset, if any row was labelled.
        next_profile: Labels since the onset at which the next profile is due; 0 when there is no more.
        n_carried: Labelled rows since the onset that champions before the present one answered.
        is_synthetic: Found in rows that are marked as injected.
        is_overdue: It has been said that its labels are late.
        level: Error rate to come back to after a promotion: the lowest before this drift and those that it displaced.
    """

    story: str
    kind: Literal["data", "concept"]
    id: str
    time: int
    batch: int
    n_labels: int
    errors: float
    error_before: float | None
    next_profile: int
    n_carried: int = 0
    is_synthetic: bool = False
    is_overdue: bool = False
    level: float | None = None
