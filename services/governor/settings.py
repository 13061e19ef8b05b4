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
        history_length: Starts remembered per model, for the rate rule; more if the rule counts further.
        registration_wait_ms: How long a proposal waits for the registration of its model.
        waiting_proposals: So many wait in a scope; what comes beyond is decided at once.
    """

    default_money: float = DEFAULT_BUDGET_MONEY
    default_period_ms: int = 86_400_000
    history_length: int = 100
    registration_wait_ms: int = 5_000
    waiting_proposals: int = 1_000
