"""One fold fed by hand: payloads in, emits out, through the same step and the same payload types as in production."""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from homeostat.core import Emit, Event, Fold, Payload, Position
from homeostat.core.identity import Identity, emit_id, identity

S = TypeVar("S")
_START_MS = 1_700_000_000_000


class Feeder(Generic[S]):
    """Gives a fold its events in order and keeps the state of every unit.

    `position` is the offset of the next event: an emit's identity is made of the offset of the event that led to it.
    The emits are what the host would publish; encoding them is left out, because it takes longer than deciding. A test
    shows that the in-memory host says the same.
    """

    def __init__(self, fold: Fold[S], *, topic_id: str = "evaluation", source: str = "/evaluation") -> None:
        self.fold = fold
        self.states: dict[str, S] = {}
        self.position = 0
        self._topic_id = topic_id
        self._source = source
        self._emitter = f"/homeostat/{fold.name}/{fold.log}/{topic_id}/0"

    def publish(
        self, subject: str, data: Payload, *, time: int | None = None, story: Identity | None = None
    ) -> tuple[Emit, ...]:
        """Fold one payload in.

        Args:
            subject: Key of the record.
            data: Payload.
            time: Broker time, ms; a second later than the last by default.
            story: Of the event; it opens one by default.

        Returns:
            What the step said.

        Raises:
            Reject: The fold refuses it.
        """
        offset = self.position
        self.position += 1
        id_ = emit_id(offset)
        event = Event(
            id=id_,
            source=self._source,
            type=data.TYPE,
            subject=subject,
            time=_START_MS + offset * 1000 if time is None else time,
            data=data,
            position=Position(self.fold.log, self._topic_id, 0, offset),
            story=identity(self._source, id_) if story is None else story,
            emitter=self._emitter,
        )
        unit = self.fold.unit(subject)
        state = self.states[unit] if unit in self.states else self.fold.initial(subject)
        self.states[unit], emits = self.fold.step(state, event)
        return emits

    def publish_all(self, subject: str, payloads: Iterable[Payload]) -> list[Any]:
        """Fold payloads of one subject in; return the payloads of all emits in their order."""
        return [emit.data for data in payloads for emit in self.publish(subject, data)]
