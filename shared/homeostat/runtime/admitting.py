"""What an assignment of a door does with a record: nothing that anybody writes there stops it."""

from collections.abc import Sequence
from dataclasses import replace

from homeostat.codec import Record
from homeostat.core import Event, Reject
from homeostat.core.identity import scope_of
from homeostat.events import ClockTicked
from homeostat.runtime.emitting import Addressed, Emitted, Emitting
from homeostat.runtime.ingress import Ingress, decode_input
from homeostat.runtime.refusals import TALLY


class Admitting(Emitting):
    """One partition of a fold, as far as it takes records from outside; made as `Emitting` is."""

    position = 0
    """Offset of the next record."""
    generation = 0
    """Number of the input's incarnation."""
    n_forwarded = 0
    """Records that went to the partition of their subject."""

    def _is_in_state(self, unit: str, offset: int) -> bool:
        """Whether the restored state of a unit holds an input already."""
        raise NotImplementedError

    def _step(self, record: Record, event: Event) -> Emitted:
        """Fold an event in; return what is to be sent."""
        raise NotImplementedError

    def _admit_all(self, records: Sequence[Record], ingress: Ingress) -> None:
        """Fold records of a door, but for those that were folded before.

        One by one: what is refused at a glance is never decoded, and a defect is a refusal in its place.
        """
        for record in records:
            if record.offset >= self.position:
                self.position, self.now = record.offset + 1, max(self.now, record.timestamp)
                self._admit(record, ingress)

    def _admit(self, record: Record, ingress: Ingress) -> None:
        """Fold a record of a door: whatever is wrong with it, or comes of it, the door goes on."""
        source = ingress.source_of(record)
        self._is_tallied = self._is_in_state(TALLY, record.offset)  # and its refusal, if any, is acknowledged
        addressed: Addressed = []
        is_flooded = ingress.tally.is_flooded(source)
        try:
            self._glance(record, ingress, is_flooded=is_flooded)
            event = decode_input(record, time=self.now, emitter=self.emitter, is_flooded=is_flooded)
            if event.type == ClockTicked.TYPE:
                return  # a door waits for nothing
            place = ingress.place_of(event.subject)
            if place == self.partition:
                is_new = self.fold.unit(event.subject) not in self.states
                if is_new and not record.key:
                    ingress.check_newcomer(
                        replace(record, key=event.subject.encode()), self.generation, is_counted=self._is_tallied
                    )
                if self._observer is not None:
                    self._observer.decoded(record, event)
                addressed = self._addressed(event, self._step(record, event))
                if is_new and not self._is_tallied:
                    ingress.tally.newcomers.take(scope_of(event.subject))
        except Reject as reject:
            self._refuse(record, reject)
        except Exception as bug:
            self._refuse(record, Reject("admission_failed", f"a defect of {self.fold.name}: {bug!r:.1000}"))
        else:
            if place != self.partition:
                self.n_forwarded += 1
                self._outbox.send(ingress.forwarded(record, event.subject, place))
                return
            self._emit_all(record, event, addressed)
            if not self._is_tallied:
                ingress.tally.admitted(source)

    def _glance(self, record: Record, ingress: Ingress, *, is_flooded: bool) -> None:
        """Refuse what can be refused without decoding it.

        Raises:
            Reject: By the fold, or as there is no place for one more subject.
        """
        fold = self.fold
        if self._glances is not None:
            self._glances.check_headers(record)
        try:
            subject = (record.key or b"").decode()
        except UnicodeDecodeError:
            return  # as the decoder will say
        if not subject or ingress.place_of(subject) != self.partition:
            return
        state = self.states.get(fold.unit(subject))
        if self._glances is not None:
            self._glances.check_known(state, record, self.now, is_flooded=is_flooded)
        if state is None:
            ingress.check_newcomer(record, self.generation, is_counted=self._is_tallied)
