"""How much of what is refused is kept: all of it, until a source sends little else.

Source: arroyo's `DlqLimit` (`arroyo/dlq.py`), which stops its consumer there; a door goes on, and keeps a sample.
"""

from dataclasses import dataclass, field
from typing import Final

from homeostat.runtime.newcomers import Newcomers

TALLY: Final = "\0refusals"
"""Unit of the tally's snapshot; no subject that is admitted has such a name."""

FREE: Final = 1000
"""Refusals that are kept whatever their share: a wrong unit, noticed within minutes, is put back whole."""

FEW: Final = 20
"""The same for what is refused for want of a place: each says it of another name."""

SHARE: Final = 0.5
"""Of a source's records that may be refused and kept."""

EVERY: Final = 100
"""Beyond both, one refusal of so many is kept."""

WINDOW: Final = 10_000
"""Records after which a source's past counts half."""

SEATS: Final = 256
"""Sources with a count of their own in a partition of a door; names are free, so the others share one."""

_OTHERS: Final = "*"
_LONGEST: Final = 400


@dataclass(slots=True)
class Seat:
    """Records of one source lately.

    Args:
        n_seen: Of all.
        n_refused: Of those that were refused.
        n_left_out: Refused since the last one that was kept.
    """

    n_seen: int = 0
    n_refused: int = 0
    n_left_out: int = 0


@dataclass(slots=True)
class RefusalTally:
    """Counts of one partition of a door; part of its snapshot, so that a replay keeps the same ones.

    Args:
        seats: By source.
        newcomers: Subjects that were let in.
    """

    seats: dict[str, Seat] = field(default_factory=dict)
    newcomers: Newcomers = field(default_factory=Newcomers)

    def admitted(self, source: str) -> None:
        """Count a record that was taken."""
        self._seat(source)

    def refused(self, source: str, *, is_one_of_many: bool = False) -> int | None:
        """Count a refused record.

        Args:
            source: Who sent it.
            is_one_of_many: It says what the others before it say, of whatever share of the source: a few are enough.

        Returns:
            How many of the source were left out since the last one that was kept, if this one is to be kept; or None.
        """
        seat = self._seat(source)
        seat.n_refused += 1
        free, share = (FEW, 0.0) if is_one_of_many else (FREE, SHARE)
        if _is_left_out(seat, 0, free, share):
            seat.n_left_out += 1
            return None
        n_left_out, seat.n_left_out = seat.n_left_out, 0
        return n_left_out

    def is_flooded(self, source: str) -> bool:
        """Whether the next refusal of a source is left out: nobody will read what was wrong with it."""
        seat = self.seats.get(source[:_LONGEST])
        if seat is None and len(self.seats) >= SEATS:
            seat = self.seats.get(_OTHERS)
        return seat is not None and seat.n_seen + 1 < WINDOW and _is_left_out(seat, 1, FREE, SHARE)

    def _seat(self, source: str) -> Seat:
        source = source[:_LONGEST]
        seat = self.seats.get(source)
        if seat is None:
            if len(self.seats) >= SEATS:
                source = _OTHERS
            seat = self.seats.setdefault(source, Seat())
        seat.n_seen += 1
        if seat.n_seen >= WINDOW:
            seat.n_seen //= 2
            seat.n_refused //= 2
        return seat


def _is_left_out(seat: Seat, n_more: int, free: int, share: float) -> bool:
    """Whether a refusal is, with so many more than are counted."""
    n_refused = seat.n_refused + n_more
    return n_refused > free and n_refused > share * (seat.n_seen + n_more) and seat.n_left_out < EVERY - 1
