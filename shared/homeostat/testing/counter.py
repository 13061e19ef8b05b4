"""The smallest fold that shows a lost, doubled or reordered event: it counts, and says so."""

from dataclasses import dataclass

from homeostat.core import Emit, Event, Reject
from homeostat.events import IndicatorComputed, SignalObserved
from homeostat.events.logs import INDICATORS, TIMELINE


@dataclass(slots=True)
class Count:
    """Events seen of one subject, and a checksum of their order."""

    n: int = 0
    checksum: int = 0
    wake: int | None = None


@dataclass(frozen=True, slots=True)
class CounterSettings:
    """Args: every: emit at every n-th event."""

    every: int = 1


class Counter:
    """Counts `signal.observed` per subject; a negative value is refused, a value above 1e6 sets a timer."""

    def __init__(
        self,
        *,
        name: str = "counter",
        log: str = TIMELINE,
        out: str = INDICATORS,
        every: int = 1,
        is_door: bool = False,
    ) -> None:
        self.name, self.log, self._out, self.is_door = name, log, out, is_door
        self.settings = CounterSettings(every)

    def unit(self, subject: str) -> str:
        """One state per subject."""
        return subject

    def initial(self, subject: str) -> Count:
        """Nothing seen."""
        return Count()

    def step(self, state: Count, event: Event) -> tuple[Count, tuple[Emit, ...]]:
        """Count, and say how many."""
        if isinstance(event.data, IndicatorComputed):
            state.n += 1
            state.checksum = (state.checksum * 31 + int(event.data.value)) % 1_000_003
            return state, (self._say(event, "stage", state.checksum),)
        if not isinstance(event.data, SignalObserved):
            if state.wake is not None and event.time >= state.wake:
                state.wake = None
                return state, (self._say(event, "tick", state.n),)
            return state, ()
        if event.data.value < 0:
            raise Reject("out_of_range", "the value must not be negative")
        state.n += 1
        state.checksum = (state.checksum * 31 + event.position.offset) % 1_000_003
        if event.data.value > 1e6:
            state.wake = event.time + 1000
        if state.n % self.settings.every:
            return state, ()
        return state, (self._say(event, "count", state.n), self._say(event, "checksum", state.checksum))

    def _say(self, event: Event, name: str, value: float) -> Emit:
        return Emit(self._out, IndicatorComputed(model=event.subject, name=name, value=value))

    def wake_at(self, state: Count) -> int | None:
        """The timer, if one is set."""
        return state.wake

    def state_type(self) -> type[Count]:
        """Count."""
        return Count
