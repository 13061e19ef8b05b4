"""Questions of training jobs that wait for the rules of a family that was just announced.

The first trace of a family announces it to the governor, which tells it rules and prices. What is asked in the same
breath waits for these, for as long as that takes, and no longer than some seconds.
"""

from dataclasses import dataclass, field

from homeostat.core import Identity
from homeostat.events import AdviceRequested
from homeostat.services.training_advisor.settings import AdvisorSettings


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A question that waits.

    Args:
        identity: Of its event; keys the draws of the answer.
        story: Correlation id of its event; the answer has the same, whatever led to it.
        request: The question.
    """

    identity: Identity
    story: Identity
    request: AdviceRequested


@dataclass(slots=True)
class PendingRequests:
    """Questions in the order in which they came.

    Args:
        waiting: They.
        until: How long they wait, ms; None: not at all.
        has_rules: The governor has told the family some; it waits no more.
    """

    waiting: list[PendingRequest] = field(default_factory=list)
    until: int | None = None
    has_rules: bool = False

    def announce(self, now: int, settings: AdvisorSettings) -> None:
        """Begin to wait: the governor has been told of the family, and has not spoken to it before."""
        if not self.has_rules:
            self.until = now + settings.rules_wait_ms

    def update(self, request: PendingRequest, settings: AdvisorSettings) -> bool:
        """Keep a question until the rules have come; False if it is to be answered at once."""
        if self.until is None or len(self.waiting) >= settings.max_waiting:
            return False
        self.waiting.append(request)
        return True

    def release(self) -> list[PendingRequest]:
        """Take out all that wait: the rules have come, or have not come for too long."""
        self.until, waiting = None, self.waiting
        self.waiting = []
        return waiting

    def is_due(self, now: int) -> bool:
        """Tell whether the rules have not come for too long."""
        return self.until is not None and self.until <= now
