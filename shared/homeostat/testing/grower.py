"""A fold whose state grows: it keeps what it has counted in pieces, and says something of all of them."""

from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.core import Emit, Event
from homeostat.core.snapshot import Pieces
from homeostat.events import IndicatorComputed, SignalObserved
from homeostat.events.logs import INDICATORS, TIMELINE
from homeostat.testing.counter import CounterSettings

_LENGTH: Final = 3
"""Events of a piece."""

_KEPT: Final = 2
"""Pieces of a state."""


@dataclass(slots=True)
class Leaf:
    """Offsets of some events in a row."""

    offsets: list[int]


class Leaves(Pieces):
    """Those of one subject."""

    piece_type = Leaf


@dataclass(slots=True)
class Growth:
    """Offsets of the newest events, and of those before in pieces."""

    young: list[int] = field(default_factory=list)
    leaves: Leaves = field(default_factory=Leaves)


class Grower:
    """Emits the sum of the offsets that it still holds, at every signal: a lost piece is seen at once."""

    is_door = False

    def __init__(self) -> None:
        self.name, self.log, self.settings = "grower", TIMELINE, CounterSettings()

    def unit(self, subject: str) -> str:
        """One state per subject."""
        return subject

    def initial(self, subject: str) -> Growth:
        """Nothing seen."""
        return Growth()

    def step(self, state: Growth, event: Event) -> tuple[Growth, tuple[Emit, ...]]:
        """Hold one more offset; forget the oldest piece where there are too many."""
        if not isinstance(event.data, SignalObserved):
            return state, ()
        state.young.append(event.position.offset)
        if len(state.young) == _LENGTH:
            state.leaves.add(Leaf(state.young))
            state.young = []
        if len(state.leaves.held) > _KEPT:
            state.leaves.drop(min(state.leaves.held))
        total = sum(state.young) + sum(sum(leaf.offsets) for leaf in state.leaves.held.values())
        return state, (Emit(INDICATORS, IndicatorComputed(model=event.subject, name="sum", value=total)),)

    def pieces(self, state: Growth) -> Leaves:
        """Its leaves."""
        return state.leaves

    def wake_at(self, state: Any) -> None:
        """Never."""

    def state_type(self) -> type[Growth]:
        """Growth."""
        return Growth
