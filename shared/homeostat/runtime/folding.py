"""What an assignment of an internal log does with its records: decode a few, fold them, send what came of them."""

from collections.abc import Sequence

from homeostat.codec import Record, decode_event
from homeostat.core import Event, Reject
from homeostat.runtime.admitting import Admitting
from homeostat.runtime.emitting import Emitted
from homeostat.runtime.errors import GapFound
from homeostat.runtime.watermarks import Watermarks

_Folded = list[tuple[Record, Event, Emitted]]


class Folding(Admitting):
    """One partition of a fold, as far as it takes records that other folds have written; made as `Emitting` is."""

    n_dropped = 0
    """Records that were repeated."""
    _watermarks: Watermarks

    def _take_all(self, records: Sequence[Record]) -> None:
        """Fold records of an internal log, but for those that were folded before."""
        read = list[tuple[Record, Event]]()
        position, now = self.position, self.now
        for record in records:
            if record.offset < position:
                continue
            if record.offset != position:
                self._fold_all(read, position, now)
                raise GapFound(self.fold.name, record.topic, record.partition, position, record.offset)
            position, now = record.offset + 1, max(now, record.timestamp)
            headers = dict(record.headers)
            try:
                if self._watermarks.is_repeated(record, now, self._n_partitions, headers):
                    self.n_dropped += 1
                else:
                    event = decode_event(record, time=now, emitter=self.emitter, is_door=False, headers=headers)
                    read.append((record, event))
            except Reject as reject:
                self._fold_all(read, position, now)
                self._refuse(record, reject)
            disowned = self._watermarks.take_disowned()
            if disowned is not None:
                self._fold_all(read, position, now)
                self._say_disowned(record, disowned)
        self._fold_all(read, position, now)

    def _fold_all(self, read: list[tuple[Record, Event]], position: int, now: int) -> None:
        """Fold events in and send what comes of them; stand at a position and a time behind them."""
        folded = list[tuple[Record, Event, Emitted]]()
        try:
            for record, event in read:
                self.position, self.now = record.offset + 1, event.time
                if self._observer is not None:
                    self._observer.decoded(record, event)
                try:
                    folded.append((record, event, self._step(record, event)))
                except Reject as reject:
                    self._address_all(folded)
                    self._refuse(record, reject)
        finally:
            self._address_all(folded)
        read.clear()
        self.position, self.now = position, now

    def _address_all(self, folded: list[tuple[Record, Event, Emitted]]) -> None:
        position, now = self.position, self.now
        waiting, folded[:] = folded[:], []
        for record, event, emitted in waiting:
            self.position, self.now = record.offset + 1, event.time
            self._emit_all(record, event, self._addressed(event, emitted))
        self.position, self.now = position, now
