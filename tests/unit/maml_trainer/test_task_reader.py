"""Tasks of a range of the log."""

from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.unit.maml_trainer.orders import record
from tests.unit.maml_trainer.small import SIZES, small_tasks

from homeostat.artifacts import ArtifactStore, open_store
from homeostat.core import Retry
from homeostat.events import Array, Episodes, MetaTraining, TaskRecorded
from homeostat.events.base import Provenance
from homeostat.services.maml_trainer.data.task_reader import Collected, tasks_in
from homeostat.services.maml_trainer.data.tasks import Task
from homeostat.services.maml_trainer.errors import CurrentUnfit
from homeostat.services.maml_trainer.meta.meta_parameters import MetaParameters, random_init
from homeostat.services.maml_trainer.meta.network import mlp
from homeostat_lab.evaluation.meta_training import TasksLog, log_of, task_recorded

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


def found_in(log: TasksLog, store: ArtifactStore, current: MetaParameters | None = None, **fields: Any) -> Collected:
    """Collect the tasks of a whole log."""
    spec = MetaTraining(**{"window": log.window, **fields})
    return tasks_in(log.read(spec.window.log, spec.window.subject, 0), spec, store, current)


def test_the_range_and_the_sources_decide_what_is_read(tmp_path: Path) -> None:
    """Tasks outside the range or of excluded sources are left out; arrays of any float come as float32."""
    store = open_store(tmp_path)
    log = log_of(
        [
            record(task, store, is_held_out=number == 4).model_copy(
                update={
                    "provenance": Provenance("demo", f"source-{number % 2}", str(number)),
                    "support_x": array("float64", task.support_x),
                }
            )
            for number, task in enumerate(TASKS[:8])
        ]
    )
    window = log.window.model_copy(update={"first": "2.0", "last": "6.0"})

    found = found_in(log, store, window=window, excluded_sources=("source-1",))

    assert [task.task_id for task in found.train] == [TASKS[2].task_id, TASKS[6].task_id]
    assert [task.task_id for task in found.held_out] == [TASKS[4].task_id]
    assert (found.sources, found.n_classes) == (("source-0",), 3)
    assert all((task.support_x == TASKS[at].support_x).all() for task, at in zip(found.train, (2, 6), strict=True))


def array(dtype: Literal["float32", "float64", "int64"], values: NDArray[Any]) -> Array:
    """Make an inline array."""
    raw = values.astype(np.dtype(dtype).newbyteorder("<")).tobytes()
    return Array(dtype=dtype, shape=values.shape, data=b64encode(raw).decode())


def too_large(task: Task) -> Array:
    """Hold a number that is finite, and no float32."""
    x = task.support_x.astype(np.float64)
    x[0, 0] = 1e39
    return array("float64", x)


