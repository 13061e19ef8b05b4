"""Rows that are not changed any more, in blocks that are stored once, with an index over all of them."""

from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from homeostat.core.snapshot import Pieces
from homeostat.services.intake.hashing import Hashes, is_kept

_ROW_BITS: Final = np.int64(20)
_ROW_MASK: Final = np.int64((1 << 20) - 1)
_INDEX_BYTES: Final = 16
"""Of a row: its hash, and where it is."""

_TOGETHER: Final = 256
"""New blocks that are sorted at once, behind a restore."""

References = NDArray[np.int64]
"""Number of a block, and row in it."""

_Run = tuple[Hashes, References]


@dataclass(slots=True)
class Block:
    """Rows in the order of their hashes; of one hash, in the order they came.

    Args:
        since: Number of the first block that is in it: blocks come in the order of these.
        last: Broker time of the newest row, ms.
        level: Of the sample that is kept.
        kind: Of the rows.
        hashes: (n,).
        columns: (k, n), without the last ones if they are NaN throughout.
        who: Index into `names`, (n,).
        names: `role/version`.
    """

    since: int
    last: int
    level: int
    kind: Literal["answer", "label"]
    hashes: Hashes
    columns: NDArray[np.float64]
    who: NDArray[np.uint16]
    names: list[str]

    @property
    def n_bytes(self) -> int:
        """What it takes in memory, its part of the index included."""
        return self.hashes.nbytes + self.columns.nbytes + self.who.nbytes + _INDEX_BYTES * len(self.hashes)


def in_order(block: Block) -> Block:
    """Sort the rows of a block by their hashes, and leave out what nobody said: a score, an inline label."""
    order = np.argsort(block.hashes, kind="stable")
    columns = block.columns[:, order]
    while len(columns) > 1 and np.isnan(columns[-1]).all():
        columns = columns[:-1]
    return replace(block, hashes=block.hashes[order], columns=columns, who=block.who[order])


def wide(columns: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Columns with those that were left out."""
    missing = width - len(columns)
    return np.concatenate([columns, np.full((missing, columns.shape[1]), np.nan)]) if missing else columns


def merged(one: Block, other: Block, level: int) -> Block:
    """Join two blocks, the older one first, keeping the sample of a level.

    Args:
        one: The older; not changed.
        other: The younger; not changed.
        level: Of the sample: one request of 2^level is kept.
    """
    names, width = sorted({*one.names, *other.names}), max(len(one.columns), len(other.columns))
    both = replace(
        one,
        last=max(one.last, other.last),
        hashes=np.concatenate([one.hashes, other.hashes]),
        columns=np.concatenate([wide(one.columns, width), wide(other.columns, width)], axis=1),
        who=np.concatenate([_renamed(one, names), _renamed(other, names)]),
        names=names,
    )
    return thinned(in_order(both), level)


def _renamed(block: Block, names: list[str]) -> NDArray[np.uint16]:
    return np.array([names.index(name) for name in block.names], np.uint16)[block.who]


def thinned(block: Block, level: int) -> Block:
    """The sample of a level of a block; names that nobody bears any more stay."""
    kept, level = is_kept(block.hashes, level), max(level, block.level)
    return replace(block, level=level, hashes=block.hashes[kept], columns=block.columns[:, kept], who=block.who[kept])


class Blocks(Pieces):
    """The blocks of a model; the index is made from them, and is no part of the state."""

    piece_type = Block

    def __init__(self, n: int = 0, held: dict[int, Any] | None = None) -> None:
        super().__init__(n, held)
        self._indexed: set[int] = set()
        self._runs: list[_Run] = []
        self._is_stale = True

    def add(self, piece: Any) -> int:
        """As in `Pieces`."""
        self._is_stale = True
        return super().add(piece)

    def drop(self, number: int) -> None:
        """As in `Pieces`."""
        self._is_stale = True
        super().drop(number)

    def n_bytes(self, numbers: list[int]) -> int:
        """What some blocks take in memory."""
        return sum(self.held[number].n_bytes for number in numbers)

    def find(self, hashes: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Find all rows of some ids.

        Args:
            hashes: (m,).

        Returns:
            Index into `hashes`, number of the block and row in it, of each row that was found; in no order. Blocks that
            are not held any more may be among them.
        """
        self._index()
        asked, found = [], []
        for known, references in self._runs:
            low, high = np.searchsorted(known, hashes, "left"), np.searchsorted(known, hashes, "right")
            n_found = high - low
            hits = np.flatnonzero(n_found)
            if len(hits):
                query = np.repeat(hits, n_found[hits])
                step = np.arange(len(query)) - np.repeat(np.cumsum(n_found[hits]) - n_found[hits], n_found[hits])
                asked.append(query)
                found.append(references[np.repeat(low[hits], n_found[hits]) + step])
        if not asked:
            nothing = np.empty(0, np.int64)
            return nothing, nothing, nothing
        query, where = np.concatenate(asked), np.concatenate(found)
        return query, where >> _ROW_BITS, where & _ROW_MASK

    def _index(self) -> None:
        """Bring the index up to date: runs of falling length, so that a row is merged some ten times at most."""
        if not self._is_stale:
            return
        self._is_stale = False
        if 2 * len(self._indexed - self.held.keys()) > len(self._indexed):
            self._indexed, self._runs = set(), []
        new = sorted(self.held.keys() - self._indexed)
        self._indexed.update(new)
        for start in range(0, len(new), _TOGETHER):
            self._runs.append(_merged([self._run(number) for number in new[start : start + _TOGETHER]]))
            while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
                self._runs[-2:] = [_merged(self._runs[-2:])]

    def _run(self, number: int) -> _Run:
        hashes = self.held[number].hashes
        return hashes, (np.int64(number) << _ROW_BITS) | np.arange(len(hashes), dtype=np.int64)


def _merged(runs: list[_Run]) -> _Run:
    if len(runs) == 1:
        return runs[0]
    hashes, where = np.concatenate([run[0] for run in runs]), np.concatenate([run[1] for run in runs])
    order = np.argsort(hashes, kind="stable")
    return hashes[order], where[order]
