"""Tasks stacked into tensors, and k-shot batches drawn from them.

Tasks differ in the number of rows; `vmap` needs one shape. Rows are padded, and the padding is
weighted 0.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from maml_trainer.errors import TaskMalformed
from maml_trainer.loss import Loss, cross_entropy, squared_error
from maml_trainer.tasks import Array, Task, canonical


class Batch(NamedTuple):
    """k-shot episodes of t tasks: x (t, n, d), targets (t, n, out), weights (t, n) of 0 and 1."""

    support_x: Tensor
    support_y: Tensor
    support_weight: Tensor
    query_x: Tensor
    query_y: Tensor
    query_weight: Tensor


def device_of(name: str) -> torch.device:
    """Resolve `cpu`, `cuda`, `cuda:1` … or `auto`: the GPU if there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


class TaskPool:
    """Tasks in canonical order, on one device.

    Args:
        tasks: At least one; any order.
        n_inputs: Width every row must have.
        n_outputs: Number of classes, above every label; 1 for regression.
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
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.tasks = canonical(tasks)
        if not self.tasks:
            raise ValueError("a pool needs at least one task")
        self.is_classification = self.tasks[0].is_classification
        self.loss: Loss = cross_entropy if self.is_classification else squared_error
        for task in self.tasks:
            _check_fit(task, n_inputs, n_outputs)
        self._device, self._dtype, self._n_outputs = device_of(device), dtype, n_outputs
        # A regression task is one class: its k shots are k rows.
        self._n_classes = n_outputs if self.is_classification else 1
        labels = [task.support_y if self.is_classification else 0 * task.support_y for task in self.tasks]
        self._classes = _padded(labels, fill=self._n_classes).astype(np.int64)
        self._counts = (self._classes[:, :, None] == np.arange(self._n_classes)).sum(axis=1)
        self._support_x = self._tensor(_padded([task.support_x for task in self.tasks]))
        self._support_y = self._targets([task.support_y for task in self.tasks])
        self._query_x = self._tensor(_padded([task.query_x for task in self.tasks]))
        self._query_y = self._targets([task.query_y for task in self.tasks])
        self._query_weight = self._tensor(_padded([np.ones(len(task.query_y)) for task in self.tasks]))

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
        classes, counts = self._classes[chosen], self._counts[chosen]
        order = np.lexsort((generator.random(classes.shape), classes), axis=-1)
        classes = np.take_along_axis(classes, order, axis=1)
        starts = np.concatenate([np.zeros((len(chosen), 1), np.int64), counts.cumsum(axis=1)], axis=1)
        rank = np.arange(classes.shape[1]) - np.take_along_axis(starts, classes, axis=1)
        task, column = np.nonzero((classes < self._n_classes) & (rank < k))
        slot = classes[task, column] * k + rank[task, column]
        rows = np.zeros((len(chosen), self._n_classes * k), np.int64)
        weight = np.zeros(rows.shape)
        rows[task, slot], weight[task, slot] = order[task, column], 1.0
        at = torch.from_numpy(chosen).to(self._device)
        within = (at[:, None], torch.from_numpy(rows).to(self._device))
        return Batch(
            self._support_x[within],
            self._support_y[within],
            self._tensor(weight),
            self._query_x[at],
            self._query_y[at],
            self._query_weight[at],
        )

    def _targets(self, ys: list[Array]) -> Tensor:
        y = _padded(ys)
        return self._tensor(np.eye(self._n_outputs)[y] if self.is_classification else y[..., None])

    def _tensor(self, array: Array) -> Tensor:
        return torch.from_numpy(array).to(self._device, self._dtype)


def _check_fit(task: Task, n_inputs: int, n_outputs: int) -> None:
    if task.support_x.shape[1] != n_inputs:
        raise TaskMalformed(task.task_id, f"rows have {task.support_x.shape[1]} numbers, the network takes {n_inputs}")
    if not task.is_classification and n_outputs != 1:
        raise TaskMalformed(task.task_id, f"real targets need a network with 1 output, it has {n_outputs}")
    if task.is_classification and max(task.support_y.max(), task.query_y.max()) >= n_outputs:
        raise TaskMalformed(task.task_id, f"a label is above the last of the network's {n_outputs} classes")


def _padded(arrays: list[Array], fill: int = 0) -> Array:
    out = np.full((len(arrays), max(map(len, arrays)), *arrays[0].shape[1:]), fill, dtype=arrays[0].dtype)
    for row, array in zip(out, arrays, strict=True):
        row[: len(array)] = array
    return out
