"""Folds and states that look at what is done with them."""

from typing import Any

from homeostat.codec import encode_state
from homeostat.core import Emit, Event, Reject
from homeostat.testing.requirement import require
from homeostat.testing.stored import restored
from homeostat.testing.trial import MakeFold


class Watched:
    """A fold whose every step is looked at before and after."""

    def __init__(self, make: MakeFold) -> None:
        self._fold = make()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fold, name)


class Refusing(Watched):
    """Notes the state around every refusal."""

    def step(self, state: Any, event: Event) -> tuple[Any, tuple[Emit, ...]]:
        """See `Fold.step`."""
        before = encode_state(state)
        try:
            return self._fold.step(state, event)
        except Reject as reject:
            require(
                encode_state(state) == before,
                "a refusal changes nothing",
                f"{event.type} at offset {event.position.offset} was refused ({reject.reason}) after a change",
            )
            raise


class Storing(Watched):
    """Puts every state through the snapshot codec."""

    def step(self, state: Any, event: Event) -> tuple[Any, tuple[Emit, ...]]:
        """See `Fold.step`."""
        state, emits = self._fold.step(state, event)
        raw = encode_state(state)
        again: Any = restored(self._fold, state)
        where = f"after {event.type} at offset {event.position.offset}"
        require(type(again) is type(state), "a state is what state_type says", f"{type(state).__name__} {where}")
        require(encode_state(again) == raw, "a state survives the codec", where)
        require(
            self._fold.wake_at(again) == self._fold.wake_at(state), "a stored state wakes when it would have", where
        )
        return again, emits
