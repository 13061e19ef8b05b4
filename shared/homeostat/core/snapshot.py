"""The consistent position a fold restarts from, and states that are stored in pieces."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

Seen = tuple[int, int, str, int]
"""An event of a source: offset and ordinal of its sequence, its time, the offset that it was read at."""


@dataclass(slots=True)
class SeenSource:
    """What was folded of one source, see `homeostat.runtime.watermarks`.

    Args:
        floor: Highest event that is not among the recent ones; all up to it were seen.
        recent: The events above it that were seen, in order.
        told: Sequences among them that are not the source's, and were said to be so.
    """

    floor: Seen
    recent: list[Seen] = field(default_factory=list)
    told: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Marker:
    """Closes a snapshot: everything below `position` is in the stored states and its outputs are acknowledged.

    Args:
        position: Next input offset to fold.
        now: Last broker time seen, ms.
        watermarks: Source to the highest sequence folded from it, in a marker from before `sources`.
        epoch: Grows with every assignment; restore takes the marker of the highest epoch.
        version: Code digest + settings digest of the fold that wrote it.
        platform: Machine architecture, for the record.
        is_clean: Written by a graceful stop: another version may take over here.
        topic_id: Incarnation of the input that `position` counts in; empty in a marker from before this was noted.
        generation: How many incarnations of the input came before; offsets of a later one are later.
        sources: What was folded of each source.
        n_states: Units that its writer held; -1 in a marker from before this was noted.
        digest: Of their names and states, hex; see `homeostat.runtime.snapshots.digest_of`.
    """

    position: int = 0
    now: int = 0
    watermarks: dict[str, str] = field(default_factory=dict)
    epoch: int = 0
    version: str = ""
    platform: str = ""
    is_clean: bool = False
    topic_id: str = ""
    generation: int = 0
    sources: dict[str, SeenSource] = field(default_factory=dict)
    n_states: int = -1
    digest: str = ""


class Pieces:
    """Parts of a state that never change once they are there: each is stored once, the state holds their numbers.

    Numbers are given in order and never twice. Which pieces there are at a position, and what is in them, follows from
    the log alone, so that every writer stores the same under the same number. A subclass names the class of a piece.

    Args:
        n: Number of the next piece.
        held: Pieces by number; None where a state was decoded and its pieces have not been read yet.
    """

    piece_type: ClassVar[type[Any]]

    def __init__(self, n: int = 0, held: dict[int, Any] | None = None) -> None:
        self.n, self.held = n, held if held is not None else {}

    def add(self, piece: Any) -> int:
        """Hold one more piece; nobody changes it from here on. Return its number."""
        number, self.n = self.n, self.n + 1
        self.held[number] = piece
        return number

    def drop(self, number: int) -> None:
        """Forget a piece."""
        del self.held[number]

    def fill(self, number: int, piece: Any) -> None:
        """Put back a piece that was read from a snapshot."""
        self.held[number] = piece


@runtime_checkable
class InPieces(Protocol):
    """A fold whose states grow: what is in their `Pieces` is stored once. Other folds have no `pieces`."""

    def pieces(self, state: Any) -> Pieces:
        """Return the pieces of a state, the very object that the state holds."""
