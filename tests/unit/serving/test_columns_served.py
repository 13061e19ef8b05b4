"""What is no number is captured too; Arrow goes in and out; coroutines and errors."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # no stubs
import pyarrow as pa
import pytest
from tests.support.serving import says, told

from homeostat.core import Reject
from homeostat.events import Samples
from homeostat.inputs import Category, Inputs, Number, Text
from homeostat.runtime.memory import MemoryLog
from homeostat.serving import Served, serve
from homeostat.serving.class_numbers import ClassNumbers

INPUTS = Inputs(age=Number(may_be_missing=True), city=Category("Rome", "Oslo"), title=Text())
FRAME = pd.DataFrame({"age": [1.0, None, 3.0], "city": ["Rome", "Lima", None], "title": ["a", None, "a"]})
FORMS: dict[str, Any] = {
    "data frame": FRAME,
    "mapping": {name: FRAME[name].tolist() for name in FRAME},
    "arrow table": pa.Table.from_pandas(FRAME),
    "record batch": pa.RecordBatch.from_pandas(FRAME),
    "rows": FRAME.to_numpy(object),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_captured_whole(make: Callable[..., Served], log: MemoryLog, form: str) -> None:
    """Missing ones too; the detector watches numbers and places among categories."""
    served = make(lambda x: ["no"] * 3, features=(), inputs=INPUTS)
    served(FORMS[form])
    assert served.flush()

    (samples,) = told(log, Samples)
    assert served.n_refused == 0
    assert samples.captured == [0, 1, 2]
    assert samples.features == ["age", "city"]
    back = INPUTS.decode(samples.captured_inputs())
    assert np.isnan(back["age"][1])
    assert back["city"].tolist() == ["Rome", "(other)", None]
    assert back["title"][0] == back["title"][2] != back["title"][1] == -1


def test_a_column_that_is_not_there_is_refused_and_counted(make: Callable[..., Served]) -> None:
    """The caller is answered all the same."""
    served = make(features=(), inputs=INPUTS)
    answer = served({"age": [1]})
    assert served.flush()

    assert answer.prediction.tolist() == ["no"]
    assert "no column city" in served.refusal


def test_arrow_comes_out(make: Callable[..., Served]) -> None:
    """A record batch; a score that is not said is null."""
    batch = make(lambda x: ["no"] * 3, features=(), inputs=INPUTS)(FORMS["arrow table"], ["a", "b", "c"]).to_arrow()

    assert batch.schema.names == ["request", "prediction", "score", "version"]
    assert batch.column("request").to_pylist() == ["a", "b", "c"]
    assert batch.column("score").null_count == 3


def test_a_coroutine_is_answered_without_stopping_the_loop(make: Callable[..., Served]) -> None:
    """Two at the same time: each waits until the other one is there."""
    served = make()
    both = asyncio.Barrier(1)

    async def ask() -> list[str]:
        answers = await asyncio.gather(served.answer(np.zeros((2, 2))), served.answer(np.ones((1, 2))), both.wait())
        return [*answers[0].version, *answers[1].version]

    assert asyncio.run(ask()) == ["v1"] * 3


def test_a_function_becomes_a_served_model(make: Callable[..., Served]) -> None:
    """By a decorator; it is called as before."""
    like = make()

    @serve("shop/other", "v7", load=says, client=like._client, store=like._store)  # noqa: SLF001  of the fixture
    def other(x: Any) -> Any:
        return np.zeros(len(x))

    assert other(np.ones((2, 2))).version == ["v7", "v7"]
    assert other.close()


def test_errors_are_sampled(make: Callable[..., Served]) -> None:
    """Of 1,000 wrong rows ten are kept, of late ones too; what was right is none of them."""
    served = make(most_errors=10)
    x = np.arange(4_000.0).reshape(2_000, 2)
    answer = served(x)
    served.label(answer.request, ["yes" if row % 2 else "no" for row in range(2_000)])
    assert served.flush()

    found = served.errors()

    assert len(found) == 10
    assert all((row.prediction, row.label) == (0.0, 1.0) for row in found)
    places = sorted(int(row.inputs["a"]) // 2 for row in found)
    assert all(place % 2 for place in places)
    assert places[-1] > 1_000  # of all, not only the first


@pytest.mark.parametrize(
    ("classes", "label", "numbers"),
    [
        (("no", "yes"), ["yes", "no"], [1, 0]),
        (("no", "yes"), [1, 0], [1, 0]),
        ((10, 20), [20, 10], [1, 0]),
        (np.array([10, 20]), np.array([20, 10]), [1, 0]),
        ((False, True), [True, False], [1, 0]),
        (None, [2.5, -1.0], [2.5, -1.0]),
    ],
)
def test_labels_have_any_type(classes: Any, label: Any, numbers: list[float]) -> None:
    """Beside names, numbers are indices; beside numbers they are the labels themselves."""
    assert ClassNumbers(classes)(np.asarray(label)).tolist() == numbers


@pytest.mark.parametrize(
    ("classes", "label", "words"),
    [
        (("no", "yes"), ["maybe"], "'maybe' is none of the classes no, yes"),
        ((10, 20), [1], "1 is none of the classes 10, 20"),
        (None, ["yes"], "say what there is as `classes`"),
        (None, [[1, 0]], "a row has one label"),
    ],
)
def test_labels_that_have_no_place_are_refused(
    make: Callable[..., Served], classes: Any, label: Any, words: str
) -> None:
    """At once, to whoever gave them."""
    with pytest.raises(Reject, match=words):
        make(classes=classes).label(["r1"], label)
