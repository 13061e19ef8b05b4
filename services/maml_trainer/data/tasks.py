"""A task: what one model had to learn, as a support set to adapt on and a query set to score on."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.events.bounds import LARGEST
from homeostat.services.maml_trainer.errors import TaskMalformed

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One few-shot task. Integer labels make it classification, floating targets regression.

    Args:
        task_id: Unique in a run; gives the canonical order.
        support_x: Rows (n, d) float32, n >= 1; may hold more than k rows per class.
        support_y: Labels (n,) int64 >= 0, or targets (n,) float32 or float64 within ±1e30.
        query_x: Rows (m, d) float32, m >= 1, disjoint from the support rows.
        query_y: As `support_y`, (m,).

    Raises:
        TaskMalformed: A shape, dtype, sign or a non-finite number.
    """

    task_id: str
    support_x: Array
    support_y: Array
    query_x: Array
    query_y: Array

    def __post_init__(self) -> None:
        for name, x, y in (("support", self.support_x, self.support_y), ("query", self.query_x, self.query_y)):
            if x.ndim != 2 or len(x) == 0 or y.shape != (len(x),):
                raise TaskMalformed(self.task_id, f"{name} needs x (n, d) and y (n,), has {x.shape} and {y.shape}")
            if x.dtype != np.float32 or y.dtype not in (np.int64, np.float32, np.float64):
                raise TaskMalformed(self.task_id, f"{name} needs float32 x and int64 or floating y")
            if not (np.isfinite(x).all() and np.isfinite(y).all()):
                raise TaskMalformed(self.task_id, f"{name} holds a number that is not finite")
            if np.abs(y.astype(np.float64)).max() > LARGEST:
                raise TaskMalformed(self.task_id, f"{name} holds a target beyond {LARGEST:g}")
            if y.dtype == np.int64 and y.min() < 0:
                raise TaskMalformed(self.task_id, f"{name} holds a negative label")
        are_labels = {part.dtype == np.int64 for part in (self.support_y, self.query_y)}
        if self.support_x.shape[1] != self.query_x.shape[1] or len(are_labels) > 1:
            raise TaskMalformed(self.task_id, "support and query differ in width or in the kind of target")

    @property
    def is_classification(self) -> bool:
        """Whether the targets are labels."""
        return bool(self.support_y.dtype == np.int64)


def canonical(tasks: Iterable[Task]) -> tuple[Task, ...]:
    """Sort by task id: gradients are not bit-identical under a change of order inside a batch.

    Raises:
        TaskMalformed: Two tasks share an id, or the two kinds are mixed.
    """
    ordered = tuple(sorted(tasks, key=lambda task: task.task_id))
    for before, after in pairwise(ordered):
        if before.task_id == after.task_id:
            raise TaskMalformed(after.task_id, "the id is used twice")
        if before.is_classification != after.is_classification:
            raise TaskMalformed(after.task_id, "labels and real targets do not mix in one run")
    return ordered
