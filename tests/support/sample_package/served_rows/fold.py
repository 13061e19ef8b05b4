"""Counts the rows that every model has served."""

from dataclasses import dataclass
from typing import Final

from homeostat.core import Emit, Event
from homeostat.events import IndicatorComputed, Samples
from homeostat.events.logs import INDICATORS, TIMELINE

INDICATOR: Final = "served_rows"


@dataclass(frozen=True, slots=True)
class Settings:
    """Part of the fold's version.

    Args:
        every: Rows between two indicators of a model, >= 1.
    """

    every: int = 10


@dataclass(frozen=True, slots=True)
class State:
    """One model's.

    Args:
        n_rows: Served so far.
    """

    n_rows: int = 0


class ServedRows:
    """A `Fold` over the timeline: emits the indicator `served_rows` whenever another `every` rows were served.

    Args:
        settings: Part of the version.
    """

    name = INDICATOR
    log = TIMELINE
    is_door = False

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()

    def unit(self, subject: str) -> str:
        """One state for each model."""
        return subject

    def initial(self, subject: str) -> State:
        """Return the state before a model's first row."""
        return State()

    def step(self, state: State, event: Event) -> tuple[State, tuple[Emit, ...]]:
        """Count the rows of an event; of other types than samples nothing is known here."""
        if not isinstance(event.data, Samples):
            return state, ()
        n_rows, every = state.n_rows + event.data.n_rows, self.settings.every
        counted = State(n_rows)
        if n_rows // every == state.n_rows // every:
            return counted, ()
        data = IndicatorComputed(model=event.subject, name=INDICATOR, value=float(n_rows), n=n_rows)
        return counted, (Emit(INDICATORS, data, event.subject),)

    def wake_at(self, state: State) -> int | None:
        """Nothing is due by time."""
        return None

    def state_type(self) -> type[State]:
        """See `Fold.state_type`."""
        return State
