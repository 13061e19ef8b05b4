"""Episodic sampling: new N-way tasks drawn from all the classes that were recorded."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.data.task_sampler import device_of, padded
from homeostat.services.maml_trainer.data.tasks import Array, Task, canonical
from homeostat.services.maml_trainer.errors import TaskMalformed

_TURNS = 4


class EpisodeSampler:
    """Classes of all tasks together. An episode draws some of them and numbers them anew.

    A class is a label of one recorded task, with its support and query rows; equal labels of two
    tasks are two classes.

    Args:
        tasks: At least one, all with labels; any order.
        ways: Classes of an episode, >= 2.
        n_queries: Query rows per class of an episode; 0: all that are not drawn as support.
        max_shots: Most shots that will be drawn; a class with no row beyond them is left out.
        image: Channels, height and width, if turned images shall count as classes of their own.
        device: As `device_of`.

    Raises:
        TaskMalformed: Numbers instead of labels, too few classes, or rows that are no such images.
    """

    is_classification = True

    def __init__(
        self,
        tasks: Iterable[Task],
        ways: int,
        *,
        n_queries: int = 0,
        max_shots: int = 1,
        image: tuple[int, int, int] | None = None,
        device: str = "cpu",
    ) -> None:
        if ways < 2:
            raise ValueError(f"an episode needs two classes or more, not {ways}")
        ordered = canonical(tasks)
        rows: list[Array] = []
        for task in ordered:
            if not task.is_classification:
                raise TaskMalformed(task.task_id, "classes are drawn from labels, these are numbers")
            rows += _by_class(task, max_shots)
        n_turns = _TURNS if image is not None else 1
        if len(rows) * n_turns < ways:
            raise TaskMalformed(ordered[0].task_id, f"{len(rows)} classes with over {max_shots} rows; {ways} are drawn")
        self._ways, self._n_queries, self._image = ways, n_queries, image
        self._n_classes, self._n_turns = len(rows), n_turns
        self._counts = np.array([len(part) for part in rows])
        self._x = torch.from_numpy(padded(rows)).to(device_of(device))

    def __len__(self) -> int:
        return self._n_classes * self._n_turns

    def draw(self, generator: np.random.Generator, n_tasks: int, k: int) -> Batch:
        """Draw episodes: classes without replacement, then rows of each without replacement.

        Args:
            generator: Source of chance; its state after the call depends on the pool and the arguments.
            n_tasks: Episodes, >= 1.
            k: Support rows per class, >= 1; all but one where there are not more.
        """
        chosen = np.stack([generator.choice(len(self), size=self._ways, replace=False) for _ in range(n_tasks)])
        return self._episodes(generator, chosen, k)

    def disjoint(
        self, generator: np.random.Generator, ways: int, n_groups: int, n_tasks: int, k: int
    ) -> tuple[Batch, Array]:
        """Draw episodes of groups of classes that share none.

        Classes of one task stay together: what they have in common then differs between groups, and shows
        in their spread.

        Args:
            generator: As `draw`.
            ways: Most classes of an episode, >= 2.
            n_groups: Least number of groups, >= 1: an episode has fewer classes, but two, if there are not
                enough for so many groups.
            n_tasks: Episodes, rounded up to the same number of each group.
            k: As `draw`.

        Returns:
            The episodes, those of one round of the groups after those of another, and the group of each (n,).
            There are fewer groups than asked for if even two classes each are too many.
        """
        ways = max(2, min(ways, len(self) // n_groups))
        groups = np.arange(len(self) // ways * ways).reshape(-1, ways)
        n_rounds = -(-n_tasks // len(groups))
        chosen = generator.permuted(np.tile(groups, (n_rounds, 1)), axis=1)
        return self._episodes(generator, chosen, k), np.tile(np.arange(len(groups)), n_rounds)

    def _episodes(self, generator: np.random.Generator, chosen: Array, k: int) -> Batch:
        classes, turns = chosen % self._n_classes, chosen // self._n_classes
        counts = self._counts[classes][..., None]
        place = np.arange(self._x.shape[1])
        order = (generator.random((*classes.shape, len(place))) + (place >= counts)).argsort(axis=-1)
        k = min(k, len(place) - 1)
        shots = np.minimum(k, counts - 1)  # a class with fewer rows keeps one to be judged on
        first = np.arange(k)
        then = shots + np.arange(self._n_queries or len(place) - k)
        return Batch(
            *self._rows(classes, turns, order[..., :k], first < shots),  # after sorting, padding is at the end
            *self._rows(
                classes, turns, np.take_along_axis(order, np.minimum(then, len(place) - 1), axis=-1), then < counts
            ),
        )

    def _rows(self, classes: Array, turns: Array, order: Array, kept: Array) -> tuple[Tensor, Tensor, Tensor]:
        n_tasks, ways, n = order.shape
        home = self._x.device
        x = self._x[torch.from_numpy(classes).to(home)[..., None], torch.from_numpy(order).to(home)]
        if self._image is not None:
            x = _turned(x, torch.from_numpy(turns).to(home), self._image)
        labels = torch.eye(ways, device=home).repeat_interleave(n, dim=0).expand(n_tasks, ways * n, ways)
        weights = torch.from_numpy(kept.reshape(n_tasks, ways * n)).to(home, x.dtype)
        return x.reshape(n_tasks, ways * n, -1), labels, weights


def _by_class(task: Task, max_shots: int) -> list[Array]:
    x, y = np.concatenate([task.support_x, task.query_x]), np.concatenate([task.support_y, task.query_y])
    parts = [x[y == label] for label in np.unique(y)]
    return [part for part in parts if len(part) > max_shots]


def _turned(x: Tensor, turns: Tensor, image: tuple[int, int, int]) -> Tensor:
    images = x.reshape(*x.shape[:-1], *image)
    for turn in range(1, _TURNS):
        at = turns == turn
        images[at] = torch.rot90(images[at], turn, dims=(-2, -1))
    return images.reshape(x.shape)
