"""Tasks of a range of the log."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.maml_trainer.small import SIZES, small_tasks

from homeostat.artifacts import open_store
from homeostat.evaluation.meta_training import log_of, task_recorded
from homeostat.events import MetaTraining
from homeostat.events.base import Provenance
from maml_trainer.history import Collected, tasks_in

TASKS = tuple(small_tasks(30))


@given(n=st.integers(0, 30), share=st.floats(0.05, 0.95))
def test_a_task_is_always_on_the_same_side(n: int, share: float) -> None:
    """Its id decides, whatever other tasks there are; the sides share none and miss none."""
    whole = Collected(TASKS, (), (), 3).split(share)

    part = Collected(TASKS[:n], (), (), 3).split(share)

    assert set(part.held_out) <= set(whole.held_out)
    assert set(part.train) <= set(whole.train)
    assert sorted(task.task_id for task in (*part.train, *part.held_out)) == [task.task_id for task in TASKS[:n]]


def test_marked_tasks_are_held_out_and_no_others() -> None:
    """Where some are marked nothing is split."""
    marked = Collected(TASKS[:20], TASKS[20:], (), 3)

    assert marked.split(0.5) is marked


def test_the_range_and_the_sources_decide_what_is_read(tmp_path: Path) -> None:
    """Tasks outside the range or of excluded sources are left out; arrays of any float come as float32."""
    store = open_store(tmp_path)
    log = log_of(
        [
            task_recorded(
                task.task_id,
                (task.support_x.astype(np.float64), task.support_y),
                (task.query_x, task.query_y),
                store,
                n_classes=SIZES[-1],
                is_held_out=number == 4,
            ).model_copy(update={"provenance": Provenance("demo", f"source-{number % 2}", str(number))})
            for number, task in enumerate(TASKS[:8])
        ]
    )
    window = log.window.model_copy(update={"first": "2.0", "last": "6.0"})
    spec = MetaTraining(window=window, excluded_sources=("source-1",))

    found = tasks_in(log.read(window.log, window.subject, 0), spec, store)

    assert [task.task_id for task in found.train] == [TASKS[2].task_id, TASKS[6].task_id]
    assert [task.task_id for task in found.held_out] == [TASKS[4].task_id]
    assert (found.sources, found.n_classes) == (("source-0",), 3)
    assert all((task.support_x == TASKS[at].support_x).all() for task, at in zip(found.train, (2, 6), strict=True))
