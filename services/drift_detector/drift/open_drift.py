"""A drift that is neither cleared nor answered by a promotion."""

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class OpenDrift:
    """The drift that a model is in.

    Args:
        correlation_id: Identity of its `drift.detected`: what follows from it carries that.
        kind: As in the event.
        id: `ce_id` of the event at the onset.
        time: Its broker time, ms.
        bucket: Input bucket of the onset.
        n_labels: Labelled rows before the onset.
        errors: Their errors.
        error_before: Error rate before the onset, if any row was labelled.
        next_profile: Labels since the onset at which the next profile is due; 0 when there is no more.
        n_carried: Labelled rows since the onset that champions before the present one answered.
        is_synthetic: Found in rows that are marked as injected.
        is_overdue: A profile has said that its labels are late.
        level: Error rate to come back to after a promotion: the lowest before this drift and those that it displaced.
    """

    correlation_id: str
    kind: Literal["data", "concept"]
    id: str
    time: int
    bucket: int
    n_labels: int
    errors: float
    error_before: float | None
    next_profile: int
    n_carried: int = 0
    is_synthetic: bool = False
    is_overdue: bool = False
    level: float | None = None


def lowest_level(displaced: OpenDrift | None, before: float | None) -> float | None:
    """Return the lowest error rate before a drift and the open one in whose place it comes, None if none is known."""
    known = [level for level in (before, displaced.level if displaced is not None else None) if level is not None]
    return min(known, default=None)
