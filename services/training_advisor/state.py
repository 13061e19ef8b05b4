"""State of the training advisor: one per family."""

from dataclasses import dataclass, field

from homeostat.events import RulesSet
from homeostat.services.training_advisor.advisor import Advisor
from homeostat.services.training_advisor.pending_requests import PendingRequests


@dataclass(slots=True)
class State:
    """Of one family.

    Args:
        advisor: What its runs have taught.
        pending: Questions that wait for the rules.
        rules: Those in force: the price list.
    """

    advisor: Advisor = field(default_factory=Advisor)
    pending: PendingRequests = field(default_factory=PendingRequests)
    rules: RulesSet = field(default_factory=RulesSet)
