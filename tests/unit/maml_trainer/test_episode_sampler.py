"""Episodic sampling: new tasks from all recorded classes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.services.maml_trainer.data.episode_sampler import EpisodeSampler
from homeostat.services.maml_trainer.data.tasks import Task
from homeostat.services.maml_trainer.errors import TaskMalformed

SIDE = 3
IMAGE = (1, SIDE, SIDE)


def marked(n_tasks: int = 3, n_classes: int = 4, n_rows: int = 6) -> list[Task]:
    """Make tasks whose rows say which task, class and row they are."""
    tasks = []
    for task in range(n_tasks):
        rows = [(task, label, row) for label in range(n_classes) for row in range(n_rows)]
        x = np.zeros((len(rows), SIDE * SIDE), np.float32)
        x[:, :3] = rows
        y = np.array([label for _, label, _ in rows])
        first = np.array([row % 2 == 0 for *_, row in rows])
        tasks.append(Task(f"task-{task}", x[first], y[first], x[~first], y[~first]))
    return tasks


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), ways=st.integers(2, 8), k=st.integers(1, 4), queries=st.integers(0, 2))
def test_an_episode_is_made_of_distinct_classes_and_rows(seed: int, ways: int, k: int, queries: int) -> None:
    """Each label stands for one class of one task; no row is drawn twice, in support or query."""
    pool = EpisodeSampler(marked(), ways, n_queries=queries, max_shots=k)

    batch = pool.draw(np.random.default_rng(seed), 3, k)

    m = queries or 6 - k
    assert batch.support_x.shape[:2] == (3, ways * k)
    assert batch.query_x.shape[:2] == (3, ways * m)
    assert batch.support_weight.min() == batch.query_weight.min() == 1
    for episode in range(3):
        x = torch.cat([batch.support_x[episode], batch.query_x[episode]])
        y = torch.cat([batch.support_y[episode], batch.query_y[episode]]).argmax(-1)
        assert len({tuple(row) for row in x.tolist()}) == len(x)
        classes = {int(label): {tuple(row) for row in x[y == label][:, :2].tolist()} for label in y}
        assert all(len(found) == 1 for found in classes.values())
        assert len(set.union(*classes.values())) == ways


@settings(max_examples=40, deadline=None)
@given(n_tasks=st.integers(1, 6), ways=st.integers(2, 6), n_groups=st.integers(1, 12), n_episodes=st.integers(1, 30))
def test_groups_of_classes_share_none(n_tasks: int, ways: int, n_groups: int, n_episodes: int) -> None:
    """Every episode of a group has the group's classes and no other has one of them; groups come in turn."""
    pool = EpisodeSampler(marked(n_tasks), 2)

    batch, units = pool.disjoint(np.random.default_rng(0), ways, n_groups, n_episodes, 1)

    classes = [{(int(x[0]), int(x[1])) for x in episode.tolist()} for episode in batch.support_x]
    by_unit = dict(zip(units.tolist(), classes, strict=True))
    n_units = len(by_unit)
    assert all(by_unit[unit] == found for unit, found in zip(units.tolist(), classes, strict=True))
    assert sum(len(found) for found in by_unit.values()) == len(set.union(*by_unit.values()))
    assert units[:n_units].tolist() == list(range(n_units))
    assert n_episodes <= len(units) < n_episodes + n_units
    assert all(2 <= len(found) <= ways for found in classes)
    assert n_units >= min(n_groups, 4 * n_tasks // 2)


def test_the_same_generator_draws_the_same_episodes() -> None:
    """Chance is the generator's alone, and the order of the tasks leaves no trace."""
    tasks = marked()

    one, two = (EpisodeSampler(given, 3).draw(np.random.default_rng(5), 4, 1) for given in (tasks, tasks[::-1]))

    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_turned_images_are_classes_of_their_own() -> None:
    """Four times as many classes; each drawn image is one recorded, turned by its class's angle."""
    pool = EpisodeSampler(marked(n_tasks=1, n_classes=2), 8, image=IMAGE)

    batch = pool.draw(np.random.default_rng(0), 1, 1)

    images = batch.support_x[0].reshape(8, SIDE, SIDE)
    marks = [torch.tensor([0.0, label]) for label in (0, 1)]
    upright = [
        {tuple(torch.rot90(image, -turn)[0, :2].tolist()) for turn in range(4)} & {tuple(m.tolist()) for m in marks}
        for image in images
    ]
    assert len(pool) == 8
    assert all(upright)


def test_uneven_classes_are_padded() -> None:
    """A class with fewer rows than asked for has the rest weighted 0."""
    task = marked(n_tasks=1, n_classes=3, n_rows=6)[0]
    short = replace(task, query_x=task.query_x[task.query_y != 1], query_y=task.query_y[task.query_y != 1])

    batch = EpisodeSampler([short], 3, n_queries=4).draw(np.random.default_rng(0), 1, 1)

    assert sorted(batch.query_y[0].T.matmul(batch.query_weight[0]).tolist()) == [2, 4, 4]


def test_too_few_classes_are_refused() -> None:
    """With what there is and what is needed."""
    with pytest.raises(TaskMalformed, match=r"12 classes.*20"):
        EpisodeSampler(marked(), 20)


def test_numbers_have_no_classes() -> None:
    """A regression task is refused."""
    task = marked(n_tasks=1)[0]
    numbers = replace(task, support_y=task.support_y.astype(np.float32), query_y=task.query_y.astype(np.float32))

    with pytest.raises(TaskMalformed, match="numbers"):
        EpisodeSampler([numbers], 2)
