"""When a snapshot is worth what it writes: bytes stored stay in proportion to bytes read."""

from dataclasses import dataclass
from typing import Final

SHARE: Final = 4.0
"""Bytes that may be stored for each byte that was read. A state is stored whole however little of it has changed:
without a bound, 35 rows a second over 40 models (17 KB) cost 5 MB a second."""

LONGEST_SECONDS: Final = 60.0
"""After so long a snapshot is written whatever it costs: a restart folds that much input again, and it is little input,
or the share would have been reached before."""


@dataclass(slots=True)
class SnapshotPace:
    """Says when the next snapshot of one partition is due; what the last one cost is what the next will.

    Args:
        written_at: Time of the last one, or of the assignment, s.
        cost: Bytes that the last one wrote; 0 before the first.
        n_read: Bytes of input since then.
    """

    written_at: float
    cost: int = 0
    n_read: int = 0

    def is_due(self, now: float) -> bool:
        """Whether one may be written now, s."""
        return self.cost <= SHARE * self.n_read or now - self.written_at >= LONGEST_SECONDS

    def written(self, now: float, cost: int) -> None:
        """Note that one was written, and what it cost."""
        self.written_at, self.cost, self.n_read = now, cost, 0
