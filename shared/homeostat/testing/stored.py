"""A state as it comes back from a snapshot, pieces and all."""

from typing import Any, TypeVar

from homeostat.codec import decode_state, encode_state
from homeostat.core import Fold

S = TypeVar("S")


def restored(fold: Fold[S], state: S) -> S:
    """Store a state and read it again."""
    again = decode_state(encode_state(state), fold.state_type())
    pieces_of: Any = getattr(fold, "pieces", None)
    if pieces_of is not None:
        before, after = pieces_of(state), pieces_of(again)
        for number, piece in before.held.items():
            after.fill(number, decode_state(encode_state(piece), before.piece_type))
    return again
