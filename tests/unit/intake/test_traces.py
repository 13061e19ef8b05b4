"""The traces door."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from homeostat.core import Payload, Reject
from homeostat.events import (
    Arm,
    Array,
    EpisodeRecorded,
    FamilyRegistered,
    IncidentRecorded,
    TaskRecorded,
    UpdateContributed,
)
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, TASKS
from homeostat.services.intake.traces import TracesIntake

STORED = Array(dtype="float32", shape=(50_000, 64), artifact="0" * 64)


def array(values: Any, dtype: str = "float32", shape: tuple[int, ...] | None = None) -> Array:
    """Lay values out as the payload wants them."""
    raw = np.asarray(values, np.dtype(dtype).newbyteorder("<"))
    return Array.model_validate(
        {"dtype": dtype, "shape": raw.shape if shape is None else shape, "data": b64encode(raw.tobytes()).decode()}
    )


def task(**changes: Any) -> TaskRecorded:
    """A task of three classes with five support and four query rows of two columns; change what you like."""
    arrays = {
        "support_x": array(np.ones((5, 2))),
        "support_y": array([0, 1, 2, 0, 1], "int64"),
        "query_x": array(np.ones((4, 2))),
        "query_y": array([2, 1, 0, 0], "int64"),
    }
    return TaskRecorded.model_validate({"task": "t1", "n_classes": 3} | arrays | changes)


@pytest.mark.parametrize(
    "data",
    [
        FamilyRegistered(arms=(Arm(name="cold"),), baseline="cold"),
        FamilyRegistered(arms=(Arm(name="cold"),), baseline="skip", steps=()),
        EpisodeRecorded(episode="e", model="acme/m1", result=0.9, seconds=1),
        IncidentRecorded(incident="i", symptoms=("slow",)),
        UpdateContributed(client="c", base="0" * 64, delta="1" * 64, n_tasks=3),
        TaskRecorded(task="t", n_classes=3),
    ],
)
def test_traces_reach_experience(knock: Callable[..., Any], data: Payload) -> None:
    """A trace goes to experience under its key."""
    emit, *_ = knock(TracesIntake, "acme/digits").send(data)

    assert (emit.log, emit.subject) == (EXPERIENCE, None)
    assert emit.data.model_copy(update={"provenance": None}) == data


@pytest.mark.parametrize(
    "sent",
    [
        task(),
        task(
            support_x=STORED, support_y=Array(dtype="int64", shape=(50_000,), artifact="1" * 64), query_x=STORED
        ).model_copy(update={"query_y": Array(dtype="int64", shape=(50_000,), artifact="1" * 64)}),
        task(n_classes=0, support_y=array(np.ones(5)), query_y=array(np.ones(4))),
    ],
)
def test_task_goes_to_tasks_whole_and_to_experience_bare(knock: Callable[..., Any], sent: TaskRecorded) -> None:
    """The arrays lie in one log only, inline or by reference."""
    whole, bare, *_ = knock(TracesIntake, "acme/digits").send(sent)

    assert (whole.log, bare.log) == (TASKS, EXPERIENCE)
    assert whole.data.model_copy(update={"provenance": None}) == sent
    assert bare.data.provenance == whole.data.provenance
    assert (bare.data.task, bare.data.support_x, bare.data.query_y) == ("t1", None, None)


def test_a_family_is_announced_to_governance_with_its_first_trace(knock: Callable[..., Any]) -> None:
    """Once, after what is passed on: the places of the emits before it mean something."""
    door = knock(TracesIntake, "acme/digits", is_restored=True)

    emits = [door.send(IncidentRecorded(incident=f"i{n}", symptoms=("slow",))) for n in range(3)]

    _, own, announced = emits[0]
    assert (own.log, own.subject) == (EXPERIENCE, None)
    assert (announced.log, announced.subject) == (GOVERNANCE, "acme")
    assert own.data.family == announced.data.family == "acme/digits"
    assert [len(each) for each in emits] == [3, 1, 1]


def test_a_refused_trace_announces_nothing(knock: Callable[..., Any]) -> None:
    """The first trace that is admitted does."""
    door = knock(TracesIntake, "acme/digits")
    with pytest.raises(Reject):
        door.send(task(query_y=None))

    assert len(door.send(IncidentRecorded(incident="i", symptoms=("slow",)))) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"query_y": None},
        {"support_x": array(np.ones(5))},
        {"support_x": array(np.ones((0, 2))), "support_y": array([], "int64")},
        {"support_y": array([0, 1], "int64")},
        {"query_x": array(np.ones((4, 3)))},
        {"support_x": array(np.ones((5, 2)), "int64")},
        {"support_y": array(np.ones(5))},
        {"n_classes": 0},
        {"query_y": array([0, 1, 2, 3], "int64")},
        {"query_y": array([0, 1, 2, -1], "int64")},
        {"support_x": array(np.full((5, 2), np.nan))},
        {"support_x": array(np.full((5, 2), np.inf))},
        {"support_x": array(np.ones((5, 1)), shape=(5, 2))},
        {"support_x": Array(dtype="float32", shape=(5, 2), data="not base64")},
        {"support_x": Array(dtype="float32", shape=(5, 2), data="ä" * 40)},
        {"support_x": Array(dtype="float32", shape=(5, 2))},
        {"support_x": Array(dtype="float32", shape=(5, 2), data="AAAA", artifact="0" * 64)},
    ],
)
def test_malformed_task_is_refused(knock: Callable[..., Any], changes: dict[str, Any]) -> None:
    """Shapes, types, sizes and values of the arrays must fit together."""
    with pytest.raises(Reject) as refusal:
        knock(TracesIntake, "acme/digits").send(task(**changes))

    assert refusal.value.reason == "task_invalid"


@pytest.mark.parametrize(
    "x",
    [
        array(np.ones((8193, 2))),
        Array(dtype="float32", shape=(8193, 2), data="AAAA"),
        array(np.ones((8193, 2)), shape=(5, 2)),
    ],
)
def test_large_array_belongs_into_the_artifact_store(knock: Callable[..., Any], x: Array) -> None:
    """64 KiB pass; eight bytes more do not, whether said or sent."""
    y = array(np.zeros(x.shape[0]), "int64")
    with pytest.raises(Reject) as refusal:
        knock(TracesIntake, "acme/digits").send(task(support_x=x, support_y=y))

    assert refusal.value.reason == "array_too_large"
    assert knock(TracesIntake, "acme/digits").send(
        task(support_x=array(np.ones((8192, 2))), support_y=array(np.zeros(8192), "int64"))
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"arms": (Arm(name="cold"), Arm(name="cold"))},
        {"baseline": "warm"},
        {"steps": (0.5, 0.1)},
        {"steps": (0.0, 0.1)},
    ],
)
def test_contradictory_family_is_refused(knock: Callable[..., Any], changes: dict[str, Any]) -> None:
    """Arms have different names, the baseline is one of them, steps rise."""
    family = FamilyRegistered.model_validate({"arms": (Arm(name="cold"),), "baseline": "cold"} | changes)

    with pytest.raises(Reject) as refusal:
        knock(TracesIntake, "acme/digits").send(family)

    assert refusal.value.reason == "family_invalid"


def test_episode_of_another_scope_is_refused(knock: Callable[..., Any]) -> None:
    """The key decides the scope."""
    with pytest.raises(Reject) as refusal:
        knock(TracesIntake, "acme/digits").send(EpisodeRecorded(episode="e", model="other/m", result=1, seconds=1))

    assert refusal.value.reason == "scope_mismatch"
