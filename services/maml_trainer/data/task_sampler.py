"""Tasks as they were recorded, stacked into tensors, and k-shot episodes drawn from them.

Tasks differ in the number of rows; `vmap` needs one shape. Rows are padded, and the padding is
weighted 0.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.data.tasks import Array, Task, canonical
from homeostat.services.maml_trainer.errors import TaskMalformed


class Sampler(Protocol):
    """What episodes are drawn from."""

    @property
    def is_classification(self) -> bool:
        """Labels instead of numbers."""

    def draw(self, generator: np.random.Generator, n_tasks: int, k: int) -> Batch:
        """Draw episodes; the generator alone decides which.

        Args:
            generator: Source of chance; advanced.
            n_tasks: Episodes, >= 1.
            k: Shots, >= 1.
        """


def device_of(name: str) -> torch.device:
    """Resolve `cpu`, `cuda`, `cuda:1` … or `auto`: the GPU if there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


class TaskSampler:
    """Tasks in canonical order, on one device. An episode is one task.

    Args:
        tasks: At least one; any order.
        n_inputs: Width every row must have.
        n_outputs: Number of classes, above every label; 1 for regression.
        n_queries: Query rows per class (in all for regression) of an episode; 0: all there are.
        device: As `device_of`.
        dtype: Floating dtype of the tensors.

    Raises:
        TaskMalformed: A task does not fit the network, or `canonical` refuses the set.
    """

    def __init__(
        self,
        tasks: Iterable[Task],
        n_inputs: int,
        n_outputs: int,
        *,
        n_queries: int = 0,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.tasks = canonical(tasks)
        if not self.tasks:
            raise ValueError("a pool needs at least one task")
        self.is_classification = self.tasks[0].is_classification
        for task in self.tasks:
            _check_fit(task, n_inputs, n_outputs)
        self._device, self._dtype = device_of(device), dtype
        self._n_outputs, self._n_queries = n_outputs, n_queries
        self._support = self._part([(task.support_x, task.support_y) for task in self.tasks])
        self._query = self._part([(task.query_x, task.query_y) for task in self.tasks])

    def __len__(self) -> int:
        return len(self.tasks)

    def draw(self, generator: np.random.Generator, n_tasks: int, k: int) -> Batch:
        """Draw tasks without replacement, then k shots of each.

        Args:
            generator: Its state after the call depends only on the pool's shape and the arguments.
            n_tasks: >= 1; capped by the size of the pool.
            k: As `shots`.
        """
        chosen = np.sort(generator.choice(len(self), size=min(n_tasks, len(self)), replace=False))
        return self.shots(generator, chosen, k)

    def shots(self, generator: np.random.Generator, chosen: Array, k: int) -> Batch:
        """Draw k support rows per class (all rows where there are fewer) for the chosen tasks.

        Args:
            generator: Source of chance; advanced.
            chosen: Indices into `tasks` (t,).
            k: Shots, >= 1.
        """
        support = self._support.draw(generator, chosen, k)
        query = self._query.draw(generator, chosen, self._n_queries) if self._n_queries else self._query.all(chosen)
        return Batch(*support, *query)

    def _part(self, rows: Sequence[tuple[Array, Array]]) -> "_Part":
        # A regression task is one class: its k shots are k rows.
        n_classes = self._n_outputs if self.is_classification else 1
        labels = padded([y if self.is_classification else 0 * y for _, y in rows], fill=n_classes).astype(np.int64)
        y = padded([y for _, y in rows])
        targets = np.eye(self._n_outputs)[y] if self.is_classification else y[..., None]
        weights = padded([np.ones(len(y)) for _, y in rows])
        x = padded([x for x, _ in rows])
        tensors = [torch.from_numpy(array).to(self._device, self._dtype) for array in (x, targets, weights)]
        return _Part(labels, n_classes, (tensors[0], tensors[1], tensors[2]))


class _Part:
    """Support or query rows of all tasks: labels (t, n) with `n_classes` for padding; x, targets, weights."""

    def __init__(self, labels: Array, n_classes: int, tensors: tuple[Tensor, Tensor, Tensor]) -> None:
        self._labels, self._n_classes, self._tensors = labels, n_classes, tensors
        self._counts = (labels[:, :, None] == np.arange(n_classes)).sum(axis=1)

    def all(self, chosen: Array) -> tuple[Tensor, Tensor, Tensor]:
        """Every row of the chosen tasks."""
        x, y, weight = self._tensors
        at = torch.from_numpy(chosen).to(x.device)
        return x[at], y[at], weight[at]

    def draw(self, generator: np.random.Generator, chosen: Array, k: int) -> tuple[Tensor, Tensor, Tensor]:
        """Draw k rows of each class, without replacement.

        Args:
            generator: Source of chance; advanced.
            chosen: Indices of tasks, (t,).
            k: Rows, >= 1.
        """
        labels, counts = self._labels[chosen], self._counts[chosen]
        order = np.lexsort((generator.random(labels.shape), labels), axis=-1)
        labels = np.take_along_axis(labels, order, axis=1)
        starts = np.concatenate([np.zeros((len(chosen), 1), np.int64), counts.cumsum(axis=1)], axis=1)
        rank = np.arange(labels.shape[1]) - np.take_along_axis(starts, labels, axis=1)
        task, column = np.nonzero((labels < self._n_classes) & (rank < k))
        slot = labels[task, column] * k + rank[task, column]
        rows = np.zeros((len(chosen), self._n_classes * k), np.int64)
        weight = np.zeros(rows.shape)
        rows[task, slot], weight[task, slot] = order[task, column], 1.0
        x, y, _ = self._tensors
        within = (torch.from_numpy(chosen).to(x.device)[:, None], torch.from_numpy(rows).to(x.device))
        return x[within], y[within], torch.from_numpy(weight).to(x.device, x.dtype)


def _check_fit(task: Task, n_inputs: int, n_outputs: int) -> None:
    if task.support_x.shape[1] != n_inputs:
        raise TaskMalformed(task.task_id, f"rows have {task.support_x.shape[1]} numbers, the network takes {n_inputs}")
    if not task.is_classification and n_outputs != 1:
        raise TaskMalformed(task.task_id, f"real targets need a network with 1 output, it has {n_outputs}")
    if task.is_classification and max(task.support_y.max(), task.query_y.max()) >= n_outputs:
        raise TaskMalformed(task.task_id, f"a label is above the last of the network's {n_outputs} classes")


def padded(arrays: Sequence[Array], fill: int = 0) -> Array:
    """Stack arrays of uneven length (n_i, …) to (t, max n, …)."""
    out = np.full((len(arrays), max(map(len, arrays)), *arrays[0].shape[1:]), fill, dtype=arrays[0].dtype)
    for row, array in zip(out, arrays, strict=True):
        row[: len(array)] = array
    return out
