"""The training advisor, step by step."""

from tests.support.fold_driver import FoldDriver

from homeostat.core import Emit, Payload
from homeostat.events import ClockTicked
from homeostat.services.training_advisor.fold import TrainingAdvisor
from homeostat.services.training_advisor.settings import AdvisorSettings
from homeostat.services.training_advisor.state import State

FAMILY = "acme/cameras"


class AdvisorDriver(FoldDriver[State]):
    """One family; its state goes through the snapshot codec after each step."""

    def __init__(self, settings: AdvisorSettings | None = None) -> None:
        source = "/homeostat/intake.traces/homeostat.traces/t/0"
        emitter = "/homeostat/training_advisor/homeostat.experience/t/0"
        super().__init__(TrainingAdvisor(settings), FAMILY, source, emitter)
        self.now = 0

    def emit(self, data: Payload, *, story: str = "story") -> list[Emit]:
        """Fold an event in, a second after the one before; return what it led to."""
        self.now += 1_000
        return self.fold_in(data, self.now, story=story)[1]

    def tick(self) -> list[Emit]:
        """Let the time pass that the advisor waits for."""
        due = self.fold.wake_at(self.state)
        assert due is not None
        self.now = max(self.now, due - 1_000)
        return self.emit(ClockTicked(due=due), story="tick")
