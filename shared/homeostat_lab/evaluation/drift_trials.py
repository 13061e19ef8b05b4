"""Streams with an injected drift, and what a tree that learns as it goes predicts on them.

Protocol: rows are shuffled, so that nothing moves before the onset; the tree is tested on each row and then trained
on it; the onset is uniform in the middle of the stream. Source of the kinds: Cerqueira et al. 2026 (arXiv 2606.07789).
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from homeostat_lab.evaluation import tables

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KINDS: Final = ("y_swaps", "x_permutations", "y_prior_skip", "x_exceed_skip")
_MOST_ROWS: Final = 100_000
_ONSET: Final = (0.5, 0.8)
_SKIP: Final = 0.75
_MOST_CLASSES: Final = 100
"""Values of a last column that still pass for classes."""


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


def streams(folder: Path) -> tuple[list[Stream], list[str]]:
    """Read all streams: comma-separated files of numbers whose last column is the class, by number or by name.

    Returns:
        The streams in the order of the files' names; and of every other table why it was left out, of every long one
        how much of it is.
    """
    found, left_out = list[Stream](), list[str]()
    for path in tables.found(folder, "*.csv"):
        header, *lines = tables.rows(path)
        try:
            x = np.array([[float(cell) for cell in line[:-1]] for line in lines])
        except ValueError as word:
            left_out.append(f"{path.name} left out: no table of numbers with a class in the last column, {word}")
            continue
        named, classes = np.unique([line[-1] for line in lines], return_inverse=True)
        if x.ndim != 2 or not x.shape[1] or not 2 <= len(named) <= min(_MOST_CLASSES, len(lines) // 2):
            values = f"{len(named)} values of {header[-1]!r} in {len(lines)} rows"
            left_out.append(f"{path.name} left out: {values} are no class")
            continue
        if len(lines) > _MOST_ROWS:
            left_out.append(f"{path.name}: {_MOST_ROWS:,} of {len(lines):,} rows a trial, drawn anew for each")
        found.append(Stream(path.name.split(".")[0], x, _numbered(named, classes)))
    return found, left_out


def _numbered(named: NDArray[np.str_], classes: Ints) -> Ints:
    """Number classes from 0: by value where they are numbers, else by name."""
    try:
        values = [float(name) for name in named]
    except ValueError:
        return classes.astype(np.int64)
    return np.argsort(np.argsort(values, kind="stable"))[classes].astype(np.int64)


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
    tree = Tree()
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


class Tree:
    """river's HoeffdingTreeClassifier, tested on each row before it learns it.

    Args:
        names: Of the columns; x0, x1 … unless told.
        settings: Of the tree, river's own unless told.
    """

    def __init__(self, names: Sequence[str] = (), **settings: Any) -> None:
        from river.tree import HoeffdingTreeClassifier

        self._names = list(names)
        self._tree: Any = HoeffdingTreeClassifier(**settings)

    def run(self, x: Floats, y: Ints) -> tuple[Ints, Floats]:
        """Return predictions and their probabilities; class 0 and NaN before any class was seen."""
        predicted, score = np.zeros(len(y), np.int64), np.full(len(y), np.nan)
        names = self._names or [f"x{column}" for column in range(x.shape[1])]
        for i, (row, truth) in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
            named = dict(zip(names, row, strict=True))
            shares = self._tree.predict_proba_one(named)
            if shares:
                share, least = max((share, -label) for label, share in shares.items())
                predicted[i], score[i] = -least, share
            self._tree.learn_one(named, truth)
        return predicted, score
