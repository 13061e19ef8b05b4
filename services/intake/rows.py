"""A log of rows by request id that keeps what is young whole, and of what is older as much as memory allows.

Rows wait in buffers until there are enough for a block. Beyond the bound of memory the two oldest blocks that are still
sampled least become one, of half their requests: which ones depends on their ids alone, so that what was said of a
request and its label stay or go together.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from homeostat.services.intake.blocks import Block, Blocks, in_order, merged, thinned, wide
from homeostat.services.intake.hashing import Hashes, hashes_of

_FIRST_CAPACITY: Final = 64
_MOST_PENDING: Final = 64
"""Ids that wait to be hashed together."""

_FALLING: Final = 4
"""Below this part of the bound of memory, more is kept again."""


_Part = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]
"""Index of the id that was asked for, columns, who."""


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of the ids that were asked for, in the order they came.

    Args:
        asked: Index of the id, (n,).
        columns: (k, n).
        who: Index into `names`, (n,).
        names: `role/version`.
    """

    asked: NDArray[np.int64]
    columns: NDArray[np.float64]
    who: NDArray[np.int64]
    names: list[str]


@dataclass(slots=True)
class Rows:
    """Rows of one kind of one model.

    Args:
        kind: What they are.
        width: Columns, k.
        n: Young rows.
        hashes: Of the young rows that are hashed, capacity.
        n_hashed: How many are.
        pending: Ids of the others.
        columns: (k, capacity).
        who: Index into `names`, capacity.
        seen: Broker time, ms, capacity.
        names: `role/version` of the young rows.
        order: Numbers of the blocks, the oldest first.
        level: Of the sample that new blocks keep.
        coarsest: Highest level of the samples that are held: ids of this one should be found.
    """

    kind: Literal["answer", "label"]
    width: int
    n: int = 0
    hashes: Hashes = field(default_factory=lambda: np.zeros(0, np.uint64))
    n_hashed: int = 0
    pending: list[str] = field(default_factory=list)
    columns: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    who: NDArray[np.uint16] = field(default_factory=lambda: np.zeros(0, np.uint16))
    seen: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    names: list[str] = field(default_factory=list)
    order: list[int] = field(default_factory=list)
    level: int = 0
    coarsest: int = 0

    def add(self, requests: list[str], columns: NDArray[np.float64], name: str, now: int) -> None:
        """Append rows.

        Args:
            requests: n ids.
            columns: (k, n).
            name: Who said it.
            now: Broker time, ms.
        """
        start, end = self.n, self.n + len(requests)
        if end > len(self.who):
            self._grow(end)
        if name not in self.names:
            self.names.append(name)
        self.columns[:, start:end] = columns
        self.who[start:end] = self.names.index(name)
        self.seen[start:end] = now
        self.n = end
        self.pending += requests
        if len(self.pending) >= _MOST_PENDING:
            self._hash()

    def _grow(self, needed: int) -> None:
        capacity = max(_FIRST_CAPACITY, 1 << (needed - 1).bit_length())
        hashes, columns = np.zeros(capacity, np.uint64), np.zeros((self.width, capacity))
        who, seen = np.zeros(capacity, np.uint16), np.zeros(capacity, np.int64)
        hashes[: self.n], who[: self.n], seen[: self.n] = self.hashes[: self.n], self.who[: self.n], self.seen[: self.n]
        if self.n:
            columns[:, : self.n] = self.columns[:, : self.n]
        self.hashes, self.columns, self.who, self.seen = hashes, columns, who, seen

    def _hash(self) -> None:
        if self.pending:
            self.hashes[self.n_hashed : self.n] = hashes_of(self.pending)
            self.n_hashed, self.pending = self.n, []

    def settle(self, blocks: Blocks, now: int, *, window_ms: int, memory_bytes: int, block_rows: int) -> None:
        """Close a block if there are enough young rows, forget what is too old, and keep within the bound of memory.

        Args:
            blocks: Of the model; changed.
            now: Broker time, ms.
            window_ms: Age from which a row is forgotten, > 0.
            memory_bytes: Bound for these rows.
            block_rows: Young rows that make a block, >= 1.
        """
        while self.order and blocks.held[self.order[0]].last < now - window_ms:
            blocks.drop(self.order.pop(0))
            self._note_coarsest(blocks)
        if self.n < block_rows:
            return
        self._close(blocks, block_rows)
        total = blocks.n_bytes(self.order)
        while total > memory_bytes and len(self.order) > 1:
            self._thin(blocks)
            total = blocks.n_bytes(self.order)
        if total < memory_bytes // _FALLING:
            self.level = max(0, self.level - 1)
        self._note_coarsest(blocks)

    def _close(self, blocks: Blocks, block_rows: int) -> None:
        """Make the young rows a block, or a part of the last one if that is small."""
        self._hash()
        n = self.n
        young = Block(
            since=blocks.n,
            last=int(self.seen[:n].max()),
            level=0,
            kind=self.kind,
            hashes=self.hashes[:n],
            columns=self.columns[:, :n],
            who=self.who[:n],
            names=self.names,
        )
        block = thinned(in_order(young), self.level)
        last: Block | None = blocks.held[self.order[-1]] if self.order else None
        if last is not None and last.level == block.level and len(last.hashes) + len(block.hashes) <= block_rows:
            blocks.drop(self.order.pop())
            block = merged(last, block, self.level)
        self.order.append(blocks.add(block))
        self.n = self.n_hashed = 0
        self.names = []
        self.hashes, self.who = np.zeros(0, np.uint64), np.zeros(0, np.uint16)
        self.columns, self.seen = np.zeros((self.width, 0)), np.zeros(0, np.int64)

    def _thin(self, blocks: Blocks) -> None:
        """Make the two oldest blocks of the lowest level one of the next level."""
        lowest = min(blocks.held[number].level for number in self.order)
        at = next(i for i, number in enumerate(self.order) if blocks.held[number].level == lowest)
        pair = [n for n in self.order[at : at + 2] if blocks.held[n].level == lowest]
        old = [blocks.held[number] for number in pair]
        block = merged(old[0], old[1], lowest + 1) if len(old) == 2 else thinned(old[0], lowest + 1)
        for number in pair:
            blocks.drop(number)
        self.order[at : at + len(pair)] = [blocks.add(block)]
        self.level = max(self.level, min(blocks.held[number].level for number in self.order))

    def find(self, hashes: Hashes, blocks: Blocks, low: int) -> Found:
        """Find the rows of ids, none older than a broker time; changes nothing.

        Args:
            hashes: (n,) of the ids.
            blocks: Of the model.
            low: Broker time before which nothing counts, ms.
        """
        names: list[str] = []
        parts = [*self._in_blocks(hashes, blocks, low, names), *self._in_young(hashes, low, names)]
        if not parts:
            return Found(np.empty(0, np.int64), np.empty((self.width, 0)), np.empty(0, np.int64), [])
        asked, columns, who = (np.concatenate(each, axis=-1) for each in zip(*parts, strict=True))
        return Found(asked, columns, who, names)

    def _in_blocks(self, hashes: Hashes, blocks: Blocks, low: int, names: list[str]) -> Iterator[_Part]:
        if not self.order:
            return
        asked, number, row = blocks.find(hashes)
        there = [(n, blocks.held[n]) for n in np.unique(number).tolist() if n in blocks.held]
        mine = [(n, block) for n, block in there if block.kind == self.kind and block.last >= low]
        for n, block in sorted(mine, key=lambda each: each[1].since):
            at = np.flatnonzero(number == n)
            at = at[np.argsort(row[at], kind="stable")]
            yield asked[at], wide(block.columns[:, row[at]], self.width), _named(block.who[row[at]], block.names, names)

    def _in_young(self, hashes: Hashes, low: int, names: list[str]) -> Iterator[_Part]:
        young = self.hashes[: self.n]
        if self.pending:
            young = np.concatenate([young[: self.n_hashed], hashes_of(self.pending)])
        order = np.argsort(hashes, kind="stable")
        known = hashes[order]
        left = np.searchsorted(known, young, "left")
        is_asked = (left < len(known)) & (self.seen[: self.n] >= low)
        rows = np.flatnonzero(is_asked)
        rows = rows[known[left[rows]] == young[rows]]
        right = np.searchsorted(known, young[rows], "right")
        at = left[rows]
        while len(rows):  # the same id may be asked for more than once
            yield order[at], self.columns[:, rows], _named(self.who[rows], self.names, names)
            at = at + 1
            again = at < right
            rows, at, right = rows[again], at[again], right[again]

    def _note_coarsest(self, blocks: Blocks) -> None:
        self.coarsest = max((blocks.held[number].level for number in self.order), default=0)


def _named(who: NDArray[np.uint16], own: list[str], names: list[str]) -> NDArray[np.int64]:
    """Translate indices into one list of names to those of another, which grows."""
    table = []
    for name in own:
        if name not in names:
            names.append(name)
        table.append(names.index(name))
    return np.array(table, np.int64)[who]
