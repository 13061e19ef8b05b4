"""Streams with an injected drift, and what a tree that learns as it goes predicts on them.

Protocol: rows are shuffled, so that nothing moves before the onset; the tree is tested on each row and then trained
on it; the onset is uniform in the middle of the stream. Source of the kinds: Cerqueira et al. 2026 (arXiv 2606.07789).
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KINDS: Final = ("y_swaps", "x_permutations", "y_prior_skip", "x_exceed_skip")
_MOST_ROWS: Final = 100_000
_ONSET: Final = (0.5, 0.8)
_SKIP: Final = 0.75


@dataclass(frozen=True, slots=True)
class Stream:
    """A data set.

    Args:
        name: Of its file.
        x: (n, d).
        y: (n,) classes from 0.
    """

    name: str
    x: Floats
    y: Ints


@dataclass(frozen=True, slots=True)
class Trial:
    """One stream with one drift, and the predictions on it.

    Args:
        kind: Of the drift.
        at: (m,) positions of the rows in the stream before any was skipped.
        x: (m, d) after the drift.
        y: (m,) after the drift.
        predicted: (m,) test-then-train.
        score: (m,) probability of the predicted class, NaN before any class was seen.
        onset: Position from which the drift holds.
        n: Positions in all.
    """

    kind: str
    at: Ints
    x: Floats
    y: Ints
    predicted: Ints
    score: Floats
    onset: int
    n: int


def streams(folder: Path) -> list[Stream]:
    """Read all streams: comma-separated files whose last column is the class."""
    found = []
    for path in sorted([*folder.glob("*.csv.gz"), *folder.glob("*.csv")]):
        with path.open("rb") as file:
            is_zipped = file.read(2) == b"\x1f\x8b"
        header = _header(path, is_zipped=is_zipped)
        if header[-1] != "class":
            continue  # a table of published results
        table = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
        _, classes = np.unique(table[:, -1], return_inverse=True)
        found.append(Stream(path.name.split(".")[0], table[:, :-1], classes.astype(np.int64)))
    return found


def trials(stream: Stream, number: int) -> Iterator[Trial]:
    """Make the trials of one number: all kinds on the same shuffled rows, with the same onset.

    Args:
        stream: The data.
        number: Seed.
    """
    rng = np.random.default_rng((number, 20260607))
    order = rng.permutation(len(stream.y))[:_MOST_ROWS]
    x, y, n = stream.x[order], stream.y[order], len(order)
    onset = int(n * rng.uniform(*_ONSET))
    tree = _Tree()
    before = tree.run(x[:onset], y[:onset])
    for kind in KINDS:
        at, moved, labels = _drifted(kind, x, y, onset, rng)
        after = deepcopy(tree).run(moved, labels)
        yield Trial(
            kind,
            np.concatenate((np.arange(onset), at)),
            np.concatenate((x[:onset], moved)),
            np.concatenate((y[:onset], labels)),
            np.concatenate((before[0], after[0])),
            np.concatenate((before[1], after[1])),
            onset,
            n,
        )


def _drifted(kind: str, x: Floats, y: Ints, onset: int, rng: np.random.Generator) -> tuple[Ints, Floats, Ints]:
    """Return positions, rows and labels from the onset on."""
    at, moved, labels = np.arange(onset, len(y)), x[onset:].copy(), y[onset:].copy()
    chosen, other = rng.choice(int(y.max()) + 1, 2, replace=False)
    column = int(rng.integers(x.shape[1]))
    if kind == "y_swaps":
        labels[labels == chosen] = other
    elif kind == "x_permutations":
        permutation = rng.permutation(x.shape[1])
        while x.shape[1] > 1 and (permutation == np.arange(x.shape[1])).all():
            permutation = rng.permutation(x.shape[1])
        moved = moved[:, permutation]
    else:
        is_kept = moved[:, column] <= np.median(x[:, column])
        if kind == "y_prior_skip":
            is_kept = (labels != chosen) | (rng.random(len(labels)) >= _SKIP)
        at, moved, labels = at[is_kept], moved[is_kept], labels[is_kept]
    return at, moved, labels


class _Tree:
    """river's HoeffdingTreeClassifier, tested on each row before it learns it."""

    def __init__(self) -> None:
        from river.tree import HoeffdingTreeClassifier

        self._tree: Any = HoeffdingTreeClassifier()

    def run(self, x: Floats, y: Ints) -> tuple[Ints, Floats]:
        """Return predictions and their probabilities; class 0 before any was seen."""
        predicted, score = np.zeros(len(y), np.int64), np.full(len(y), np.nan)
        names = [f"x{column}" for column in range(x.shape[1])]
        for i, (row, truth) in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
            named = dict(zip(names, row, strict=True))
            shares = self._tree.predict_proba_one(named)
            if shares:
                share, least = max((share, -label) for label, share in shares.items())
                predicted[i], score[i] = -least, share
            self._tree.learn_one(named, truth)
        return predicted, score


def _header(path: Path, *, is_zipped: bool) -> list[str]:
    import gzip

    with gzip.open(path, "rt") if is_zipped else path.open("rt") as file:
        return [name.strip() for name in str(file.readline()).strip().split(",")]
