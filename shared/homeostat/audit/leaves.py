"""Which leaves of the audit log count."""

from typing import Literal

from homeostat.audit.digest import GENESIS, leaf_hash
from homeostat.events import LogDigested

Standing = Literal["next", "passed", "ahead", "edited", "detached"]
"""next: extends the chain. passed: a repeat, or part of a side branch; it does not count and harms nothing
unless a checkpoint signs it. ahead: leaves before it are not there. edited: its hash is not that of its
content. detached: its hash is right, but it was hashed over another leaf than the one before it."""


def hash_of(leaf: LogDigested) -> str:
    """Compute the hash that a leaf must state."""
    return leaf_hash(
        previous=leaf.previous,
        index=leaf.index,
        log=leaf.log,
        topic_id=leaf.topic_id,
        partition=leaf.partition,
        first=leaf.first,
        last=leaf.last,
        digest=leaf.digest,
        time=leaf.time,
    )


class Succession:
    """Follows the leaves in the order they lie in: the first that extends the chain counts.

    An auditor that has been replaced may still write a few leaves. They, or those of its successor,
    come second for their index; those and what builds on them are a side branch.
    """

    def __init__(self) -> None:
        self.size = 0
        self.head = GENESIS
        self._side: set[str] = set()

    def take(self, leaf: LogDigested) -> Standing:
        """Say how a leaf stands, and advance if it is the next one."""
        if leaf.index < self.size or (leaf.previous in self._side and leaf.previous != self.head):
            if leaf.leaf != self.head:
                self._side.add(leaf.leaf)
            return "passed"
        if leaf.index > self.size:
            return "ahead"
        if leaf.leaf != hash_of(leaf):
            return "edited"
        if leaf.previous != self.head:
            return "detached"
        self.size, self.head = leaf.index + 1, leaf.leaf
        return "next"
