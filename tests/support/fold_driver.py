"""Drives one unit of any fold, step by step: what the drivers of the folds have in common."""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from homeostat.codec import decode_state, encode_state
from homeostat.core import Emit, Event, Fold, Identity, Payload, Position
from homeostat.core.identity import emit_id

S = TypeVar("S")


class FoldDriver(Generic[S]):
    """A fold with the state of one unit, which goes through the snapshot codec after each step.

    Args:
        fold: That is driven.
        subject: Key of the events, if a step says no other.
        source: Who says them, if a step says nobody else.
        emitter: Source of what the fold emits.
        is_restored: Whether the state goes through the codec.
    """

    def __init__(
        self, fold: Fold[S], subject: str, source: str, emitter: str = "/homeostat/test", *, is_restored: bool = True
    ) -> None:
        self.fold, self.subject, self.source, self.emitter = fold, subject, source, emitter
        self.is_restored = is_restored
        self.state = fold.initial(subject)
        self.offset = 0

    def fold_in(
        self,
        data: Payload,
        time: int,
        *,
        id_: str = "",
        subject: str = "",
        source: str = "",
        story: str = "story",
    ) -> tuple[Event, list[Emit]]:
        """Fold a payload in, at the next offset; return its event and what it led to.

        Args:
            data: The payload.
            time: Broker time, ms.
            id_: Of the event; empty: of its offset.
            subject: Key; empty: the driver's.
            source: Who says it; empty: the driver's.
            story: Of the event.
        """
        self.offset += 1
        event = Event(
            id=id_ or emit_id(self.offset),
            source=source or self.source,
            type=data.TYPE,
            subject=subject or self.subject,
            time=time,
            data=data,
            position=Position(self.fold.log, "t", 0, self.offset),
            story=Identity(story),
            emitter=self.emitter,
        )
        self.state, emits = self.fold.step(self.state, event)
        if self.is_restored:
            self.state = decode_state(encode_state(self.state), self.fold.state_type())
        return event, list(emits)


def run_timeline(
    fold: Fold[S], subject: str, events: Iterable[Event], splits: Iterable[int] = ()
) -> tuple[S, list[tuple[int, Emit]]]:
    """Fold events in from offset 0, storing and restoring the state before the offsets in `splits`.

    Args:
        fold: That is driven.
        subject: Of the events.
        events: In order.
        splits: Offsets.

    Returns:
        The state, and each emit with the offset that led to it.
    """
    cuts, emits = set(splits), list[tuple[int, Emit]]()
    state: Any = fold.initial(subject)
    for offset, event in enumerate(events):
        if offset in cuts:
            state = decode_state(encode_state(state), fold.state_type())
        state, emitted = fold.step(state, event)
        emits += [(offset, emit) for emit in emitted]
    return state, emits
