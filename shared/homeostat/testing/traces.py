"""What goes wrong in a simulated run, as a list that can be played again, cut short, and read."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

Op = Literal["write", "fold", "snapshot", "fuse", "crash", "stop", "stall", "wake", "recreate"]

_WEIGHTS: Final[dict[Op, float]] = {
    "write": 5.0,
    "fold": 8.0,
    "snapshot": 2.0,
    "fuse": 1.0,
    "crash": 0.2,
    "stop": 0.6,
    "stall": 0.2,
    "wake": 1.6,
}
_MEANING: Final[dict[Op, str]] = {
    "write": "{n} records are written",
    "fold": "the owner folds up to {n} records",
    "snapshot": "the owner stores a snapshot",
    "fuse": "the owner will die when it has sent {n} records more",
    "crash": "the owner dies",
    "stop": "the owner is stopped (SIGSTOP), and loses the partition",
    "stall": "somebody reads the snapshot, and is stopped before the claim",
    "wake": "stopped process {n} wakes, folds a little, and may store a snapshot",
    "recreate": "all is folded and stored; then the input is deleted and made again",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens.

    Args:
        op: What.
        n: How many, or which.
        seed: Of the small chances in it: what the producer has delivered, what was compacted away.
    """

    op: Op
    n: int
    seed: int

    def __str__(self) -> str:
        return _MEANING[self.op].format(n=self.n)


def plan(seed: int, *, recreates: bool = False) -> list[Step]:
    """Make up a run: the same seed, the same steps, on every machine.

    Args:
        seed: Any integer.
        recreates: Whether the input may be deleted and made again.
    """
    chance: Any = random.Random(seed)  # noqa: S311  # a simulation
    weights = _WEIGHTS | ({"recreate": 0.3} if recreates else {})
    most = {"write": 4, "fold": 5, "fuse": 60, "wake": 8}
    ops = chance.choices(list(weights), list(weights.values()), k=chance.randint(40, 140))
    return [Step(op, chance.randint(1, most.get(op, 1)), chance.getrandbits(32)) for op in ops]


def shrink(steps: Sequence[T], fails: Callable[[list[T]], bool], most: int = 2000) -> list[T]:
    """Leave out what a failure does not need.

    Args:
        steps: A list that fails.
        fails: Whether a list does.
        most: Lists that are tried.

    Returns:
        A list that fails, no step of which can be left out by itself unless `most` was reached.

    Source: Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input" (ddmin, complements only).
    """
    kept, size = list(steps), max(1, len(steps) // 2)
    while most > 0:
        start, n_before = 0, len(kept)
        while start < len(kept) and most > 0:
            fewer = kept[:start] + kept[start + size :]
            most -= 1
            if fewer and fails(fewer):
                kept = fewer
            else:
                start += size
        if size == 1 and len(kept) == n_before:
            break
        size = max(1, size // 2)
    return kept