ODD = TASKS[20]
UNREADABLE: dict[str, tuple[dict[str, Any], str]] = {
    "a number that float32 has not": ({"support_x": too_large(ODD)}, "task_malformed"),
    "a label above the last": ({"query_y": array("int64", ODD.query_y + 9)}, "task_malformed"),
    "numbers instead of labels": (
        {"support_y": array("float32", ODD.support_y), "query_y": array("float32", ODD.query_y)},
        "task_malformed",
    ),
    "another width in the query": ({"query_x": array("float32", ODD.query_x[:, :2])}, "task_malformed"),
    "an artifact that is lost": (
        {"support_x": Array(dtype="float32", shape=ODD.support_x.shape, artifact="0" * 64)},
        "artifact_missing",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_task_that_cannot_be_read_is_left_out(tmp_path: Path, case: str) -> None:
    """It does not keep the others from being learned from; the reason is counted."""
    store = open_store(tmp_path)
    fields, reason = UNREADABLE[case]
    odd = record(ODD, store).model_copy(update=fields)

    found = found_in(log_of([*(record(task, store) for task in TASKS[:8]), odd]), store)

    assert [task.task_id for task in found.train] == [task.task_id for task in TASKS[:8]]
    assert found.left_out == {reason: 1}


@pytest.mark.parametrize("content", [b"other bytes", b""])
def test_stored_bytes_of_another_shape_or_digest_are_left_out(tmp_path: Path, content: bytes) -> None:
    """Whether they were stored so, or the disk made them so."""
    store = open_store(tmp_path)
    of_shape = Array(dtype="float32", shape=ODD.support_x.shape, artifact=store.put(content))
    damaged = Array(dtype="float32", shape=ODD.support_x.shape, artifact=store.put(ODD.support_x.tobytes()))
    (tmp_path / str(damaged.artifact)[:2] / str(damaged.artifact)).write_bytes(b"damaged")
    odd = [
        record(replace(ODD, task_id=f"odd-{number}"), store).model_copy(update={"support_x": x})
        for number, x in enumerate((of_shape, damaged))
    ]

    found = found_in(log_of([*(record(task, store) for task in TASKS[:4]), *odd]), store)

    assert len(found.train) == 4
    assert found.left_out == {"artifact_corrupted": 1, "task_malformed": 1}


def by(task: TaskRecorded, source: str, signer: str = "") -> TaskRecorded:
    """A task that somebody tells of, signed or not."""
    return task.model_copy(update={"provenance": Provenance("demo", source, "1", signer=signer or None)})


SEATS = {"a" * 64: "plant", "b" * 64: "edge"}


def test_threat_made_up_tasks_outnumber_those_that_somebody_signed(tmp_path: Path) -> None:
    """However many names there are, unsigned ones are as many as the tasks of the one who has signed most."""
    store = open_store(tmp_path)
    signed = [by(record(task, store), "/line", "a" * 64) for task in TASKS[:5]]
    others = [by(record(task, store), f"/made-up/{n}") for n, task in enumerate(TASKS[5:20])]
    unknown = [by(record(task, store), "/eve", "c" * 64) for task in TASKS[20:22]]

    found = found_in(log_of([*others, *unknown, *signed]), store, seats=SEATS)

    names = {task.task_id for task in found.train}
    assert names >= {task.task_id for task in TASKS[:5]}
    assert (len(names), found.left_out) == (10, {"unsigned_beyond_share": 12})
    assert len(found_in(log_of([*others, *unknown]), store, seats=SEATS).train) == 17


def test_threat_a_stranger_records_somebody_s_task_anew(tmp_path: Path) -> None:
    """What nobody has signed does not replace what somebody has; who signs may."""
    store = open_store(tmp_path)
    task, forged = record(TASKS[0], store), record(replace(TASKS[1], task_id=TASKS[0].task_id), store)
    log = log_of([by(task, "/line", "a" * 64), by(forged, "/line")])

    (found,) = found_in(log, store, seats=SEATS).train
    assert (found.support_x == TASKS[0].support_x).all()

    (renewed,) = found_in(log_of([by(task, "/line"), by(forged, "/line", "a" * 64)]), store, seats=SEATS).train
    assert (renewed.support_x == TASKS[1].support_x).all()


def test_threat_made_up_tasks_decide_what_shape_is_learned(tmp_path: Path) -> None:
    """Tasks of another width, however many, do not push the signed ones out."""
    store = open_store(tmp_path)
    signed = [by(record(task, store), "/line", "a" * 64) for task in TASKS[:3]]
    others = [by(record(narrowed(task), store), f"/made-up/{n}") for n, task in enumerate(TASKS[5:20])]

    found = found_in(log_of([*others, *signed]), store, seats=SEATS)

    assert {task.task_id for task in found.train} == {task.task_id for task in TASKS[:3]}


def narrowed(task: Task) -> Task:
    """Drop a column."""
    return replace(task, support_x=task.support_x[:, 1:].copy(), query_x=task.query_x[:, 1:].copy())


def test_the_shape_of_most_tasks_is_the_tasks_where_nothing_is_in_force(tmp_path: Path) -> None:
    """Another width, or another number of classes, is left out: one odd task widens no network."""
    store = open_store(tmp_path)
    log = log_of(
        [
            record(TASKS[20], store, n_classes=7),
            record(narrowed(TASKS[21]), store),
            *(record(task, store) for task in TASKS[:6]),
        ]
    )

    found = found_in(log, store)

    assert [task.task_id for task in found.train] == [task.task_id for task in TASKS[:6]]
    assert (found.n_classes, found.left_out) == (3, {"other_shape": 2})


def test_the_shape_of_the_weights_in_force_is_the_tasks(tmp_path: Path) -> None:
    """However many others there are: what is learned next must be held against them."""
    store = open_store(tmp_path)
    log = log_of([*(record(task, store, n_classes=7) for task in TASKS[:6]), record(TASKS[6], store)])

    found = found_in(log, store, random_init(mlp(SIZES), 0))

    assert [task.task_id for task in found.train] == [TASKS[6].task_id]
    assert (found.n_classes, found.left_out) == (3, {"other_shape": 6})


@pytest.mark.parametrize(
    ("sizes", "fields"),
    [((5, 3), {}), ((4, 2), {}), ((4, 1), {}), (SIZES, {"episodes": Episodes(ways=2)})],
    ids=["width", "classes", "numbers", "drawn classes"],
)
def test_weights_that_no_task_fits_refuse(tmp_path: Path, sizes: tuple[int, ...], fields: dict[str, Any]) -> None:
    """What they are for, what there is, and the way out are said."""
    store = open_store(tmp_path)
    log = log_of([record(task, store) for task in TASKS[:3]])

    with pytest.raises(CurrentUnfit, match=r"3 tasks have .*leave `current` out") as caught:
        found_in(log, store, random_init(mlp(sizes), 0), **fields)

    assert caught.value.reason == "current_does_not_fit"


def test_drawn_classes_need_no_equal_number_of_them(tmp_path: Path) -> None:
    """Alphabets differ in their letters; weights with one column for all classes take them."""
    store = open_store(tmp_path)
    log = log_of([record(task, store, n_classes=3 + number) for number, task in enumerate(TASKS[:4])])

    for current in (None, random_init(mlp((4, 6, 1)), 0)):
        found = found_in(log, store, current, episodes=Episodes(ways=2))
        assert (len(found.train), found.n_classes, found.left_out) == (4, 0, {})


def test_of_a_task_that_was_recorded_again_the_last_record_counts(tmp_path: Path) -> None:
    """It is on one side: a task that was trained on cannot judge."""
    store = open_store(tmp_path)
    again = replace(TASKS[1], support_x=TASKS[2].support_x, support_y=TASKS[2].support_y)
    log = log_of(
        [
            record(TASKS[0], store),
            record(TASKS[1], store, is_held_out=True),
            record(TASKS[0], store, is_held_out=True),
            record(again, store),
        ]
    )

    found = found_in(log, store)

    assert [task.task_id for task in found.held_out] == [TASKS[0].task_id]
    assert [task.task_id for task in found.train] == [TASKS[1].task_id]
    assert (found.train[0].support_x == TASKS[2].support_x).all()


def test_a_range_whose_end_cannot_be_seen_is_waited_for(tmp_path: Path) -> None:
    """Training on fewer tasks than were asked for would give other weights under the same command."""
    store = open_store(tmp_path)
    log = log_of([record(task, store) for task in TASKS[:3]])

    with pytest.raises(Retry, match=r"9\.0 of .* cannot be seen yet"):
        found_in(log, store, window=log.window.model_copy(update={"last": "9.0"}))


def test_targets_are_exact_until_their_units_are_known(tmp_path: Path) -> None:
    """A float64 target of a billion and a bit keeps its bit; inputs are float32 for the network."""
    store = open_store(tmp_path)
    x, y = np.array([[0.1], [0.2]]), np.array([1e9 + 0.25, 1e9 + 0.5])
    data = task_recorded("t", (x, y), (x, y), store, n_classes=0, is_held_out=False)

    (task,) = found_in(log_of([data]), store).train

    assert task.support_y.tolist() == y.tolist()
    assert task.support_x.dtype == np.float32


@pytest.mark.parametrize("value", [1e31, -1e300])
def test_a_target_without_bounds_is_no_task(tmp_path: Path, value: float) -> None:
    """Its square would not be a number."""
    store = open_store(tmp_path)
    x, y = np.zeros((1, 1), np.float32), np.array([value])

    found = found_in(log_of([task_recorded("t", (x, y), (x, y), store, n_classes=0, is_held_out=False)]), store)

    assert found.left_out == {"task_malformed": 1}
