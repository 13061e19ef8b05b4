"""Tasks and the k-shot batches drawn from them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.maml_trainer.small import SIZES, small_tasks

from homeostat.services.maml_trainer.data.task_sampler import TaskSampler
from homeostat.services.maml_trainer.data.tasks import Array, Task, canonical
from homeostat.services.maml_trainer.errors import TaskMalformed


def test_canonical_order_ignores_arrival() -> None:
    """Tasks come out sorted by id, whatever order they came in."""
    tasks = small_tasks(5)

    assert canonical(reversed(tasks)) == canonical(tasks) == tuple(tasks)


def test_an_id_counts_once() -> None:
    """Two tasks of one id are refused."""
    with pytest.raises(TaskMalformed, match="twice"):
        canonical([*small_tasks(2), small_tasks(1)[0]])


GOOD = small_tasks(1)[0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("support_x", GOOD.support_x[:, 0]),
        ("support_x", GOOD.support_x[:0]),
        ("support_x", GOOD.support_x.astype(np.float64)),
        ("support_x", np.full_like(GOOD.support_x, np.nan)),
        ("support_x", GOOD.support_x[:, :2].copy()),
        ("support_y", GOOD.support_y[:5]),
        ("support_y", GOOD.support_y - 10),
        ("support_y", GOOD.support_y.astype(np.float32)),
        ("query_y", GOOD.query_y.astype(np.int32)),
    ],
)
def test_a_malformed_task_is_refused(field: str, value: Array) -> None:
    """Shape, dtype, sign, NaN and a mix of target kinds are caught before training."""
    with pytest.raises(TaskMalformed) as caught:
        replace(GOOD, **{field: value})  # type: ignore[arg-type]  # the field varies

    assert (caught.value.reason, caught.value.task_id) == ("task_malformed", GOOD.task_id)


@pytest.mark.parametrize(("n_inputs", "n_outputs"), [(5, 3), (4, 2)])
def test_a_task_must_fit_the_network(n_inputs: int, n_outputs: int) -> None:
    """Another width, or a label above the last class, is refused."""
    with pytest.raises(TaskMalformed):
        TaskSampler([GOOD], n_inputs, n_outputs)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), k=st.integers(1, 12), n_tasks=st.integers(1, 6))
def test_a_draw_holds_k_distinct_rows_of_each_class(seed: int, k: int, n_tasks: int) -> None:
    """Each drawn row is a row of its task's pool with its label, at most once; all rows where fewer than k exist."""
    tasks = small_tasks(4)
    pool = TaskSampler(tasks, SIZES[0], SIZES[-1])
    batch = pool.shots(np.random.default_rng(seed), np.arange(4), k)

    for i, task in enumerate(pool.tasks):
        kept = batch.support_weight[i] > 0
        drawn = {tuple(row) for row in batch.support_x[i][kept].numpy()}
        labels = batch.support_y[i][kept].argmax(-1).numpy()
        known = {tuple(row): label for row, label in zip(task.support_x, task.support_y, strict=True)}
        assert drawn <= known.keys()
        assert len(drawn) == kept.sum()
        assert all(known[tuple(r)] == y for r, y in zip(batch.support_x[i][kept].numpy(), labels, strict=True))
        want = np.minimum(np.bincount(task.support_y, minlength=SIZES[-1]), k)
        assert (np.bincount(labels, minlength=SIZES[-1]) == want).all()


def test_every_row_is_drawn_as_often_as_the_others() -> None:
    """Over 3,000 seeded 1-shot draws each row's share is 1/n of its class, within 5 standard errors."""
    pool = TaskSampler([GOOD], SIZES[0], SIZES[-1])
    generator = np.random.default_rng(0)
    n_draws, n_class = 3000, int((GOOD.support_y == 0).sum())
    seen = [pool.shots(generator, np.arange(1), 1).support_x[0, 0].numpy() for _ in range(n_draws)]

    share = [np.mean([np.array_equal(row, x) for x in seen]) for row in GOOD.support_x[GOOD.support_y == 0]]

    p = 1 / n_class
    assert np.abs(np.array(share) - p).max() < 5 * np.sqrt(p * (1 - p) / n_draws)


def test_query_padding_has_no_weight() -> None:
    """Uneven query sets are padded, and the padding is weighted 0."""
    tasks = small_tasks(4)
    batch = TaskSampler(tasks, SIZES[0], SIZES[-1]).shots(np.random.default_rng(0), np.arange(4), 2)

    assert batch.query_weight.sum(-1).tolist() == [len(task.query_y) for task in tasks]


def test_regression_draws_k_rows() -> None:
    """A task with real targets has no classes: k shots are k rows, targets keep their values."""
    x = np.arange(12, dtype=np.float32)[:, None]
    task = Task("sine", x[:8], np.sin(x[:8, 0]), x[8:], np.sin(x[8:, 0]))

    batch = TaskSampler([task], 1, 1).shots(np.random.default_rng(0), np.arange(1), 5)

    assert batch.support_weight.sum() == 5
    assert torch.allclose(batch.support_y, batch.support_x.sin(), atol=1e-6)
