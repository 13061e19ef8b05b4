"""Settings of the governor: part of its version. Rules are events, not settings."""

from dataclasses import dataclass
from typing import Final

DEFAULT_BUDGET_MONEY: Final = 100.0
"""What may be spent per day before anybody has set a budget: enough to try, too little to hurt."""


@dataclass(frozen=True, slots=True)
class GovernorSettings:
    """How the governor keeps its own books.

    Args:
        default_money: Budget of a scope without `budget.set`.
        default_period_ms: Its period.
        arm_timeout_seconds: Training time of one arm after which the hand stops it.
        meta_training_timeout_seconds: The same for a meta-training.
        history_length: Starts remembered per model, for the rate rule; more if the rule counts further.
        heard_requests: Signed requests remembered, so that none counts twice.
    """

    default_money: float = DEFAULT_BUDGET_MONEY
    default_period_ms: int = 86_400_000
    arm_timeout_seconds: float = 60.0
    meta_training_timeout_seconds: float = 600.0
    history_length: int = 100
    heard_requests: int = 10_000
