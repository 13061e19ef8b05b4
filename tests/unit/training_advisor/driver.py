"""The training advisor, step by step."""

from homeostat.codec import decode_state, encode_state
from homeostat.core import Emit, Event, Identity, Payload, Position
from homeostat.core.identity import emit_id
from homeostat.events import ClockTicked
from homeostat.events.logs import EXPERIENCE
from homeostat.services.training_advisor.fold import TrainingAdvisor
from homeostat.services.training_advisor.settings import AdvisorSettings

FAMILY = "acme/cameras"


class AdvisorDriver:
    """One family; its state goes through the snapshot codec after each step."""

    def __init__(self, settings: AdvisorSettings | None = None) -> None:
        self.fold = TrainingAdvisor(settings)
        self.state = self.fold.initial(FAMILY)
        self.now = self.offset = 0

    def emit(self, data: Payload, *, story: str = "story") -> list[Emit]:
        """Fold an event in, a second after the one before; return what it led to."""
        self.offset += 1
        self.now += 1_000
        event = Event(
            id=emit_id(self.offset),
            source="/homeostat/intake.traces/homeostat.traces/t/0",
            type=data.TYPE,
            subject=FAMILY,
            time=self.now,
            data=data,
            position=Position(EXPERIENCE, "t", 0, self.offset),
            story=Identity(story),
            emitter="/homeostat/training_advisor/homeostat.experience/t/0",
        )
        state, emits = self.fold.step(self.state, event)
        self.state = decode_state(encode_state(state), self.fold.state_type())
        return list(emits)

    def tick(self) -> list[Emit]:
        """Let the time pass that the advisor waits for."""
        due = self.fold.wake_at(self.state)
        assert due is not None
        self.now = max(self.now, due - 1_000)
        return self.emit(ClockTicked(due=due), story="tick")
