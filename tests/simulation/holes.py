"""Each hole of the naive form, reopened."""

from typing import Any

from homeostat.runtime.assignment import Assignment
from homeostat.runtime.snapshots import Place, SnapshotWriter
from homeostat.testing.faulty_outbox import FaultyOutbox
from homeostat.testing.simulator import SmallChunks


class WithoutOwnPosition(Assignment[Any]):
    """Hole 1: a state does not know how far it has been folded."""

    def _is_in_state(self, unit: str, offset: int) -> bool:
        return False


class OneKey(SnapshotWriter):
    """A unit has one key for all writers, and a partition one marker."""

    def __init__(self, fold: Any, partition: int, writer: str) -> None:
        super().__init__(fold, partition, "same")

    def key(self, unit: str, place: Place, index: int) -> bytes:
        return f"s|same|0|{unit}".encode()


class WithoutWriter(Assignment[Any]):
    """Hole 2: a zombie writes over the states of its successor."""

    new_snapshots = OneKey


class LosesOne(FaultyOutbox):
    """Hole 3: a message times out on its way while later ones are delivered."""

    def deliver(self, n: int) -> None:
        if len(self._queue) > 5:
            del self._queue[0]
        super().deliver(n)


class WithoutTopicId(Assignment[Any]):
    """Hole 4: the source of an output does not name the incarnation of the topic."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.emitter = f"/homeostat/{self.fold.name}/{self.fold.log}/{self.partition}"


class WithoutGeneration(Assignment[Any]):
    """Hole 4: a position does not know which incarnation of the topic it counts in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._topic_id = ""


class OneKeyPerWriter(SnapshotWriter):
    """A writer has one key for a unit, so that its copies replace each other."""

    def __init__(self, fold: Any, partition: int, writer: str) -> None:
        super().__init__(fold, partition, writer)  # whole: what is torn apart would be mixed

    def key(self, unit: str, place: Place, index: int) -> bytes:
        return f"s|{self._writer}|0|{unit}".encode()


class WithoutKeyPerCopy(Assignment[Any]):
    """Hole 5: a zombie deletes the only copy of a state that its successor stands on."""

    new_snapshots = OneKeyPerWriter


class DeletesWhatIsAhead(SmallChunks):
    """Every piece that the own state does not name is deleted."""

    def _store_pieces(self, unit: str, state: Any) -> Any:
        pieces = self._pieces_of(state) if self._pieces_of and not unit.startswith("\0") else None
        if pieces is None:
            return super()._store_pieces(unit, state)
        n, pieces.n = pieces.n, 1 << 30
        written = super()._store_pieces(unit, state)
        pieces.n = n
        return written


class WithoutPatience(Assignment[Any]):
    """A piece is deleted that one who is ahead has stored, before the state that names it."""

    new_snapshots = DeletesWhatIsAhead
